"""The admin of members: roles and removal, logged, with the way to invite a colleague."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action as unfold_action

from execution.admin.confirm import Action, ConfirmsActions, EmptyForm, on_one
from execution.control.enrollments import Report
from execution.control.members import log_role, log_roles, read_roles, remove_member
from sequences.access.members import LastAdminError
from sequences.access.second_factor import may_reset_second_factor, switch_off
from sequences.admin import MembershipBaseAdmin
from sequences.interface.admin.base import name_actor
from sequences.models import Invitation, Membership

_INVITE = unfold_action(description="Invite a colleague", url_path="invite", permissions=["invite"], icon="person_add")


def _reset(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    report = Report()
    for member in Membership.objects.filter(pk__in=ids).select_related("user"):
        if not may_reset_second_factor(request.user, member.user):
            report.refused[member.pk] = "Only a superuser can reset a superuser's second factor."
            continue
        done = switch_off(member.user, timezone.now(), actor=name_actor(request), request=request)
        (report.changed if done else report.unchanged).append(member.pk)
    return report


RESET = Action(
    "reset_second_factor",
    "Reset second factor",
    "Reset the second factor of",
    "phonelink_erase",
    "For a colleague who has lost it. Logging in asks for the password only, until it is switched on again.",
    _reset,
    EmptyForm,
    is_danger=True,
)


@admin.register(Membership)
class MembershipAdmin(ConfirmsActions, MembershipBaseAdmin):
    list_title = "Members"
    actions_list = ("invite",)
    actions_detail = ("reset_second_factor_one",)
    reset_second_factor_one = on_one(RESET)

    def _open_form(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:sequences_invitation_add"))

    invite = _INVITE(_open_form)

    def has_invite_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.get_model_admin(Invitation).has_add_permission(request))

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        before = form.initial.get("role") if change else None
        super().save_model(request, obj, form, change)
        if before != obj.role:
            log_role(obj.workspace, str(obj.user), before, obj.role, actor=name_actor(request), now=timezone.now())

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        try:
            remove_member(obj, actor=name_actor(request), now=timezone.now())
        except LastAdminError as error:
            messages.error(request, str(error))


class LogsMembers:
    """For the page of a workspace, whose form changes its members: logs what was changed."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = read_roles(form.instance)
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        log_roles(form.instance, before, actor=name_actor(request), now=timezone.now())
