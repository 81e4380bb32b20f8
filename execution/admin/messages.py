"""The admin of email messages. Messages of unknown outcome can be resolved: mark as sent, or send again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from emails.admin.facts import MailboxFilter
from emails.choices import MessageStatus
from emails.models import EmailMessage
from emails.rendering.render import without_pixel
from emails.tracking.links import lead_straight
from execution.admin.approvals import ApprovalsPage
from execution.admin.confirm import SUBJECTS_SHOWN, Action, ConfirmsActions, on_one, on_selected
from execution.admin.reports import ReportPage
from execution.control import switches
from execution.control.enrollments import Report
from sequences.access.admin_rights import Right
from sequences.interface.admin.base import FactsAdmin, by_choice, label_column, name_actor, time_column
from sequences.interface.admin.search import SearchesContacts
from sequences.interface.admin.times import show_breakable


def _resolve(answer: Literal["sent", "resend"]) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        report = Report()
        for message in EmailMessage.objects.filter(pk__in=ids).order_by("pk"):
            try:
                switches.resolve_message(message, answer, actor=name_actor(request), now=timezone.now(), **answers)
            except switches.NotPossibleError as error:
                report.refused[message.pk] = str(error)
            else:
                report.changed.append(message.pk)
        return report

    return run


MARK_SENT = Action(
    "mark_sent",
    "Mark as sent",
    "Marked as sent:",
    "mark_email_read",
    "The email was sent: the sequence continues from the time of the attempt. "
    "Check the Sent folder of the mailbox first.",
    _resolve("sent"),
)
SEND_AGAIN = Action(
    "send_again",
    "Send again",
    "Queued again:",
    "forward_to_inbox",
    "The email was not sent: it is queued again, unless its step was removed. "
    "If it was sent after all, the contact gets it twice.",
    _resolve("resend"),
    is_danger=True,
)
_COLOURS = {"sent": "success", "queued": "info", "sending": "info", "failed": "danger", "unknown": "warning"}


@admin.register(EmailMessage)
class EmailMessageAdmin(ApprovalsPage, ReportPage, ConfirmsActions, SearchesContacts, FactsAdmin):
    right = Right("enrollment__owner_id")
    list_display = (
        "show_recipient", "subject", "show_status", "mailbox", time_column("due_at", "due"),
        time_column("handed_over_at", "last attempt"), "error",
    )  # fmt: skip
    list_filter = (*by_choice("status", "error_class"), MailboxFilter)
    list_select_related = ("mailbox",)
    search_fields = ("recipient",)
    exact_fields = ("message_id",)
    search_help_text = "A part of the contact's email address, or a whole Message-ID"
    leading_fields = ("recipient", "subject", "status")
    hidden_fields = ("id", "text", "html", "error_trace", "lease_token", "leased_until", "lane_order_at")
    actions = ("mark_sent_selected", "send_again_selected")
    actions_detail = ("mark_sent_one", "send_again_one")
    change_form_outer_before_template = "admin/emails/emailmessage/rendered.html"

    mark_sent_selected, mark_sent_one = on_selected(MARK_SENT), on_one(MARK_SENT)
    send_again_selected, send_again_one = on_selected(SEND_AGAIN), on_one(SEND_AGAIN)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        if row is None or row.status != MessageStatus.UNKNOWN:
            return []
        return super().get_actions_detail(request, object_id)  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        message = self.find_row(request, object_id)
        context = {
            "title": self.name_row(message),
            "subtitle": None,
            "message": message,
            "shown": lead_straight(without_pixel(message.html)),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})  # type: ignore[no-any-return]

    def name_row(self, row: EmailMessage) -> str:
        return f"Email to {row.recipient}"

    def name_subjects(self, queryset: QuerySet[Any]) -> Iterable[str]:
        return [f"the email to {row.recipient}" for row in queryset[:SUBJECTS_SHOWN]]

    @admin.display(description="recipient", ordering="recipient")
    def show_recipient(self, row: EmailMessage) -> SafeString:
        return show_breakable(row.recipient)

    @label_column("status", _COLOURS, ordering="status")
    def show_status(self, row: EmailMessage) -> tuple[str, str]:
        return row.status, row.get_status_display()
