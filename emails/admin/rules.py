"""The admin of suppressions and send limits. A change wakes the lanes that it affects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from common.addresses import AddressError, parse_address, parse_domain
from common.notify import notify_engine
from emails.choices import LimitScope, SuppressionReason
from emails.facts.suppressions import suppress
from emails.models import SendLimit, Suppression
from emails.sending.send_limits import wake_lanes_of
from sequences.access.admin_rights import ADMINS, MANAGERS, MEMBERS
from sequences.contacts.erased import ERASED_REASON, find_erased
from sequences.interface.admin.base import (
    OneWorkspaceForm,
    WorkspaceAdmin,
    by_choice,
    filter_by,
    name_actor,
    time_column,
)
from sequences.models import Workspace

WorkspaceFilter = filter_by(Workspace, "workspace", "name")


def _clean_domain(text: str) -> str:
    try:
        return parse_domain(text) if text.strip() else ""
    except AddressError as error:
        raise forms.ValidationError(f"{error}.") from None


class SuppressionForm(OneWorkspaceForm):
    """Stores addresses and domains in the form of contacts, addresses in lower case."""

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        try:
            return parse_address(email).lower() if email.strip() else ""
        except AddressError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean_domain(self) -> str:
        return _clean_domain(self.cleaned_data["domain"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        is_checked = "email" in self.fields and not self.errors.keys() & {"email", "domain"}
        if is_checked and bool(self.cleaned_data.get("email")) == bool(self.cleaned_data.get("domain")):
            self.add_error(None, "Enter either an address or a domain.")
        email, workspace = self.cleaned_data.get("email"), self.cleaned_data.get("workspace")
        if email and workspace and find_erased(workspace.pk, [email]):
            self.add_error("email", f"This address {ERASED_REASON}.")
        return cleaned


class SuppressionBaseAdmin(WorkspaceAdmin):
    """The admin of suppressions without the actions."""

    right = MEMBERS
    delete_right = MANAGERS

    list_display = (
        "__str__", "reason", "note", "actor", time_column("created_at", "since"), time_column("expires_at", "until"),
        "workspace",
    )  # fmt: skip
    list_filter = (*by_choice("reason"), WorkspaceFilter)
    list_select_related = ("workspace",)
    search_fields = ("email", "domain", "note")
    form = SuppressionForm
    fields = ("workspace", ("email", "domain"), "reason", "note", "expires_at", "actor")
    readonly_fields = ("actor",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The history records who added it and why: entries are not edited.
        return obj is None and super().has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        suppress(
            obj.workspace_id,
            emails=[obj.email] if obj.email else [],
            domains=[obj.domain] if obj.domain else [],
            reason=SuppressionReason(obj.reason),
            actor=name_actor(request),
            note=obj.note,
            expires_at=obj.expires_at,
            now=timezone.now(),
        )
        notify_engine()
        obj.pk = Suppression.objects.get(workspace=obj.workspace_id, email=obj.email, domain=obj.domain).pk


class SendLimitForm(OneWorkspaceForm):
    """Requires the target that the scope names, as the database does."""

    def clean_recipient_domain(self) -> str:
        return _clean_domain(self.cleaned_data["recipient_domain"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        scope = self.cleaned_data.get("scope")
        for name in ("mailbox", "user"):
            is_wanted = scope == name
            if is_wanted != bool(self.cleaned_data.get(name)):
                text = f"Choose a {name}." if is_wanted else f"Leave empty: the scope is not {name}."
                self.add_error(name, text)
        if self.cleaned_data.get("recipient_domain") and scope != LimitScope.RECIPIENT_DOMAIN:
            self.add_error("recipient_domain", "Leave empty: the scope is not recipient domain.")
        return cleaned


class SendLimitBaseAdmin(WorkspaceAdmin):
    """The admin of send limits without the log of controls."""

    right = ADMINS
    form = SendLimitForm
    list_display = ("__str__", "scope", "window", "maximum", "first_touch_only", "workspace")
    list_filter = (*by_choice("scope", "window"), WorkspaceFilter)
    list_select_related = ("workspace", "mailbox", "user")
    search_fields = ("mailbox__address", "user__email", "recipient_domain")
    fields = (
        "workspace", ("scope", "window", "maximum"), ("mailbox", "user", "recipient_domain"), "first_touch_only",
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: SendLimit, form: Any, change: bool) -> None:
        wake_lanes_of({obj.workspace_id}, timezone.now())
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: SendLimit) -> None:
        wake_lanes_of({obj.workspace_id}, timezone.now())
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            wake_lanes_of(set(queryset.values_list("workspace", flat=True)), timezone.now())
            super().delete_queryset(request, queryset)
