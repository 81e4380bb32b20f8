"""The admin of members: roles and removal, logged, with the way to invite a colleague."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action as unfold_action

from execution.control.members import log_role, log_roles, read_roles, remove_member
from sequences.access.members import LastAdminError
from sequences.admin import MembershipBaseAdmin
from sequences.interface.admin.base import name_actor
from sequences.models import Invitation, Membership

_INVITE = unfold_action(description="Invite a colleague", url_path="invite", permissions=["invite"], icon="person_add")


@admin.register(Membership)
class MembershipAdmin(MembershipBaseAdmin):
    list_title = "Members"
    actions_list = ("invite",)

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
