"""The execution queue: enrollments with what they wait for, their timeline and their actions. Read-only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from emails.models import Mailbox
from execution.admin import actions as enrollment_actions
from execution.admin.confirm import SUBJECTS_SHOWN, ConfirmsActions, on_one, on_selected
from execution.admin.enrolling import EnrollPage
from execution.admin.queue_list import (
    ExplainedList,
    NeedsFilter,
    describe_status,
    present_due,
    present_hold,
    present_row_actions,
)
from execution.insight.explain import explain_enrollments
from execution.insight.preview import preview_rest
from execution.insight.timeline import ENTRIES_SHOWN, read_timeline
from sequences.access.admin_rights import Right
from sequences.choices import ENDED_STATUSES, LIVE_STATUSES, EnrollmentStatus
from sequences.interface.admin.base import (
    FactsAdmin,
    OwnerFilter,
    by_choice,
    exact_name,
    filter_by,
    label_column,
)
from sequences.interface.admin.quick_filters import HasQuickFilters, QuickFilter
from sequences.interface.admin.times import show_breakable
from sequences.models import Enrollment
from sequences.models import Sequence as SequenceModel

STATUS_COLOURS = {
    EnrollmentStatus.ACTIVE.value: "info",
    EnrollmentStatus.PAUSED.value: "warning",
    EnrollmentStatus.QUARANTINED.value: "danger",
    EnrollmentStatus.COMPLETED.value: "success",
    EnrollmentStatus.REPLIED.value: "success",
}
_OFFERED = {
    EnrollmentStatus.ACTIVE: ("pause", "snooze", "retry", "skip", "exit"),
    EnrollmentStatus.PAUSED: ("resume", "skip", "exit"),
    EnrollmentStatus.QUARANTINED: ("retry", "skip", "exit"),
}


@admin.register(Enrollment)
class EnrollmentAdmin(HasQuickFilters, EnrollPage, ConfirmsActions, FactsAdmin):
    right = Right("owner_id", is_shared=True)
    quick_filters = (
        QuickFilter("Active"),
        QuickFilter("Overdue", (("needs", "overdue"),)),
        QuickFilter("Errors", (("needs", "errors"),)),
        QuickFilter("Paused", (("status__exact", "paused"),)),
        QuickFilter("Quarantined", (("status__exact", "quarantined"),)),
        QuickFilter("All", (("needs", "all"),)),
    )
    list_title = "Execution queue"
    empty_text = "Enroll contacts in a sequence. Enrollments that have ended are under All."
    list_display = (
        "show_contact", "show_sequence", "show_step", "show_next_step_at", "show_status", "show_why",
    )  # fmt: skip
    list_display_links = ("show_contact",)
    list_filter = (
        NeedsFilter,
        *by_choice("status"),
        filter_by(SequenceModel, "sequence", "name"),
        filter_by(Mailbox, "mailbox", "address"),
        OwnerFilter,
    )
    list_select_related = ("contact", "sequence", "current_step", "owner")
    list_fullwidth = True
    search_fields = ("contact__email",)
    search_help_text = "The contact's email address"
    # any other order would sort the whole table
    sortable_by = ("show_next_step_at",)
    ordering = ("next_step_at", "pk")
    actions = (
        "pause_selected", "resume_selected", "snooze_selected", "skip_selected", "retry_selected", "exit_selected",
    )  # fmt: skip
    actions_detail = ("pause_one", "resume_one", "snooze_one", "retry_one", "skip_one", "exit_one")
    change_form_outer_before_template = "admin/sequences/enrollment/holds.html"
    change_form_outer_after_template = "admin/sequences/enrollment/timeline.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("contact", "sequence"),
                    ("status", "current_step"),
                    "show_due",
                    ("mailbox", "owner"),
                    ("emails_sent", "steps_completed"),
                )
            },
        ),
        (
            "More",
            {
                "classes": ["collapse"],
                "fields": (
                    ("pause_reason", "paused_by"),
                    (exact_name("paused_at"), exact_name("resume_at")),
                    ("retry_count", exact_name("retry_at")),
                    "last_error",
                    ("auto_exit_reason", exact_name("completed_at")),
                    (exact_name("enrolled_at"), exact_name("wake_at")),
                    ("priority", "visit", "workspace"),
                ),
            },
        ),
    )

    pause_selected, pause_one = on_selected(enrollment_actions.PAUSE), on_one(enrollment_actions.PAUSE)
    resume_selected, resume_one = on_selected(enrollment_actions.RESUME), on_one(enrollment_actions.RESUME)
    snooze_selected, snooze_one = on_selected(enrollment_actions.SNOOZE), on_one(enrollment_actions.SNOOZE)
    skip_selected, skip_one = on_selected(enrollment_actions.SKIP), on_one(enrollment_actions.SKIP)
    retry_selected, retry_one = on_selected(enrollment_actions.RETRY), on_one(enrollment_actions.RETRY)
    exit_selected, exit_one = on_selected(enrollment_actions.EXIT), on_one(enrollment_actions.EXIT)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = [name for _, options in self.fieldsets for line in options["fields"] for name in _as_line(line)]
        return names

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # the page of a sequence links to the enrollments at one of its steps
        return lookup == "current_step" or super().lookup_allowed(lookup, value, request)

    def get_ordering(self, request: HttpRequest) -> Any:
        # ended enrollments have no due time: the latest first
        return ("-pk",) if request.GET.get("status__exact") in ENDED_STATUSES else self.ordering

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("contact", "sequence", "current_step", "mailbox", "owner")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ExplainedList

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        offered = _OFFERED.get(EnrollmentStatus(row.status), ()) if row else ()
        found = super().get_actions_detail(request, object_id)
        return [each for each in found if each.path in offered and not (each.path == "retry" and _has_no_error(row))]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.find_row(request, object_id)
        entries, is_oldest_first = read_timeline(row), request.GET.get("order") == "oldest"
        context = {
            "title": self.name_row(row),
            "subtitle": None,
            "status_text": describe_status(row),
            "status_colour": STATUS_COLOURS.get(row.status, ""),
            "is_ended": row.status not in LIVE_STATUSES,
            "holds": explain_enrollments([row.pk], timezone.now()).get(row.pk, ()),
            "entries": entries[::-1] if is_oldest_first else entries,
            "is_oldest_first": is_oldest_first,
            "ahead": preview_rest(row, timezone.now()),
            "entries_shown": ENTRIES_SHOWN,
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # who searches for a contact also means an enrollment that has ended
        if request.GET.get("q") and not any(request.GET.get(name) for name in ("needs", "status__exact")):
            query: Any = request.GET.copy()
            query["needs"] = "all"
            request.GET = query
        return super().changelist_view(request, extra_context)

    def name_subjects(self, queryset: QuerySet[Any]) -> Iterable[str]:
        return map(self.name_row, queryset[:SUBJECTS_SHOWN])

    def name_row(self, row: Enrollment) -> str:
        return f"{row.contact.email} in {row.sequence.name}"

    @admin.display(description="contact", ordering="contact__email")
    def show_contact(self, row: Enrollment) -> SafeString:
        facts = [show_breakable(str(row.owner))] if row.owner else []
        facts += [format_html("score {}", row.contact.engagement_score)] if row.contact.engagement_score else []
        text = format_html_join(" · ", "{}", ((fact,) for fact in facts))
        more = format_html('<span class="se-muted">{}</span>', text) if facts else ""
        return format_html('<span class="se-contact">{}{}</span>', show_breakable(row.contact.email), more)

    @admin.display(description="sequence", ordering="sequence__name")
    def show_sequence(self, row: Enrollment) -> SafeString:
        return format_html('<span class="se-sequence">{}</span>', row.sequence.name)

    @admin.display(description="next step", ordering="current_step__number")
    def show_step(self, row: Enrollment) -> str:
        is_ahead = row.current_step is not None and row.status in LIVE_STATUSES
        return str(row.current_step) if is_ahead else "–"

    @admin.display(description="due at", ordering="next_step_at")
    def show_next_step_at(self, row: Any) -> SafeString | str:
        return present_due(row, row.holds, row.planned_at)

    @admin.display(description="due at")
    def show_due(self, row: Enrollment) -> SafeString | str:
        return present_due(row, explain_enrollments([row.pk], timezone.now()).get(row.pk, ()), exact=True)

    @label_column("status", STATUS_COLOURS, ordering="status")
    def show_status(self, row: Enrollment) -> tuple[str, str]:
        return row.status, describe_status(row)

    @admin.display(description="why")
    def show_why(self, row: Any) -> SafeString:
        why = present_hold(row.holds[0]) if row.holds else "–"
        return format_html("<div>{}{}</div>", why, present_row_actions(row))


def _as_line(line: Any) -> tuple[str, ...]:
    return (line,) if isinstance(line, str) else tuple(line)


def _has_no_error(row: Enrollment) -> bool:
    return row.status == EnrollmentStatus.ACTIVE and row.retry_at is None
