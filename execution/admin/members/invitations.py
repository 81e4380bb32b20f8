"""The admin of invitations: invite a colleague, send the link again, withdraw it. The link is shown once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from common.addresses import AddressError, parse_address
from execution.admin.confirm import Action, ConfirmsActions, EmptyForm, on_one, on_selected
from execution.control.enrollments import Report
from execution.control.invitations import (
    NotInvitableError,
    invite,
    link_of,
    renew,
    require_invitable,
    send_invitation,
    withdraw,
)
from sequences.access.admin_rights import ADMINS
from sequences.access.roles import administered_workspaces
from sequences.choices import InvitationStatus, Role
from sequences.interface.admin.base import (
    FactsAdmin,
    OneWorkspaceForm,
    by_choice,
    label_column,
    name_actor,
    time_column,
)
from sequences.models import Invitation

_COLOURS = {
    InvitationStatus.PENDING.value: "info",
    InvitationStatus.ACCEPTED.value: "success",
    InvitationStatus.EXPIRED.value: "warning",
}


class InvitationForm(OneWorkspaceForm):
    email = forms.CharField(max_length=150, help_text="A link to join is sent to this address.")

    def clean_email(self) -> str:
        try:
            return parse_address(str(self.cleaned_data["email"]))
        except AddressError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        email, workspace = self.cleaned_data.get("email"), self.cleaned_data.get("workspace")
        if email and workspace:
            try:
                require_invitable(workspace, email)
            except NotInvitableError as error:
                self.add_error("email", str(error))
        return cleaned

    def validate_constraints(self) -> None:
        """An open invitation of the address is replaced."""


def _run(change: Callable[..., None], *, sends: bool) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        report, is_answering = Report(), True
        for invitation in Invitation.objects.filter(pk__in=ids).select_related("workspace"):
            try:
                change(invitation, actor=name_actor(request), now=timezone.now())
            except NotInvitableError as error:
                report.refused[invitation.pk] = str(error)
                continue
            report.changed.append(invitation.pk)
            if sends:
                # a mail server that did not take one is not waited for again
                is_answering = is_answering and send_invitation(invitation, now=timezone.now())
                note = "" if is_answering else "No email was sent: pass the link on. "
                messages.warning(
                    request, f"{note}The link for {invitation.email}, shown only once: {link_of(invitation)}"
                )
        return report

    return run


RESEND = Action(
    "resend", "Send again", "Sent again", "forward_to_inbox",
    "Sends a new link, valid for 7 days. The link sent before stops working.", _run(renew, sends=True), EmptyForm,
)  # fmt: skip
WITHDRAW = Action(
    "withdraw", "Withdraw", "Withdrew", "block", "The link stops working.", _run(withdraw, sends=False), EmptyForm,
    is_danger=True,
)  # fmt: skip


@admin.register(Invitation)
class InvitationAdmin(ConfirmsActions, FactsAdmin):
    right = ADMINS
    list_title = "Invitations"
    empty_text = "Invite a colleague to the workspace by email."
    list_display = (
        "email", "role", "show_status", "workspace", "invited_by", time_column("created_at", "invited"),
        time_column("emailed_at", "emailed"), time_column("expires_at", "valid until"),
    )  # fmt: skip
    list_filter = by_choice("role")
    list_select_related = ("workspace",)
    search_fields = ("email",)
    hidden_fields = ("nonce",)
    actions = ("resend_selected", "withdraw_selected")
    actions_detail = ("resend_one", "withdraw_one")

    resend_selected, resend_one = on_selected(RESEND), on_one(RESEND)
    withdraw_selected, withdraw_one = on_selected(WITHDRAW), on_one(WITHDRAW)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(workspace__in=administered_workspaces(request.user))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_add = request.user.has_perm("sequences.add_invitation")
        return may_add and administered_workspaces(request.user).exists()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **{**kwargs, **({} if obj else {"form": InvitationForm})})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return super().get_fields(request, obj) if obj else ("workspace", "email", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return super().get_readonly_fields(request, obj) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "workspace":
            kwargs["queryset"] = administered_workspaces(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        self.require_write(request, obj)
        made = invite(obj.workspace, obj.email, Role(obj.role), actor=name_actor(request), now=timezone.now())
        obj.pk = made.pk
        request.invitation = made  # type: ignore[attr-defined]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form. After the invitation is stored, its email is sent outside the transaction."""
        title = {"title": "Invite a colleague", **(extra_context or {})}
        response: HttpResponse = super().add_view(request, form_url, title)
        made = getattr(request, "invitation", None)
        if made is None:
            return response
        list(messages.get_messages(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Invitation",
            "opts": self.model._meta,
            "invitation": made,
            "is_emailed": send_invitation(made, now=timezone.now()),
            "link": link_of(made),
        }
        return TemplateResponse(request, "admin/sequences/invitation/link.html", context)

    @label_column("status", _COLOURS)
    def show_status(self, invitation: Invitation) -> tuple[str, str]:
        status = invitation.status_at(timezone.now())
        return status.value, status.label
