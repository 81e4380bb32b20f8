"""The steps of a sequence as forms on its page: validated by sequences.authoring.validation, numbered by their order.

execution.control.edit stores them together and replans the enrollments of the sequence.
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

from execution.admin.form_fields import ConditionForm, VariantsField, describe_condition, show_described
from execution.admin.step_targets import TargetField, find_new_targets, offer_new_targets
from execution.control.edit import EditOptions, StoredSequence, edit_sequence, fill_sequence
from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.problems import Problem, draft_errors_of, errors_of
from sequences.authoring.queries import build_draft
from sequences.authoring.step_config import CONDITIONS
from sequences.authoring.step_fields import DELAY_FIELDS, GOTO_FIELDS, Kind, fields_of
from sequences.authoring.validation import load_workspace_facts, validate_draft
from sequences.choices import SequenceStatus, StepType
from sequences.interface.admin.base import ScopedChoices, name_actor
from sequences.models import Sequence, Step

_GOTOS = [spec.column for spec in GOTO_FIELDS]
_DELAY = [spec.column for spec in DELAY_FIELDS.values()]
_LAST = 1_000_000
_TEXTS = {Kind.TEXT, Kind.LONG_TEXT, Kind.VARIANTS}


class StepForm(ConditionForm):
    number = forms.IntegerField(
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Position in the sequence. Leave empty to add at the end.",
    )

    def _get_validation_exclusions(self) -> set[str]:
        # Numbers may collide while they are typed: the formset numbers the steps by their place.
        return {*super()._get_validation_exclusions(), "number"}  # type: ignore[misc]

    def clean_number(self) -> int:
        number: int | None = self.cleaned_data["number"]
        return _LAST if number is None else number

    @property
    def place(self) -> tuple[int, int]:
        """A step moved to an occupied position goes before the step there when moved up, after it when moved down."""
        number = int(self.cleaned_data.get("number") or 0)
        before = self.initial.get("number")
        if before is None or number < before:
            return number, 0
        return number, 1 if number == before else 2


class StepFormSet(PaginationInlineFormSet):
    """`kept`: the forms of the steps that stay or are new, in their order and numbered by it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Step.objects.filter(sequence=self.instance).order_by("number") if self.instance.pk else []
        self.targets = [("", "End of the sequence"), *((row.pk, str(row)) for row in rows)]
        self.new_targets: dict[Any, dict[str, Any]] = {}

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name in _GOTOS:
            field = form.fields[name]
            field.queryset = Step.objects.filter(sequence=self.instance) if self.instance.pk else Step.objects.none()
            # the browser offers the new steps of the page; a posted page keeps them
            places = (self.initial_form_count(), self.total_form_count()) if self.is_bound else (0, 0)
            field.choices = [*self.targets, *offer_new_targets(self.data, self.prefix, *places)]

    def clean(self) -> None:
        super().clean()
        shown = [form for form in self.forms if not form.errors and (form.instance.pk or form.has_changed())]
        if any(form.errors for form in self.forms if not self._should_delete_form(form)):
            return
        shown.sort(key=lambda form: form.place)
        self.kept = [form for form in shown if not form.cleaned_data.get("DELETE")]
        for number, form in enumerate(self.kept, start=1):
            form.instance.number = number
        self.new_targets = {form: find_new_targets(form, self.forms, self.kept, _GOTOS) for form in self.kept}
        if not any(form.errors for form in self.kept):
            self._validate(self.kept)

    @property
    def new_keys(self) -> list[str]:
        """The keys that new steps have in the draft."""
        return [_new_key(place) for place, form in enumerate(self.kept) if not form.instance.pk]

    def _validate(self, kept: list[Any]) -> None:
        sequence: Sequence = self.instance
        is_draft = sequence.status == SequenceStatus.DRAFT
        if sequence.workspace_id is None or (is_draft and not kept):
            return
        facts = load_workspace_facts(sequence.workspace)
        draft = self.build_draft()
        problems = (
            draft_errors_of(validate_draft(draft, replace(facts, custom_fields=None)))
            if is_draft
            else errors_of(validate_draft(draft, facts))
        )
        if elsewhere := [str(problem) for problem in problems if not _add_to_form(problem, kept)]:
            raise ValidationError(elsewhere)

    def build_draft(self) -> SequenceDraft:
        """What the page says. New steps have no id yet that another step could refer to: keys of their own."""
        steps = [form.instance for form in self.kept]
        draft = build_draft(self.instance, steps)
        keys = {
            form: step.key if form.instance.pk else _new_key(place)
            for place, (form, step) in enumerate(zip(self.kept, draft.steps, strict=True))
        }
        keyed = []
        for form, step in zip(self.kept, draft.steps, strict=True):
            targets = self.new_targets.get(form, {}).items()
            chosen: dict[str, Any] = {name.removesuffix("_goto"): keys[target] for name, target in targets}
            keyed.append(replace(step, key=keys[form], **chosen))
        return replace(draft, steps=tuple(keyed))

    def list_activation_problems(self) -> list[str]:
        """What prevents the activation of the draft on the page, with the names of its steps."""
        sequence: Sequence = self.instance
        if sequence.status != SequenceStatus.DRAFT or sequence.workspace_id is None:
            return []
        found = errors_of(validate_draft(self.build_draft(), load_workspace_facts(sequence.workspace)))
        return [
            f"{name_step(self.kept[problem.step_number - 1].instance)}: {problem.message}"
            if problem.step_number
            else problem.message
            for problem in found
        ]

    def store(self, request: HttpRequest, options: EditOptions, *, is_new: bool) -> StoredSequence:
        """Store the sequence with its steps and replan its enrollments. Call it in a transaction."""
        # records for Django's log what was added, changed and deleted
        self.save(commit=False)
        draft, actor, now = self.build_draft(), name_actor(request), timezone.now()
        if is_new:
            return fill_sequence(self.instance, draft, actor=actor, now=now)
        return edit_sequence(self.instance, draft, options, actor=actor, now=now)


