"""The admin of mailbox pools. execution.control.pools stores them and keeps the log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextInputWidget,
)

from emails.models import Mailbox, MailboxPool
from execution.control.pools import delete_pool, save_pool
from execution.control.rehome import Rehomed, RehomeError, rehome
from sequences.access.admin_rights import MANAGERS
from sequences.access.roles import NOT_YOURS
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


class RehomeForm(forms.Form):
    mailbox = forms.ModelChoiceField(
        Mailbox.objects.none(),
        label="From",
        widget=UnfoldAdminSelect2Widget(),
        help_text="The mailbox whose enrollments get other mailboxes of the pool.",
    )
    reason = forms.CharField(required=False, max_length=500, widget=UnfoldAdminTextInputWidget())

    def __init__(self, pool: MailboxPool, data: Any = None) -> None:
        super().__init__(data)
        field: Any = self.fields["mailbox"]
        field.queryset = Mailbox.objects.filter(workspace=pool.workspace_id).order_by("address")


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
    actions_detail = ("rehome_one",)

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

    @action(  # type: ignore[untyped-decorator]
        description="Re-home", url_path="rehome", permissions=["operate"], icon="move_to_inbox"
    )
    def rehome_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Choose a mailbox, see what would move, then move it."""
        pool = self.find_row(request, object_id)
        if not self.has_operate_permission(request, pool):
            raise PermissionDenied(NOT_YOURS)
        form = RehomeForm(pool, request.POST if request.method == "POST" else None)
        checked: Rehomed | None = None
        if form.is_valid():
            is_check = "check" in request.POST
            try:
                with transaction.atomic():
                    checked = rehome(
                        pool,
                        form.cleaned_data["mailbox"],
                        actor=name_actor(request),
                        now=timezone.now(),
                        reason=form.cleaned_data["reason"],
                    )
                    transaction.set_rollback(is_check)
            except RehomeError as error:
                form.add_error("mailbox", f"{capfirst(str(error))}.")
            else:
                if not is_check:
                    moved, stay = checked.report.changed, sum(count for _, count in checked.stay)
                    level = messages.SUCCESS if moved else messages.WARNING
                    messages.add_message(request, level, f"Moved {moved:,}; {stay:,} stay with their mailbox.")
                    return redirect("admin:emails_mailboxpool_change", pool.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Re-home enrollments of {pool}",
            "form": form,
            "checked": checked,
            "back_url": reverse("admin:emails_mailboxpool_change", args=[pool.pk]),
        }
        return TemplateResponse(request, "admin/emails/mailboxpool/rehome.html", context)

    def delete_model(self, request: HttpRequest, obj: MailboxPool) -> None:
        delete_pool(obj, actor=name_actor(request), now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for pool in queryset:
            self.delete_model(request, pool)
