"""Who made, changed or deleted a row by the API, in the log of controls with every field before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from execution.choices import ControlAction, ControlTarget
from execution.control.field_changes import list_field_changes, read_fields
from execution.engine.logs import log_control
from sequences.access.roles import name_actor


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
