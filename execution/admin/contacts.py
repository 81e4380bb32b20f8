"""The admin of contacts, accounts and workspaces with their actions: enroll, erase, export, release colleagues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from unfold.contrib.filters.admin import RangeNumericFilter
from unfold.decorators import action

from execution.admin.confirm import Action, ConfirmsActions, RequiredReasonForm, on_one, on_selected
from execution.admin.contact_files import ContactFiles
from execution.admin.contact_imports import ImportFilter
from execution.admin.contact_pages import present_account, present_contact
from execution.admin.enrolling import MOST_AT_ONCE, EnrollForm, may_enroll, refuse_many, show_enrolling
from execution.admin.finding.contact_filters import (
    AccountFilter,
    AddedFilter,
    EnrolledByFilter,
    EnrolledInFilter,
    MergeFieldFilter,
    ParticipationFilter,
    RepliedFilter,
)
from execution.admin.finding.imported import ImportedFilter
from execution.admin.replanning import ReplansOnSave
from execution.control.colleagues import release_colleagues
from execution.control.enrollments import Report
from execution.maintenance.erase_contact import InFlightError, erase_contact, export_contact
from sequences.access.admin_rights import MANAGERS
from sequences.access.roles import NOT_YOURS, is_admin
from sequences.admin import AccountBaseAdmin, ContactBaseAdmin
from sequences.contacts.operations import wake_waiting_for
from sequences.interface.admin.base import name_actor
from sequences.interface.admin.saved_views import HasSavedViews
from sequences.models import Account, Contact

_ENROLL = action(description="Enroll", permissions=["enroll"], icon="group_add")
_EXPORT_DATA = action(description="Export data", url_path="export-data", permissions=["operate"], icon="person_search")


def _erase(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    report, now = Report(), timezone.now()
    for contact in Contact.objects.filter(pk__in=ids):
        if not is_admin(request.user, contact.workspace_id):
            report.refused[contact.pk] = "only an admin of the workspace can erase a contact's data"
            continue
        try:
            erased = erase_contact(contact, actor=name_actor(request), reason=answers["reason"], now=now)
        except InFlightError as error:
            report.refused[contact.pk] = str(error)
        else:
            (report.changed if erased.rows else report.unchanged).append(contact.pk)
    return report


ERASE = Action(
    "erase",
    "Erase data",
    "Erased the data of",
    "delete_forever",
    "Removes everything that identifies this contact: names, addresses, texts of emails and replies, tasks and log "
    "entries. Active enrollments end. Counts in reports stay, and the address is never stored or mailed again. "
    "This cannot be undone. Do not name the contact in the reason: it is kept.",
    _erase,
    RequiredReasonForm,
    is_danger=True,
)


@admin.register(Contact)
class ContactAdmin(HasSavedViews, ReplansOnSave, ConfirmsActions, ContactFiles, ContactBaseAdmin):
    list_filter = (
        ("engagement_score", RangeNumericFilter),
        ParticipationFilter,
        RepliedFilter,
        EnrolledInFilter,
        EnrolledByFilter,
        AccountFilter,
        MergeFieldFilter,
        ("created_at", AddedFilter),
        ImportedFilter,
        ImportFilter,
        *ContactBaseAdmin.list_filter,
    )
    actions = ("enroll_selected",)
    actions_list = ("import_file", "export_file")
    actions_detail = ("export_data", "erase_one")
    action_right = MANAGERS
    erase_one = on_one(ERASE)
    change_form_outer_before_template = "admin/sequences/contact/story.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = present_contact(self.find_row(request, object_id), request, timezone.now())
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            wake_waiting_for(obj, timezone.now())

    def _show_enrolling(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """The page for enrolling, with the addresses of the selected contacts."""
        emails = list(queryset.order_by("email").values_list("email", flat=True)[: MOST_AT_ONCE + 1])
        if len(emails) > MOST_AT_ONCE:
            messages.error(request, refuse_many(f"more than {MOST_AT_ONCE:,}"))
            return None
        return show_enrolling(self.admin_site, request, EnrollForm(request, initial={"emails": "\n".join(emails)}))

    enroll_selected = _ENROLL(_show_enrolling)

    def _send_data(self, request: HttpRequest, object_id: str) -> HttpResponse:
        contact = self.find_row(request, object_id)
        if not self.has_operate_permission(request, contact):
            raise PermissionDenied(NOT_YOURS)
        headers = {"Content-Disposition": f'attachment; filename="contact-{contact.pk}.json"'}
        data = export_contact(contact, timezone.now())
        return JsonResponse(data, headers=headers, json_dumps_params={"indent": 2, "ensure_ascii": False})

    export_data = _EXPORT_DATA(_send_data)

    def has_enroll_permission(self, request: HttpRequest) -> bool:
        return may_enroll(request)


def _release(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return release_colleagues(ids, actor=name_actor(request), now=timezone.now(), **answers)


RELEASE = Action(
    "release",
    "Release colleagues",
    "Released",
    "group",
    "Resumes enrollments at these accounts that were paused because a colleague replied, and replans them.",
    _release,
    counted=("enrollment", "enrollments"),
)


@admin.register(Account)
class AccountAdmin(HasSavedViews, ReplansOnSave, ConfirmsActions, AccountBaseAdmin):
    actions = ("release_selected",)
    actions_detail = ("release_one",)
    change_form_outer_before_template = "admin/sequences/account/story.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = present_account(self.find_row(request, object_id), request, timezone.now())
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})  # type: ignore[no-any-return]

    release_selected, release_one = on_selected(RELEASE), on_one(RELEASE)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            wake_waiting_for(obj, timezone.now())
