"""Who made, changed or deleted a row by the API, in the log of controls with every field before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from common.text import instant_text
from execution.choices import ControlAction, ControlTarget
from execution.engine.logs import log_control
from sequences.access.roles import name_actor

# Of these only that they were changed is kept.
_SECRET = frozenset({"credentials", "secret"})


class LoggedChanges:
    """For viewsets that write by DRF's `perform_…`; `log_target` says what their rows are."""

    log_target: ControlTarget
    request: Any

    @transaction.atomic
    def perform_create(self, serializer: Any) -> None:
        super().perform_create(serializer)  # type: ignore[misc]
        self.log(serializer.instance, ControlAction.CREATED)

    @transaction.atomic
    def perform_update(self, serializer: Any) -> None:
        names = list(serializer.validated_data)
        before = read_fields(serializer.instance, names)
        super().perform_update(serializer)  # type: ignore[misc]
        serializer.instance.refresh_from_db()
        changes = list_field_changes(before, read_fields(serializer.instance, names))
        if changes:
            self.log(serializer.instance, ControlAction.EDITED, changes)

    @transaction.atomic
    def perform_destroy(self, instance: Any) -> None:
        self.log(instance, ControlAction.DELETED)
        super().perform_destroy(instance)  # type: ignore[misc]

    def log(self, row: Any, action: ControlAction, changes: Iterable[Mapping[str, object]] = ()) -> None:
        log_control(self.log_target, row, action, name_actor(self.request.user), "", timezone.now(), list(changes))


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
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
