"""The merge fields of a contact in a form: one row per field with its name, its kind and its value. No JSON.

A row that was not changed keeps its stored value with its type. Emptying the name of a row removes the field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from sequences.contacts.csv_columns import name_column

KINDS = (("text", "Text"), ("number", "Number"), ("boolean", "Yes or no"))
_YES = {"yes": True, "true": True, "no": False, "false": False}
Row = tuple[str, str, str]


def write_rows(fields: Any) -> list[Row]:
    """(name, kind, text) of each stored field."""
    return [(name, *_write(value)) for name, value in fields.items()] if isinstance(fields, Mapping) else []


def _write(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "boolean", "yes" if value else "no"
    if isinstance(value, int | float):
        return "number", json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "text", _with_plain_ends(text)


def _with_plain_ends(text: str) -> str:
    """Forms send every end of a line as CR LF."""
    return text.replace("\r\n", "\n")


def _read(kind: str, text: str) -> str | int | float | bool:
    """Raises `ValueError` with what is wrong."""
    if kind == "boolean":
        if (answer := _YES.get(text.strip().lower())) is None:
            raise ValueError("is yes or no")
        return answer
    if kind == "number":
        try:
            value = json.loads(text.strip())
        except ValueError:
            value = None
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) == float("inf"):
            raise ValueError(f"is no number: {text[:50]!r}. Write it as 1200 or 2.5")
        return value
    return text


class MergeFieldsWidget(forms.Widget):
    template_name = "admin/parts/merge_fields.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = value if isinstance(value, list) else write_rows(value)
        context["widget"] |= {
            "rows": [*rows, ("", "text", "")],
            "kinds": KINDS,
            "input_classes": " ".join(INPUT_CLASSES),
            "select_classes": " ".join(SELECT_CLASSES),
        }
        return context

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        # the renderer of forms knows the templates of packages only
        return mark_safe(render_to_string(self.template_name, self.get_context(name, value, attrs)))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Row]:
        columns = [data.getlist(f"{name}-{part}") if hasattr(data, "getlist") else [] for part in _PARTS]
        rows = zip(*columns, strict=False)
        return [(field, kind, _with_plain_ends(text)) for field, kind, text in rows if field.strip() or text]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-{_PARTS[0]}" not in data

    def id_for_label(self, id_: str) -> str:
        return ""


_PARTS = ("name", "kind", "value")


class MergeFieldsField(forms.Field):
    """`validate_fields` answers what is wrong with the whole, or None."""

    widget = MergeFieldsWidget

    def __init__(self, *, validate_fields: Callable[[Mapping[str, Any]], str | None], **kwargs: Any) -> None:
        kwargs.pop("encoder", None)
        kwargs.pop("decoder", None)
        super().__init__(**kwargs)
        self._validate_fields = validate_fields

    def has_changed(self, initial: Any, data: Any) -> bool:
        return write_rows(initial) != list(data or [])

    def clean(self, value: Any) -> dict[str, Any]:
        """The fields by name. Names are written as those of imported columns are."""
        stored = {(name, *_write(each)): each for name, each in self._stored.items()}
        fields: dict[str, Any] = {}
        for row in value or []:
            name, kind, text = name_column(row[0]), row[1], row[2]
            if not row[0].strip():
                raise ValidationError(f"The value {text[:50]!r} has no name. Name it, or remove it.")
            if row in stored:
                fields[row[0]] = stored[row]
                continue
            if not text.strip():
                continue
            if name in fields:
                raise ValidationError(f"There are two fields named {name}. Remove one.")
            try:
                fields[name] = _read(kind, text)
            except ValueError as error:
                raise ValidationError(f"{name} {error}.") from None
        changed = {name: each for name, each in fields.items() if self._stored.get(name, self) != each}
        if problem := self._validate_fields(changed):
            raise ValidationError(f"{problem}.")
        return fields

    @property
    def _stored(self) -> Mapping[str, Any]:
        return self.initial if isinstance(self.initial, Mapping) else {}
