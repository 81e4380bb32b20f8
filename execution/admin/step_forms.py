"""The steps of a sequence as forms on its page: judged by sequences.validation, numbered by their place, stored whole.

Whoever stands at a step that is removed is moved on by execution.editing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import StackedInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from execution.editing import store_sequence
from sequences.admin_base import ScopedChoices, name_actor
from sequences.choices import SequenceStatus
from sequences.drafts import SequenceDraft
from sequences.models import Sequence, Step
from sequences.queries import build_draft, list_custom_fields, load_draft
from sequences.validation import Problem, errors_of, validate_draft

_GOTOS = ("if_true_goto", "if_false_goto")
_LAST = 1_000_000
_STORED = [
    field.name
    for field in Step._meta.concrete_fields
    if field.name not in {"id", "workspace", "sequence", "created_at"}
]


class StepForm(forms.ModelForm[Step]):
    number = forms.IntegerField(
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Its place; empty: at the end.",
    )

    def _get_validation_exclusions(self) -> set[str]:
        # Numbers may collide while they are typed: the formset numbers the steps by their place.
        return {*super()._get_validation_exclusions(), "number"}  # type: ignore[misc]

    def clean_number(self) -> int:
        number: int | None = self.cleaned_data["number"]
        return _LAST if number is None else number

    @property
    def place(self) -> tuple[int, int]:
        """A step typed to an occupied place goes before who is there when it came from below, after it from above."""
        number = int(self.cleaned_data.get("number") or 0)
        before = self.initial.get("number")
        if before is None or number < before:
            return number, 0
        return number, 1 if number == before else 2


class StepFormSet(PaginationInlineFormSet):
    """`steps`: all that are shown, removed ones too, in their order and numbered by it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Step.objects.filter(sequence=self.instance).order_by("number") if self.instance.pk else []
        self.targets = [("", "the sequence ends"), *((row.pk, str(row)) for row in rows)]

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name in _GOTOS:
            field = form.fields[name]
            field.queryset = Step.objects.filter(sequence=self.instance) if self.instance.pk else Step.objects.none()
            field.choices = self.targets

    def clean(self) -> None:
        super().clean()
        shown = [form for form in self.forms if not form.errors and (form.instance.pk or form.has_changed())]
        if any(form.errors for form in self.forms):
            return
        shown.sort(key=lambda form: form.place)
        self.steps = [form.instance for form in shown]
        kept = [form for form in shown if not form.cleaned_data.get("DELETE")]
        for number, step in enumerate(self.steps, start=1):
            step.number = number
        self._judge(kept)

    def _judge(self, kept: list[Any]) -> None:
        sequence: Sequence = self.instance
        is_draft = sequence.status == SequenceStatus.DRAFT
        if sequence.workspace_id is None or (is_draft and not kept):
            return
        fields = None if is_draft else list_custom_fields(sequence.workspace_id)
        problems = errors_of(validate_draft(_draft(sequence, kept), fields))
        if elsewhere := [str(problem) for problem in problems if not _add_to_form(problem, kept)]:
            raise ValidationError(elsewhere)

    def store(self, request: HttpRequest) -> int:
        """Write the steps; answers how many people had to be moved on. The caller holds a transaction."""
        self.save(commit=False)
        sequence: Sequence = self.instance
        now = timezone.now()
        for step in self.steps:
            step.workspace_id, step.sequence_id, step.updated_at = sequence.workspace_id, sequence.pk, now
        Step.objects.bulk_update([step for step in self.steps if step.pk], _STORED)
        Step.objects.bulk_create([step for step in self.steps if not step.pk])
        gone = {step.pk for step in self.deleted_objects}
        if not gone:
            return 0
        if sequence.status == SequenceStatus.DRAFT:
            Step.objects.filter(pk__in=gone).delete()
            return 0
        draft = load_draft(sequence)
        draft = replace(draft, steps=tuple(step for step in draft.steps if int(step.key) not in gone))
        stored = store_sequence(sequence.workspace, draft, activate=False, actor=name_actor(request), now=now)
        return stored.moved


def _draft(sequence: Sequence, forms_kept: list[Any]) -> SequenceDraft:
    steps = [form.instance for form in forms_kept]
    draft = build_draft(sequence, steps)
    # New steps have no identity yet, and nothing can lead to them by one.
    keyed = (
        replace(step, key=step.key if stored.pk else f"new {place}")
        for place, (step, stored) in enumerate(zip(draft.steps, steps, strict=True))
    )
    return replace(draft, steps=tuple(keyed))


def _add_to_form(problem: Problem, kept: list[Any]) -> bool:
    if problem.step_number is None:
        return False
    form = kept[problem.step_number - 1]
    form.add_error(problem.field if problem.field in form.fields else None, problem.message)
    return True


class StepInline(ScopedChoices, StackedInline):
    model = Step
    form = StepForm
    formset = StepFormSet
    extra = 0
    ordering = ("number",)
    collapsible = True
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "type", "name"),
                    ("delay_days", "delay_hours", "delay_minutes"),
                    ("skip_weekends", "send_time"),
                )
            },
        ),
        ("Email", {"classes": ["step-for-email"], "fields": ("subject", "body")}),
        (
            "Task",
            {
                "classes": ["step-for-task"],
                "fields": (("task_type", "task_priority", "wait_for_completion"), "instructions"),
            },
        ),
        (
            "Condition",
            {
                "classes": ["step-for-conditional_split"],
                "fields": (("condition_type", "condition_config"), ("if_true_goto", "if_false_goto")),
            },
        ),
    )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in _GOTOS:
            for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
                setattr(field.widget, link, False)
        return field
