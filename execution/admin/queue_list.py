"""The list of the execution queue: its first view, what each row waits for, when it is sent, and its row actions.

Presents `execution.insight`; changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.views import ChangeList

from emails.facts.approvals import is_awaiting
from emails.models import EmailMessage
from emails.sending.lane_view import read_planned_times
from execution.insight.explain import Hold, explain_enrollments
from execution.insight.queue import is_late
from sequences.choices import LIVE_STATUSES, EnrollmentStatus, StepType
from sequences.interface.admin.times import show_clock, show_time
from sequences.models import Enrollment

# The action names with their words on a row, by status.
_ROW_ACTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    EnrollmentStatus.ACTIVE: (("pause", "Pause"), ("skip", "Skip step")),
    EnrollmentStatus.PAUSED: (("resume", "Resume"), ("skip", "Skip step")),
    EnrollmentStatus.QUARANTINED: (("retry", "Retry"), ("skip", "Skip step")),
}


class NeedsFilter(DropdownFilter):
    """Overdue or failing enrollments; without a choice those that have not ended, unless a status is chosen."""

    title = "needs attention"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = [("overdue", "Overdue"), ("errors", "Errors"), ("approval", "Waiting for approval")]
        return [*shown, ("all", "All, also ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "overdue":
                return queryset.filter(is_late(timezone.now()), status=EnrollmentStatus.ACTIVE)
            case "errors":
                return queryset.filter(Q(status=EnrollmentStatus.QUARANTINED) | Q(retry_count__gt=0))
            case "approval":
                waiting = EmailMessage.objects.filter(is_awaiting(timezone.now()))
                return queryset.filter(pk__in=waiting.values("enrollment"))
            case None if not request.GET.get("status__exact") and not _names_rows(request):
                return queryset.filter(status__in=LIVE_STATUSES)
            case _:
                return queryset


class ExplainedList(ChangeList):
    """A page of the list with what holds each of its rows, read in one pass."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        now = timezone.now()
        holds = explain_enrollments([row.pk for row in rows], now)
        planned = read_planned_times(sorted({row.mailbox_id for row in rows if _may_be_queued(row, now)}), now)
        here = quote(request.get_full_path())
        for row in rows:
            row.holds = holds.get(row.pk, ())
            row.planned_at = planned.get(row.pk)
            row.back = here
            row.may_act = self.model_admin.has_operate_permission(request, row)
        self.result_list = rows

    def get_ordering_field(self, field_name: Any) -> Any:
        """None for columns that cannot be sorted by: a hand-written URL would sort the whole table."""
        name = getattr(field_name, "__name__", field_name)
        return super().get_ordering_field(field_name) if name in self.sortable_by else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Both directions follow the index; ids in the opposite direction would sort all rows without a time."""
        ordering: list[Any] = super().get_ordering(request, queryset)
        return ["-next_step_at", "-pk"] if ordering[0] == "-next_step_at" else ordering


def _names_rows(request: HttpRequest) -> bool:
    """An action on rows that were selected one by one, whichever view they were selected in."""
    return request.method == "POST" and request.POST.get("select_across") != "1"


def _may_be_queued(row: Any, now: datetime) -> bool:
    is_email = row.current_step is not None and row.current_step.type == StepType.EMAIL
    is_due = row.next_step_at is not None and row.next_step_at <= now
    return row.status == EnrollmentStatus.ACTIVE and row.mailbox_id is not None and is_email and is_due


def present_row_actions(row: Any) -> SafeString:
    """View, and what the reader can do with the enrollment in its state."""
    links = [(reverse("admin:sequences_enrollment_change", args=[row.pk]), "View")]
    for action, label in _ROW_ACTIONS.get(row.status, ()) if row.may_act else ():
        url = reverse(f"admin:sequences_enrollment_{action}_one", args=[row.pk])
        links.append((f"{url}?next={row.back}", label))
    text = format_html_join("", '<a class="se-link" href="{}">{}</a>', links)
    return format_html('<span class="se-row-actions">{}</span>', text)


def present_due(
    row: Enrollment, holds: Sequence[Hold], planned_at: datetime | None = None, *, exact: bool = False
) -> SafeString | str:
    """When its step may run; for a step that has begun, what it waits for and until when.

    `planned_at`: when the sending queue sends its email.
    """
    for hold in holds if row.status == EnrollmentStatus.ACTIVE else ():
        if hold.code == "task_open":
            return "when its task is completed"
        if hold.code == "waiting_for_signal":
            return format_html("<span>{} at the latest</span>", show_time(hold.until, exact=exact))
    if planned_at is not None:
        text = '<span>{} <span class="se-second">planned for {}</span></span>'
        return format_html(text, show_time(row.next_step_at, exact=exact), show_clock(planned_at))
    return show_time(row.next_step_at, exact=exact)


def present_hold(hold: Hold) -> SafeString:
    """One line: what holds it, and until when if known."""
    if hold.until is None:
        return format_html('<span class="se-why">{}</span>', hold.detail)
    return format_html(
        '<span class="se-why">{} <span class="se-muted">{}</span></span>', hold.detail, show_time(hold.until)
    )


def describe_status(row: Enrollment) -> str:
    """The status in words; of a stopped enrollment with the reason."""
    if row.status == EnrollmentStatus.AUTO_EXITED and row.auto_exit_reason:
        return f"Stopped: {row.auto_exit_reason.replace('_', ' ')}"
    return row.get_status_display()
