"""The admin of mailbox pools. execution.control.pools stores them and keeps the log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from emails.models import Mailbox, MailboxPool
from execution.control.pools import delete_pool, save_pool
from sequences.access.admin_rights import MANAGERS
from sequences.interface.admin.base import (
    OneWorkspaceForm,
    WorkspaceAdmin,
    filter_by,
    name_actor,
    scope_rows,
    time_column,
)
from sequences.models import Workspace


class MailboxPoolForm(OneWorkspaceForm):
    """Takes mailboxes of the pool's workspace only."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        workspace = self.cleaned_data.get("workspace") or self.instance.workspace
        foreign = [one for one in self.cleaned_data.get("mailboxes") or () if one.workspace_id != workspace.pk]
        if foreign:
            self.add_error("mailboxes", f"{foreign[0]} belongs to another workspace. Choose mailboxes of {workspace}.")
        return cleaned


@admin.register(MailboxPool)
class MailboxPoolAdmin(WorkspaceAdmin):
    right = MANAGERS
    form = MailboxPoolForm
    list_title = "Mailbox pools"
    empty_text = "Group mailboxes to spread new enrollments over them."
    list_display = ("name", "show_mailboxes", "workspace", time_column("updated_at", "changed"))
    list_filter = (filter_by(Workspace, "workspace", "name"),)
    list_select_related = ("workspace",)
    search_fields = ("name", "mailboxes__address")
    fields = ("workspace", "name", "mailboxes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(size=Count("mailboxes", distinct=True))
        return rows

    @admin.display(description="mailboxes", ordering="size")
    def show_mailboxes(self, row: Any) -> int:
        return int(row.size)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return forms.ModelMultipleChoiceField(
            scope_rows(Mailbox.objects.order_by("address"), request),
            required=False,
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            help_text=db_field.help_text,
        )

    def save_model(self, request: HttpRequest, obj: MailboxPool, form: Any, change: bool) -> None:
        self.require_write(request, obj)
        values = {name: form.cleaned_data[name] for name in ("name", "mailboxes")}
        save_pool(obj, values, actor=name_actor(request), now=timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Its mailboxes are stored with the pool."""

    def delete_model(self, request: HttpRequest, obj: MailboxPool) -> None:
        delete_pool(obj, actor=name_actor(request), now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for pool in queryset:
            self.delete_model(request, pool)
