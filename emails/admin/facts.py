"""The read-only admin of email events, inbox states and records set aside."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.paginator import InfinitePaginator

from emails.choices import BounceType, Verdict
from emails.models import EmailEvent, HookRecord, InboxState, Mailbox
from sequences.interface.admin.base import (
    FactsAdmin,
    by_choice,
    filter_by,
    label_column,
    scope_rows,
    time_column,
)
from sequences.interface.admin.search import SearchesContacts
from sequences.interface.admin.times import show_breakable

MailboxFilter = filter_by(Mailbox, "mailbox", "address")


@admin.register(EmailEvent)
class EmailEventAdmin(SearchesContacts, FactsAdmin):
    list_display = (
        time_column("occurred_at", "when"), "show_type", "show_contact", "show_mailbox", "show_verdict", "detail",
        "provider",
    )  # fmt: skip
    list_display_links = ("show_type",)
    list_filter = (*by_choice("type", "verdict"), MailboxFilter)
    list_select_related = ("contact", "mailbox")
    search_fields = ("contact__email",)
    # Not counted: the table is large.
    paginator = InfinitePaginator
    hidden_fields = ("id", "stored_in")

    @label_column("event", {"bounced": "danger", "complained": "danger"}, ordering="type")
    def show_type(self, event: EmailEvent) -> tuple[str, str]:
        hardness = f" ({BounceType(event.bounce_type).label.lower()})" if event.bounce_type else ""
        return event.type, f"{event.get_type_display()}{hardness}"

    @admin.display(description="contact", ordering="contact")
    def show_contact(self, event: EmailEvent) -> str:
        return show_breakable(event.contact.email) if event.contact else "–"

    @admin.display(description="mailbox", ordering="mailbox")
    def show_mailbox(self, event: EmailEvent) -> str:
        return show_breakable(event.mailbox.address) if event.mailbox else "–"

    @label_column("caused by", {Verdict.MACHINE.label: "warning"}, ordering="verdict")
    def show_verdict(self, event: EmailEvent) -> str:
        return event.get_verdict_display()


@admin.register(InboxState)
class InboxStateAdmin(FactsAdmin):
    list_display = (
        "mailbox", "folder", "last_uid", time_column("checked_at", "checked"), "failures", "last_error",
    )  # fmt: skip
    list_select_related = ("mailbox",)
    search_fields = ("mailbox__address",)
    hidden_fields = ("lease_token",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own: QuerySet[Any] = super().get_queryset(request)
        return own.filter(mailbox__in=scope_rows(Mailbox.objects.all(), request).values("pk"))


@admin.register(HookRecord)
class HookRecordAdmin(FactsAdmin):
    list_display = (time_column("received_at", "when"), "what", "mailbox", "provider")
    list_display_links = ("what",)
    list_filter = (MailboxFilter,)
    list_select_related = ("mailbox",)
    search_fields = ("what", "mailbox__address")
    paginator = InfinitePaginator
    hidden_fields = ("id",)
