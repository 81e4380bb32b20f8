"""Yes and no as queries and forms spell them."""

from __future__ import annotations

from django.core.exceptions import ValidationError

_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})


def read_yes_no(text: str) -> bool | None:
    """None for an empty text. Raises Django's `ValidationError` for what is neither."""
    if not text:
        return None
    if text.lower() not in {*_YES, *_NO}:
        raise ValidationError("It is true or false.", code="invalid")
    return text.lower() in _YES
