"""Where a branch leads, on the page of a sequence: a stored step, or a step of the page that is not stored yet.

The page names the latter `new:N`, N being the place of its form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

_NEW = "new:"


class TargetField(forms.ModelChoiceField[Any]):
    """A choice of a step that accepts `new:N`, which `find_new_targets` resolves; anything else is a stored step."""

    default_error_messages = {
        "invalid_choice": "This step is not part of the sequence any more. Choose another one, or the end.",
    }

    def to_python(self, value: Any) -> Any:
        return None if _place(value) is not None else super().to_python(value)


def offer_new_targets(data: Any, prefix: str, first: int, count: int) -> list[tuple[str, str]]:
    """The posted steps that are not stored yet, as choices."""
    return [
        (f"{_NEW}{place}", f"New: {data.get(f'{prefix}-{place}-name') or data.get(f'{prefix}-{place}-type', '')}")
        for place in range(first, count)
    ]


def find_new_targets(
    form: Any, forms_of_page: Sequence[Any], kept: Sequence[Any], names: Sequence[str]
) -> dict[str, Any]:
    """The chosen form by the name of the field. Adds an error for a form that was removed from the page."""
    found: dict[str, Any] = {}
    for name in names:
        place = _place(form.data.get(form.add_prefix(name)))
        if place is None:
            continue
        target = forms_of_page[place] if place < len(forms_of_page) else None
        if target is None or not any(each is target for each in kept):
            form.add_error(name, TargetField.default_error_messages["invalid_choice"])
        else:
            found[name] = target
    return found


def _place(value: Any) -> int | None:
    text = str(value or "")
    number = text.removeprefix(_NEW)
    return int(number) if text.startswith(_NEW) and number.isdecimal() and len(number) < 6 else None
