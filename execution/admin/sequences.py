"""Sequences with their steps, what is wrong with them, and how many people stand where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from execution import switches
from execution.admin.asking import AsksFirst, Deed, NothingForm, ReasonForm, on_one, on_selected
from execution.admin.step_forms import StepFormSet, StepInline
from execution.controls import Report
from sequences.admin_base import FactsAdmin, WorkspaceAdmin, by_choice, filter_by, label_column, name_actor, time_column
from sequences.choices import LIVE_STATUSES, SequenceStatus
from sequences.models import Enrollment, Step, Workspace
from sequences.models import Sequence as SequenceModel
from sequences.validation import validate_sequence


def _switch(switch: Callable[..., None], wanted: SequenceStatus) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        report = Report()
        now: datetime = timezone.now()
        for sequence in SequenceModel.objects.filter(pk__in=ids).order_by("pk"):
            if sequence.status == wanted:
                report.unchanged.append(sequence.pk)
                continue
            try:
                switch(sequence, actor=name_actor(request), now=now, **answers)
            except switches.NotPossibleError as error:
                report.refused[sequence.pk] = str(error)
            else:
                report.changed.append(sequence.pk)
        return report

    return run


ACTIVATE = Deed(
    "activate",
    "Activate",
    "Activated",
    "play_arrow",
    "It is validated and, if nothing is wrong, people can be enrolled in it.",
    _switch(switches.activate_sequence, SequenceStatus.ACTIVE),
    NothingForm,
)
PAUSE = Deed(
    "pause",
    "Pause",
    "Paused",
    "pause",
    "Nobody in it moves and none of its emails leaves until it is resumed.",
    _switch(switches.pause_sequence, SequenceStatus.PAUSED),
    ReasonForm,
)
RESUME = Deed(
    "resume",
    "Resume",
    "Resumed",
    "play_arrow",
    "Everybody in it goes on, planned anew inside the sending window.",
    _switch(switches.resume_sequence, SequenceStatus.ACTIVE),
    NothingForm,
)
ARCHIVE = Deed(
    "archive",
    "Archive",
    "Archived",
    "archive",
    "For good: everybody in it exits, waiting emails are withdrawn and open tasks cancelled.",
    _switch(switches.archive_sequence, SequenceStatus.ARCHIVED),
    NothingForm,
    is_danger=True,
)
_OFFERED = {
    SequenceStatus.DRAFT.value: ("activate", "archive"),
    SequenceStatus.ACTIVE.value: ("pause", "archive"),
    SequenceStatus.PAUSED.value: ("resume", "archive"),
}
_COLOURS = {"active": "success", "paused": "warning", "draft": "info"}


@admin.register(SequenceModel)
class SequenceAdmin(AsksFirst, WorkspaceAdmin):
    inlines = (StepInline,)
    takes_along = (Step,)
    list_display = (
        "name",
        "show_status",
        "show_steps",
        "show_people",
        "priority",
        "workspace",
        time_column("updated_at"),
    )
    list_filter = (*by_choice("status"), filter_by(Workspace, "workspace", "name"))
    list_select_related = ("workspace",)
    search_fields = ("name", "description")
    readonly_fields = ("status", "pause_reason", "paused_by")
    actions = ("activate_selected", "pause_selected", "resume_selected", "archive_selected")
    actions_detail = ("activate_one", "pause_one", "resume_one", "archive_one")
    change_form_before_template = "admin/sequences/sequence/state.html"
    fieldsets = (
        (None, {"fields": ("workspace", ("name", "priority"), "description", "window")}),
        ("Tracking", {"classes": ["collapse"], "fields": (("track_opens", "track_clicks"),)}),
        ("State", {"classes": ["collapse"], "fields": (("status", "pause_reason", "paused_by"),)}),
    )

    activate_selected, activate_one = on_selected(ACTIVATE), on_one(ACTIVATE)
    pause_selected, pause_one = on_selected(PAUSE), on_one(PAUSE)
    resume_selected, resume_one = on_selected(RESUME), on_one(RESUME)
    archive_selected, archive_one = on_selected(ARCHIVE), on_one(ARCHIVE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("name", "pk")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_archived = isinstance(obj, SequenceModel) and obj.status == SequenceStatus.ARCHIVED
        return not is_archived and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Only what never ran can go; the rest is archived and stays readable.
        is_draft = isinstance(obj, SequenceModel) and obj.status == SequenceStatus.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        people = _count(Enrollment.objects.filter(sequence__in=rows, status__in=LIVE_STATUSES))
        steps = _count(Step.objects.filter(sequence__in=rows))
        for row in rows:
            row.people, row.step_count = people.get(row.pk, 0), steps.get(row.pk, 0)
        changelist.result_list = rows
        return changelist

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        offered = _OFFERED.get(row.status, ()) if row else ()
        return [each for each in super().get_actions_detail(request, object_id) if each.path in offered]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sequence = self.find_row(request, object_id)
        context = {"problems": validate_sequence(sequence.pk), "standing": _read_standing(sequence)}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})  # type: ignore[no-any-return]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if not isinstance(formset, StepFormSet):
            super().save_formset(request, form, formset, change)
            return
        moved = formset.store(request)
        if moved:
            messages.info(request, f"{moved:,} people stood at a removed step and were moved on.")

    def explain_touched(self, queryset: QuerySet[Any], deed: Deed) -> str:
        live = Enrollment.objects.filter(sequence__in=queryset.values("pk"), status__in=LIVE_STATUSES).count()
        return f"{live:,} {'person is' if live == 1 else 'people are'} in it now."

    @label_column("status", _COLOURS, ordering="status")
    def show_status(self, row: SequenceModel) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description="steps")
    def show_steps(self, row: Any) -> int:
        return int(row.step_count)

    @admin.display(description="people in it")
    def show_people(self, row: Any) -> int:
        return int(row.people)


def _count(queryset: QuerySet[Any]) -> dict[int, int]:
    return dict(queryset.order_by().values_list("sequence_id").annotate(count=Count("pk")))


def _read_standing(sequence: SequenceModel) -> list[tuple[str, int]]:
    """Each step with how many people stand at it."""
    live = Enrollment.objects.filter(sequence=sequence, status__in=LIVE_STATUSES)
    counts = dict(live.order_by().values_list("current_step_id").annotate(count=Count("pk")))
    steps = Step.objects.filter(sequence=sequence).order_by("number")
    standing = [(str(step), counts.pop(step.pk, 0)) for step in steps]
    return [*standing, ("no step", sum(counts.values()))] if counts else standing


@admin.register(Step)
class StepAdmin(FactsAdmin):
    """To look at; steps are edited on the page of their sequence."""

    list_display = ("__str__", "sequence", "type", "delay_days", "delay_hours", "delay_minutes")
    list_filter = (*by_choice("type"), filter_by(SequenceModel, "sequence", "name"))
    list_select_related = ("sequence",)
    search_fields = ("name", "subject", "sequence__name")
