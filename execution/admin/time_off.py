"""The admin of time off: members enter their own, managers that of all; a change says what it has moved."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from execution.control.time_off import TimeOffError, delete_time_off, save_time_off, validate_time_off
from sequences.access.admin_rights import Right
from sequences.access.roles import managed_workspaces
from sequences.interface.admin.base import (
    OneWorkspaceForm,
    OwnerFilter,
    WorkspaceAdmin,
    filter_by,
    name_actor,
)
from sequences.models import TimeOff, Workspace

_WRITTEN = ("starts_on", "ends_on", "cover")


class TimeOffForm(OneWorkspaceForm):
    """Validates the days, the owner and the cover as the API does."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        row = TimeOff(pk=self.instance.pk)
        for name in ("workspace", "owner", *_WRITTEN):
            setattr(row, name, self.cleaned_data.get(name) or getattr(self.instance, f"{name}", None))
        row.cover = self.cleaned_data.get("cover")
        if not self.errors:
            try:
                validate_time_off(row)
            except TimeOffError as error:
                self.add_error(error.field if error.field in self.fields else None, str(error))
        return cleaned


@admin.register(TimeOff)
class TimeOffAdmin(WorkspaceAdmin):
    right = Right(owner="owner_id")
    form = TimeOffForm
    list_title = "Time off"
    empty_text = "Enter when you are away: your mailboxes send no email of a sequence on these days."
    list_display = ("owner", "starts_on", "ends_on", "cover", "workspace")
    list_filter = (OwnerFilter, filter_by(Workspace, "workspace", "name"))
    list_select_related = ("owner", "cover", "workspace")
    fieldsets = ((None, {"fields": ("workspace", "owner", ("starts_on", "ends_on"), "cover")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "owner"] if obj is not None else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner" and not managed_workspaces(request.user).exists():
            kwargs["queryset"] = get_user_model()._default_manager.filter(pk=request.user.pk or 0)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.require_write(request, obj)
        values = {name: getattr(obj, name) for name in _WRITTEN}
        impact = save_time_off(obj, values, actor=name_actor(request), now=timezone.now())
        messages.info(request, str(impact))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        impact = delete_time_off(obj, actor=name_actor(request), now=timezone.now())
        messages.info(request, str(impact))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)