def name_step(step: Step) -> str:
    """A step in a message: its place and its name."""
    return f"step {step.number}" + (f" ({step.name})" if step.name else "")


def _new_key(place: int) -> str:
    return f"new-{place}"


def _add_to_form(problem: Problem, kept: list[Any]) -> bool:
    if problem.step_number is None:
        return False
    form = kept[problem.step_number - 1]
    form.add_error(problem.field if problem.field in form.fields else None, problem.message)
    return True


def _list_fieldsets() -> list[tuple[str, dict[str, Any]]]:
    """One for each type with fields of its own: short fields in one line, texts below. Branches have their own."""
    fieldsets: list[tuple[str, dict[str, Any]]] = []
    for step_type in StepType:
        own = [spec for spec in fields_of(step_type) if step_type is not StepType.CONDITIONAL_SPLIT]
        short = tuple(spec.column for spec in own if spec.kind not in _TEXTS)
        texts = [spec.column for spec in own if spec.kind in _TEXTS]
        if own:
            rows = (*([short] if short else []), *texts)
            fieldsets.append((step_type.label, {"classes": [f"step-for-{step_type}"], "fields": rows}))
    return fieldsets


class StepInline(ScopedChoices, StackedInline):
    class Media:
        js = ("execution/builder.js", "execution/variants.js", "execution/flow.js")

    model = Step
    form = StepForm
    formset = StepFormSet
    extra = 0
    ordering = ("number",)
    ordering_field = "number"
    template_before = "admin/sequences/sequence/merge_fields.html"
    collapsible = True
    wait_hours = show_described(describe_condition, "wait_hours", "Wait hours")
    field = show_described(describe_condition, "field", "Contact field")
    operator = show_described(describe_condition, "operator", "Comparison")
    value = show_described(describe_condition, "value", "Compared with")
    fieldsets = (
        (None, {"fields": (("number", "type", "name"), tuple(_DELAY), ("skip_weekends", "send_time"))}),
        *_list_fieldsets(),
        (
            "Condition",
            {
                "classes": ["step-for-conditional_split"],
                "fields": (("condition_type", "wait_hours"), tuple(_GOTOS)),
            },
        ),
        (
            "Comparison",
            {
                "classes": ["step-for-conditional_split", "step-compares"],
                "fields": (("field", "operator", "value"),),
            },
        ),
    )

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in _GOTOS:
            kwargs["form_class"] = TargetField
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "variants":
            return VariantsField(required=False, help_text=db_field.help_text)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "condition_type":
            # the page hides fields that the chosen condition does not use
            field.widget.attrs |= {
                "data-compares": " ".join(word for word, spec in CONDITIONS.items() if spec.compares),
                "data-field": " ".join(word for word, spec in CONDITIONS.items() if spec.names_field),
            }
        if db_field.name in _GOTOS and hasattr(field.widget, "can_add_related"):
            for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
                setattr(field.widget, link, False)
        return field
