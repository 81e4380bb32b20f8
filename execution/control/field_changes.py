"""The fields of a row before and after a change, as the log of controls keeps them. Secrets are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from common.text import instant_text

# Of these only that they were changed is kept.
_SECRET = frozenset({"credentials", "secret"})


def read_fields(row: models.Model, names: Iterable[str]) -> dict[str, Any]:
    """The fields of these names that the row has, as JSON can hold them; secrets as marks that differ when they do."""
    return {name: _plain(name, getattr(row, name)) for name in names if hasattr(row, name)}


def list_field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, object]]:
    return [
        {"what": "row", "field": name, "before": _shown(name, before[name]), "after": _shown(name, after[name])}
        for name in before
        if before[name] != after.get(name)
    ]


def _shown(name: str, value: Any) -> Any:
    return "(secret)" if name in _SECRET else value


def _plain(name: str, value: Any) -> Any:
    if name in _SECRET:
        return dict(value or {})
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, list | tuple):
        return [_plain("", each) for each in value]
    return value if isinstance(value, str | int | float | bool | dict | None) else str(value)
