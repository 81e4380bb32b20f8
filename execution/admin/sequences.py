"""The admin of sequences: their steps, problems, actions and the counts of enrollments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from execution.admin.confirm import Action, ConfirmsActions, EmptyForm, ReasonForm, on_one, on_selected
from execution.admin.form_fields import WINDOW_FIELDS, SequenceForm, describe_window_form, show_described
from execution.admin.goal_form import GOAL_FIELDS, describe_goal_texts
from execution.admin.impact import ImpactForm, describe_impact, list_answers, needs_confirmation, read_options
from execution.admin.sequence_state import list_problems, present_new, present_sequence
from execution.admin.sequence_tools import SequenceTools
from execution.admin.step_forms import StepFormSet, StepInline
from execution.admin.text_preview import PreviewsTexts
from execution.control import switches
from execution.control.edit import StoredSequence
from execution.control.enrollments import Report
from sequences.access.admin_rights import MANAGERS, Right
from sequences.access.roles import workspace_ids_of
from sequences.access.sequence_rights import NOT_YOUR_DRAFT, is_writable_locked, may_write
from sequences.choices import LIVE_STATUSES, SequenceStatus
from sequences.interface.admin.base import (
    FactsAdmin,
    OwnerFilter,
    WorkspaceAdmin,
    by_choice,
    filter_by,
    label_column,
    name_actor,
    time_column,
)
from sequences.models import Enrollment, Step, Workspace
from sequences.models import Sequence as SequenceModel


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


ACTIVATE = Action(
    "activate",
    "Activate",
    "Activated",
    "play_arrow",
    "Validates the sequence. If there are no errors, contacts can be enrolled in it.",
    _switch(switches.activate_sequence, SequenceStatus.ACTIVE),
    EmptyForm,
)
PAUSE = Action(
    "pause",
    "Pause",
    "Paused",
    "pause",
    "No steps run and no emails are sent for its enrollments until it is resumed.",
    _switch(switches.pause_sequence, SequenceStatus.PAUSED),
    ReasonForm,
)
RESUME = Action(
    "resume",
    "Resume",
    "Resumed",
    "play_arrow",
    "Its enrollments continue, replanned inside the sending window.",
    _switch(switches.resume_sequence, SequenceStatus.ACTIVE),
    EmptyForm,
)
ARCHIVE = Action(
    "archive",
    "Archive",
    "Archived",
    "archive",
    "Ends all its enrollments for good: queued emails are withdrawn and open tasks are cancelled.",
    _switch(switches.archive_sequence, SequenceStatus.ARCHIVED),
    EmptyForm,
    is_danger=True,
)
_OFFERED = {
    SequenceStatus.DRAFT.value: ("activate", "archive"),
    SequenceStatus.ACTIVE.value: ("pause", "archive"),
    SequenceStatus.PAUSED.value: ("resume", "archive"),
}
# Posted by the page to validate the sequence while it is being edited.
_CHECK = "_check"
_SWITCHES = {path for paths in _OFFERED.values() for path in paths}
_COLOURS = {"active": "success", "paused": "warning", "draft": "info"}


@admin.register(SequenceModel)
class SequenceAdmin(PreviewsTexts, SequenceTools, ConfirmsActions, WorkspaceAdmin):
    # drafts are their owners' too, see below; actions are for managers
    right = Right(owner="owner_id")
    action_right = MANAGERS
    form = SequenceForm
    inlines = (StepInline,)
    time_zone = show_described(describe_window_form, "time_zone", "Time zone")
    sending_hours = show_described(describe_window_form, "sending_hours", "Sending hours")
    goal_event = show_described(describe_goal_texts, "goal_event", "External event")
    goal_score = show_described(describe_goal_texts, "goal_score", "Engagement score, at least")
    goal_field = show_described(describe_goal_texts, "goal_field", "Field of the contact")
    goal_operator = show_described(describe_goal_texts, "goal_operator", "How it compares")
    goal_value = show_described(describe_goal_texts, "goal_value", "Value it must have")
    goal_match = show_described(describe_goal_texts, "goal_match", "If several are filled in")
    takes_along = (Step,)
    list_display = (
        "name",
        "show_status",
        "show_steps",
        "show_enrollments",
        "owner",
        "priority",
        "workspace",
        time_column("updated_at"),
    )
    list_filter = (*by_choice("status"), OwnerFilter, filter_by(Workspace, "workspace", "name"))
    list_select_related = ("workspace", "owner")
    search_fields = ("name", "description")
    empty_text = "Write a sequence, or import one from a YAML file."
    readonly_fields = ("status", "owner", "pause_reason", "paused_by")
    actions = ("activate_selected", "pause_selected", "resume_selected", "archive_selected")
    actions_list = ("import_file",)
    actions_detail = (
        "activate_one", "pause_one", "resume_one", "archive_one", "preview_one", "duplicate_one", "export_one",
    )  # fmt: skip
    change_form_before_template = "admin/sequences/sequence/state.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "workspace",
                    ("name", "priority"),
                    "description",
                    "on_reply",
                    "requires_approval",
                    *WINDOW_FIELDS,
                )
            },
        ),
        ("Goal: the sequence ends for contacts who meet it", {"classes": ["collapse"], "fields": GOAL_FIELDS}),
        ("Tracking", {"classes": ["collapse"], "fields": (("track_opens", "track_clicks"),)}),
        ("State", {"classes": ["collapse"], "fields": (("status", "owner"), ("pause_reason", "paused_by"))}),
    )

    activate_selected, activate_one = on_selected(ACTIVATE), on_one(ACTIVATE)
    pause_selected, pause_one = on_selected(PAUSE), on_one(PAUSE)
    resume_selected, resume_one = on_selected(RESUME), on_one(RESUME)
    archive_selected, archive_one = on_selected(ARCHIVE), on_one(ARCHIVE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("name", "pk")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, SequenceModel):
            is_archived = obj.status == SequenceStatus.ARCHIVED
            return not is_archived and may_write(request.user, obj) and super().has_change_permission(request, obj)
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Only drafts can be deleted; others are archived and stay readable.
        is_draft = isinstance(obj, SequenceModel) and obj.status == SequenceStatus.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        enrollments = _count(Enrollment.objects.filter(sequence__in=rows, status__in=LIVE_STATUSES))
        steps = _count(Step.objects.filter(sequence__in=rows))
        for row in rows:
            row.enrollment_count, row.step_count = enrollments.get(row.pk, 0), steps.get(row.pk, 0)
        changelist.result_list = rows
        return changelist

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        offered = _OFFERED.get(row.status, ()) if row else ()
        found = super().get_actions_detail(request, object_id)
        return [each for each in found if each.path in offered or each.path not in _SWITCHES]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sequence = self.find_row(request, object_id)
        context = {**present_sequence(sequence), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = present_new(workspace_ids_of(request.user))
        return super().add_view(request, form_url, {**context, **(extra_context or {})})  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # an edit is stored with its steps in one go: enrollments are replanned once
        if not change:
            obj.owner = request.user
            super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if not isinstance(formset, StepFormSet):
            super().save_formset(request, form, formset, change)
            return
        if _CHECK in request.POST:
            # validated by the forms; nothing is stored and no enrollment is locked
            formset.save(commit=False)
            request.checked_problems = formset.list_activation_problems()  # type: ignore[attr-defined]
            return
        if change and not is_writable_locked(request.user, form.instance.pk):
            raise PermissionDenied(NOT_YOUR_DRAFT)
        options = read_options(request.POST, formset.new_keys)
        request.stored_sequence = formset.store(request, options, is_new=not change)  # type: ignore[attr-defined]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if _CHECK in request.POST:
            return JsonResponse({"problems": list_problems(context)})
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[no-any-return]

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if _CHECK in request.POST:
            return self._answer_check(request)
        return super().response_add(request, obj, *args, **kwargs)  # type: ignore[no-any-return]

    def _answer_check(self, request: HttpRequest) -> HttpResponse:
        transaction.set_rollback(True)
        return JsonResponse({"problems": request.checked_problems})  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if _CHECK in request.POST:
            return self._answer_check(request)
        stored: StoredSequence = request.stored_sequence  # type: ignore[attr-defined]
        if needs_confirmation(request, stored):
            page = self._show_impact(request, obj, stored)
            transaction.set_rollback(True)
            return page
        for text in describe_impact(stored, is_done=True):
            messages.info(request, text)
        return super().response_change(request, obj)  # type: ignore[no-any-return]

    def _show_impact(self, request: HttpRequest, sequence: SequenceModel, stored: StoredSequence) -> HttpResponse:
        # a new step has no id before it is stored: enrollments cannot be moved to it
        kept = [step for step in Step.objects.filter(sequence=sequence) if str(step.pk) in stored.saved.step_ids]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Save {sequence}",
            "answers": list_answers(request.POST),
            "in_it": stored.in_it,
            "impact": describe_impact(stored, is_done=False),
            "form": ImpactForm(stored, kept),
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/sequences/sequence/impact.html", context)

    def describe_effects(self, queryset: QuerySet[Any], action: Action) -> str:
        live = Enrollment.objects.filter(sequence__in=queryset.values("pk"), status__in=LIVE_STATUSES).count()
        return f"{live:,} active {'enrollment' if live == 1 else 'enrollments'}." if live else ""

    @label_column("status", _COLOURS, ordering="status")
    def show_status(self, row: SequenceModel) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description="steps")
    def show_steps(self, row: Any) -> int:
        return int(row.step_count)

    @admin.display(description="active enrollments")
    def show_enrollments(self, row: Any) -> int:
        return int(row.enrollment_count)


def _count(queryset: QuerySet[Any]) -> dict[int, int]:
    return dict(queryset.order_by().values_list("sequence_id").annotate(count=Count("pk")))


@admin.register(Step)
class StepAdmin(FactsAdmin):
    """Read-only; steps are edited on the page of their sequence."""

    list_display = ("__str__", "sequence", "type", "delay_days", "delay_hours", "delay_minutes")
    list_filter = (*by_choice("type"), filter_by(SequenceModel, "sequence", "name"))
    list_select_related = ("sequence",)
    search_fields = ("name", "subject", "sequence__name")
