"""Splits what the writer of a reply wrote from what the mail quotes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from emails.inbound.text.new_text import find_new_text


@dataclass(frozen=True, slots=True)
class SplitText:
    """`new`: what the writer wrote. `quoted`: the lines of everything else: quotes, signature, footers."""

    new: str
    quoted: str


def split_quoted(text: str) -> SplitText:
    """Split plain text; never raises."""
    new = find_new_text(text, "")
    kept = {line.strip() for line in new.split("\n")}
    quoted = "\n".join(line for line in text.splitlines() if line.strip() and line.strip() not in kept)
    return SplitText(new, quoted)
