"""Who made, changed or deleted a row in the admin, in the log of controls with every field before and after."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from execution.choices import ControlAction, ControlTarget
from execution.control.field_changes import list_field_changes, read_fields
from execution.engine.logs import log_control
from sequences.interface.admin.base import name_actor


class LogsChanges:
    """Base class to list before the admin class whose writes it logs; `log_target` says what its rows are."""

    log_target: ControlTarget
    model: Any

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        written = self.list_logged(form)
        names = [field.name for field in obj._meta.concrete_fields if field.name in written]
        before = read_fields(self.model._default_manager.get(pk=obj.pk), names) if change else {}
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        changes = list_field_changes(before, read_fields(obj, before))
        if changes or not change:
            self._log(request, obj, ControlAction.EDITED if change else ControlAction.CREATED, changes)

    def list_logged(self, form: Any) -> set[str]:
        """The fields that the form may have changed."""
        return set(form.fields)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._log(request, obj, ControlAction.DELETED)
        super().delete_model(request, obj)  # type: ignore[misc]

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self._log(request, row, ControlAction.DELETED)
        super().delete_queryset(request, queryset)  # type: ignore[misc]

    def _log(self, request: HttpRequest, row: Any, action: ControlAction, changes: Any = ()) -> None:
        log_control(self.log_target, row, action, name_actor(request), "", timezone.now(), changes)


class LogsInlines:
    """Base class to list before the admin class whose inline rows it logs; `inline_target` says what they are."""

    inline_target: ControlTarget

    @transaction.atomic
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for gone in formset.deleted_forms:
            if gone.instance.pk is not None:
                self._log_inline(request, gone.instance, ControlAction.DELETED)
        initial = {each.instance: each.initial for each in formset.initial_forms}
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        for row, names in formset.changed_objects:
            before = {name: initial[row].get(name) for name in names}
            self._log_inline(request, row, ControlAction.EDITED, list_field_changes(before, read_fields(row, names)))
        for row in formset.new_objects:
            self._log_inline(request, row, ControlAction.CREATED)

    def _log_inline(self, request: HttpRequest, row: Any, action: ControlAction, changes: Any = ()) -> None:
        log_control(self.inline_target, row, action, name_actor(request), "", timezone.now(), changes)
