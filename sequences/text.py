"""What strangers write, made fit to be stored. Pure."""

from __future__ import annotations


def storable_text(text: str) -> str:
    """PostgreSQL takes neither zero bytes nor halves of surrogate pairs, and strangers write both."""
    return text.replace("\x00", "").encode(errors="replace").decode()
