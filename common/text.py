"""Text from outside made storable; the written form of an instant in stored JSON, and of a number of things. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def storable_text(text: str) -> str:
    """PostgreSQL takes neither zero bytes nor halves of surrogate pairs, and strangers write both."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def instant_text(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`, as the API writes times."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plural(number: int, one: str, many: str) -> str:
    """The number with its noun: 1 inbox, 1,200 inboxes."""
    return f"{number:,} {one if number == 1 else many}"
