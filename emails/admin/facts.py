"""Facts from outside and what must not be mailed. Presents only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from emails.choices import BounceType, LimitScope, Verdict
from emails.models import EmailEvent, Mailbox, SendLimit, Suppression
from sequences.admin_base import (
    FactsAdmin,
    OneWorkspaceForm,
    WorkspaceAdmin,
    by_choice,
    filter_by,
    label_column,
    name_actor,
    time_column,
)
from sequences.models import Workspace

MailboxFilter = filter_by(Mailbox, "mailbox", "address")
WorkspaceFilter = filter_by(Workspace, "workspace", "name")


@admin.register(EmailEvent)
class EmailEventAdmin(FactsAdmin):
    list_display = (
        time_column("occurred_at", "when"), "show_type", "contact", "mailbox", "show_verdict", "detail", "provider",
    )  # fmt: skip
    list_display_links = ("show_type",)
    list_filter = (*by_choice("type", "verdict"), MailboxFilter)
    list_select_related = ("contact", "mailbox")
    search_fields = ("contact__email", "provider_event_id")
    hidden_fields = ("id",)

    @label_column("fact", {"bounced": "danger", "complained": "danger"}, ordering="type")
    def show_type(self, event: EmailEvent) -> tuple[str, str]:
        hardness = f" ({BounceType(event.bounce_type).label.lower()})" if event.bounce_type else ""
        return event.type, f"{event.get_type_display()}{hardness}"

    @label_column("caused by", {Verdict.MACHINE.label: "warning"}, ordering="verdict")
    def show_verdict(self, event: EmailEvent) -> str:
        return event.get_verdict_display()


@admin.register(Suppression)
class SuppressionAdmin(WorkspaceAdmin):
    list_display = ("__str__", "reason", "note", "actor", time_column("created_at", "since"), "workspace")
    list_filter = (*by_choice("reason"), WorkspaceFilter)
    list_select_related = ("workspace",)
    search_fields = ("email", "domain", "note")
    fields = ("workspace", ("email", "domain"), "reason", "note", "actor")
    readonly_fields = ("actor",)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        obj.email, obj.domain = obj.email.lower(), obj.domain.lower()
        if not change:
            obj.actor, obj.created_at = name_actor(request), timezone.now()
        super().save_model(request, obj, form, change)


class SendLimitForm(OneWorkspaceForm):
    """Asks for the target that the scope names, as the database does."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        scope = self.cleaned_data.get("scope")
        for name in ("mailbox", "user"):
            is_wanted = scope == name
            if is_wanted != bool(self.cleaned_data.get(name)):
                said = f"A {name} limit names its {name}." if is_wanted else f"Only a {name} limit names a {name}."
                self.add_error(name, said)
        if self.cleaned_data.get("recipient_domain") and scope != LimitScope.RECIPIENT_DOMAIN:
            self.add_error("recipient_domain", "Only a recipient domain limit names a domain.")
        return cleaned


@admin.register(SendLimit)
class SendLimitAdmin(WorkspaceAdmin):
    form = SendLimitForm
    list_display = ("__str__", "scope", "window", "maximum", "first_touch_only", "workspace")
    list_filter = (*by_choice("scope", "window"), WorkspaceFilter)
    list_select_related = ("workspace", "mailbox", "user")
    search_fields = ("mailbox__address", "user__email", "recipient_domain")
    fields = (
        "workspace", ("scope", "window", "maximum"), ("mailbox", "user", "recipient_domain"), "first_touch_only",
    )  # fmt: skip
