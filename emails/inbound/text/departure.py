"""Whether a text says that its writer has left the company or the role, and who took over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emails.inbound.text.alternate import find_alternate

_LEFT = re.compile(
    r"no longer (with|at|employed|work)|(has|have) left the (company|organi[sz]ation)|"
    r"nicht mehr (im|für das|bei) |das unternehmen verlassen|ne (fais|travaille) plus",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Departure:
    """`successor`: the address named as the one to write to. `reason`: which rule and which words."""

    successor: str | None
    reason: str


def find_departure(subject: str, text: str) -> Departure | None:
    """The departure that a mail states; None when it states none."""
    found = _LEFT.search(f"{subject}\n{text[:4_000]}")
    if found is None:
        return None
    return Departure(find_alternate(text, "") or None, f'states a departure: "{found[0]}"')
