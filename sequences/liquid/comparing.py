"""How values of contacts compare: as numbers where both sides are plain numbers, else as texts. Pure.

Imported values are texts whatever they look like, so conditions of sequences and of templates share these rules.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

# Digits with an optional sign, thousands commas and a fraction. "nan", "inf", "1e5" and "1.200,50" are texts.
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", re.ASCII)
# An identifier: a postal code, an account number or a phone number, where each digit counts.
_IDENTIFIER = re.compile(r"\+|-?0\d")


def read_number(value: object) -> Decimal | None:
    """The exact value of a number or of a text that is a plain number such as "1,200"; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return number if number.is_finite() else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    return Decimal(text.replace(",", "")) if _PLAIN_NUMBER.fullmatch(text) else None


def fold_text(text: str) -> str:
    """The form in which texts are compared: without case, surrounding blanks or a choice of encoding (Unicode NFC)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())


def is_equal(left: object, right: object) -> bool:
    """Whether both are the same number, or the same text. "007" is not 7: leading zeros belong to identifiers."""
    texts = _write(left), _write(right)
    if not any(map(_IDENTIFIER.match, texts)):
        numbers = read_number(left), read_number(right)
        if None not in numbers:
            return numbers[0] == numbers[1]
    return fold_text(texts[0]) == fold_text(texts[1])


def _write(value: object) -> str:
    return "" if value is None else str(value).strip()
