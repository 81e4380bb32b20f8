"""Contacts with what their score is made of, accounts whose people can be released, and the workspaces they are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from unfold.decorators import action

from emails.facts.scores import explain_score
from execution.admin.asking import AsksFirst, Deed, on_one, on_selected
from execution.admin.contact_files import ContactFiles
from execution.admin.enrolling import MOST_AT_ONCE, EnrollForm, may_enroll, show_enrolling
from execution.admin.replanning import ReplansOnSave
from execution.control.colleagues import release_colleagues
from execution.control.enrollments import Report
from sequences.admin import AccountBaseAdmin, ContactBaseAdmin, WorkspaceBaseAdmin
from sequences.contacts.operations import wake_waiting_for
from sequences.interface.admin.base import name_actor
from sequences.models import Account, Contact, Workspace

_ENROLL = action(description="Enroll", permissions=["enroll"], icon="group_add")
_WORDS = {"opened": "emails opened", "clicked": "emails clicked in", "replied": "emails answered"}


@admin.register(Contact)
class ContactAdmin(ReplansOnSave, ContactFiles, ContactBaseAdmin):
    actions = ("enroll_selected",)
    actions_list = ("import_file", "export_file")
    readonly_fields = ("engagement_score", "show_engagement")
    fieldsets = (
        *ContactBaseAdmin.fieldsets[:-1],
        ("Merge fields", {"fields": ("fields",)}),
        ("Engagement", {"fields": ("engagement_score", "show_engagement")}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            wake_waiting_for(obj, timezone.now())

    def _show_enrolling(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """The page that enrolls, with their addresses filled in."""
        emails = list(queryset.order_by("email").values_list("email", flat=True)[: MOST_AT_ONCE + 1])
        if len(emails) > MOST_AT_ONCE:
            messages.error(request, f"More than {MOST_AT_ONCE:,} at once: choose fewer, or use manage.py enroll.")
            return None
        return show_enrolling(self.admin_site, request, EnrollForm(request, initial={"emails": "\n".join(emails)}))

    enroll_selected = _ENROLL(_show_enrolling)

    def has_enroll_permission(self, request: HttpRequest) -> bool:
        return may_enroll(request)

    @admin.display(description="made of")
    def show_engagement(self, contact: Contact) -> SafeString | str:
        now = timezone.now()
        parts: list[Any] = explain_score(contact.pk, now) if contact.pk else []
        if not parts:
            return "Nothing was opened, clicked or answered by a person yet."
        lines = (
            (f"{part.points:.1f}", part.count, _WORDS[part.type], timesince(part.newest_at, now, depth=1))
            for part in parts
        )
        return format_html_join(mark_safe("<br>"), "{} points: {} {}, the newest {} ago", lines)


def _release(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return release_colleagues(ids, actor=name_actor(request), now=timezone.now(), **answers)


RELEASE = Deed(
    "release",
    "Release colleagues",
    "Released",
    "group",
    "Whoever at these accounts was paused because a colleague replied goes on, planned anew.",
    _release,
)


@admin.register(Account)
class AccountAdmin(ReplansOnSave, AsksFirst, AccountBaseAdmin):
    actions = ("release_selected",)
    actions_detail = ("release_one",)

    release_selected, release_one = on_selected(RELEASE), on_one(RELEASE)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            wake_waiting_for(obj, timezone.now())


@admin.register(Workspace)
class WorkspaceOwnAdmin(ReplansOnSave, WorkspaceBaseAdmin):
    pass
