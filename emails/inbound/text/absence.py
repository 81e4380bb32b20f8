"""Whether a text says that its writer is away, and the first day back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from emails.inbound.text.return_date import find_return_at


@dataclass(frozen=True, slots=True)
class Absence:
    """`until`: the first day back; None when the text names none. `reason`: which rule and which words."""

    until: date | None
    reason: str


def find_absence(subject: str, text: str, received_on: date, *, is_automatic: bool) -> Absence | None:
    """The absence that a mail states; an automatic answer without a date is an absence too."""
    until_at = find_return_at(f"{subject}\n{text}", datetime.combine(received_on, time.min, tzinfo=UTC), UTC)
    if until_at is None and not is_automatic:
        return None
    return Absence(until_at.date() if until_at else None, "states the day of return" if until_at else "automatic")
