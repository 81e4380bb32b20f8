"""The input forms of sequences and steps, and the draft they make. Validation is sequences.authoring.validation's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any, assert_never

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from execution.control.edit import StoredSequence
from sequences.api.sequences import GoalField, SequenceSerializer, StepSerializer
from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.problems import Problem
from sequences.authoring.step_fields import STEP_FIELDS, Kind, StepDraft, StepField
from sequences.choices import OnReply, StepType
from sequences.interface.api.base import BIGGEST_ID
from sequences.interface.api.parameters import OwnWorkspaceField
from sequences.interface.api.serializers import ClockField, ConditionConfigField, VariantsField, WindowField
from sequences.interface.api.strict import StrictSerializer
from sequences.models import Step
from sequences.yaml.form import MAX_STEPS

LONGEST_TEXT = 100_000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class _GotoField(serializers.Field[Any, Any, Any, Any]):
    """The id of a step of this sequence, or the `key` of one in the same request; null ends the sequence."""

    def to_internal_value(self, data: Any) -> str | None:
        if isinstance(data, int) and not isinstance(data, bool) and 0 < data <= BIGGEST_ID:
            return str(data)
        if isinstance(data, str) and _KEY.fullmatch(data):
            return data
        raise serializers.ValidationError("The id of a step, or the key of one in this request; null: it ends.")

    def to_representation(self, value: Any) -> Any:
        return value


def _form_field(spec: StepField) -> serializers.Field[Any, Any, Any, Any]:
    """How the API takes a field of a step."""
    match spec.kind:
        case Kind.TEXT:
            return serializers.CharField(
                required=False, allow_blank=True, max_length=spec.maximum, help_text=spec.help or None
            )
        case Kind.LONG_TEXT:
            return serializers.CharField(
                required=False,
                allow_blank=True,
                max_length=LONGEST_TEXT,
                trim_whitespace=False,
                help_text=spec.help or None,
            )
        case Kind.FLAG:
            return serializers.BooleanField(required=False, help_text=spec.help or None)
        case Kind.NUMBER:
            return serializers.IntegerField(required=False, min_value=0, max_value=spec.maximum)
        case Kind.CLOCK:
            return _ZonelessClockField(required=False, allow_null=True)
        case Kind.CHOICE:
            choices = spec.choices.choices() if spec.choices else []
            return serializers.ChoiceField(required=False, allow_blank=spec.default == "", choices=choices)
        case Kind.CONFIG:
            return ConditionConfigField(required=False, help_text=spec.help or None)
        case Kind.VARIANTS:
            return VariantsField(required=False, help_text=spec.help or None)
        case Kind.GOTO:
            return _GotoField(required=False, allow_null=True)
        case _:
            assert_never(spec.kind)


class _ZonelessClockField(ClockField):
    def to_internal_value(self, value: Any) -> time:
        return super().to_internal_value(value).replace(tzinfo=None)


class StepFormSerializer(StrictSerializer):
    """Keys are the model's names, taken from the table of step fields. `type` is needed of a new step."""

    hints = {
        "delay": "The delay of a step is given here as delay_days, delay_hours and delay_minutes.",
        "condition": "The condition is given here as condition_type and condition_config.",
        "wait_hours": "It belongs into condition_config.",
        "email": 'The YAML form is for imports. Here an email step has "type": "email", its subject and its body.',
        "task": 'The YAML form is for imports. Here a task has "type": "task", task_type and instructions.',
        "split": 'The YAML form is for imports. Here a split has "type": "conditional_split" and condition_type.',
        "body_file": "Only import_sequence reads files: give the text in body.",
    }

    type = serializers.ChoiceField(choices=StepType.choices())

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        own = super().get_fields()
        return {"type": own.pop("type"), **{spec.column: _form_field(spec) for spec in STEP_FIELDS}, **own}


class NestedStepSerializer(StepFormSerializer):
    id = serializers.IntegerField(
        required=False, min_value=1, max_value=BIGGEST_ID, help_text="Of a stored step, which stays the same step."
    )
    key = serializers.RegexField(_KEY, required=False, help_text="Names a new step for gotos of this request.")
    number = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_STEPS, help_text="Not needed; if given, its place in the list."
    )


class InsertStepSerializer(StepFormSerializer):
    position = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_STEPS, help_text="Its number from 1; without it: at the end."
    )
    send_to_past = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Those get it too who wait for the step behind it, or have come to the end there.",
    )


class RemoveStepSerializer(StrictSerializer):
    """What becomes of people who stand there: by default they go on at the step that now comes next."""

    goes_to = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=BIGGEST_ID, help_text="Another step."
    )
    exits = serializers.BooleanField(required=False, default=False, help_text="They leave the sequence.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["exits"] and attrs["goes_to"]:
            raise serializers.ValidationError("Either `goes_to` or `exits`, not both.")
        return attrs


class MoveStepSerializer(StrictSerializer):
    position = serializers.IntegerField(min_value=1, max_value=MAX_STEPS, help_text="Its new number, from 1.")


class SequenceFormSerializer(StrictSerializer):
    """With `steps`, a change replaces the list: steps with an `id` stay the same steps, others are new or gone."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_TEXT)
    window = WindowField(required=False)
    priority = serializers.IntegerField(required=False, min_value=0, max_value=100)
    on_reply = serializers.ChoiceField(
        required=False,
        choices=OnReply.choices(),
        help_text="Whether a reply of the contact ends the sequence for them.",
    )
    goal = GoalField(required=False, help_text="Ends the sequence for contacts who meet it. Empty: no goal.")
    requires_approval = serializers.BooleanField(
        required=False, help_text="Whether each email waits until a user has approved it."
    )
    track_opens = serializers.BooleanField(required=False, allow_null=True)
    track_clicks = serializers.BooleanField(required=False, allow_null=True)
    steps = NestedStepSerializer(many=True, required=False, max_length=MAX_STEPS)  # type: ignore[call-arg]


class NewSequenceSerializer(SequenceFormSerializer):
    workspace = OwnWorkspaceField()


class ImpactSerializer(StrictSerializer):
    """How many enrollments the edit touches; a dry run counts the same and changes nothing."""

    is_dry_run = serializers.BooleanField()
    in_it = serializers.IntegerField(help_text="All live enrollments in the sequence.")
    moved = serializers.IntegerField(
        help_text="They went on at another step: theirs was removed, or one that they have not had comes before it now."
    )
    replanned = serializers.IntegerField(help_text="Their step is due at another time now.")
    exited = serializers.IntegerField(help_text="They stood at a removed step and left the sequence.")
    sent = serializers.IntegerField(help_text="They had passed the place of an inserted step and get it now.")
    would_repeat = serializers.IntegerField(
        help_text="A text that they have had comes again. The final check skips it, unless its step says `repeat`."
    )
    would_miss = serializers.IntegerField(help_text="A step that was ahead of them cannot be reached from their place.")
    warnings = serializers.ListField(child=serializers.CharField())


class EditedSequenceSerializer(SequenceSerializer):
    impact = ImpactSerializer()

    class Meta(SequenceSerializer.Meta):
        fields = [*SequenceSerializer.Meta.fields, "impact"]


class EditedStepSerializer(StrictSerializer):
    step = StepSerializer(allow_null=True, help_text="Null: it was removed, or only a dry run would have made it.")
    impact = ImpactSerializer()


def draft_sequence(values: Mapping[str, Any], stored: SequenceDraft | None = None) -> SequenceDraft:
    """The draft that a request describes, on top of what is stored. Raises `ValidationError` for unknown step ids."""
    base = stored or SequenceDraft(name="")
    own = {name: values[name] for name in values if name not in {"steps", "workspace"}}
    if "steps" in values:
        own["steps"] = tuple(_draft_steps(values["steps"], {step.key: step for step in base.steps}))
    return replace(base, **own)


def change_step(step: StepDraft, values: Mapping[str, Any]) -> StepDraft:
    """The step with what a request gives of it, its type too."""
    given = {spec.name: values[spec.column] for spec in STEP_FIELDS if spec.column in values}
    return replace(step, type=values.get("type", step.type), **given)


def _draft_steps(given: Sequence[Mapping[str, Any]], stored: Mapping[str, StepDraft]) -> Iterable[StepDraft]:
    errors: list[dict[str, list[str]]] = [{} for _ in given]
    seen: set[str] = set()
    for place, values in enumerate(given):
        key = str(values.get("id") or values.get("key") or f"new-{place + 1}")
        if "id" in values and key not in stored:
            errors[place] = {"id": ["No step of this sequence has this id: leave it out for a new step."]}
        elif key in seen:
            errors[place] = {"id" if "id" in values else "key": [f"Two steps of this request are {key}."]}
        elif values.get("number", place + 1) != place + 1:
            errors[place] = {"number": [f"It is step {place + 1} of the list: the order of the list counts."]}
        seen.add(key)
        base = stored.get(key) if "id" in values else None
        yield change_step(base or StepDraft(key=key, type=values["type"]), values)
    if any(errors):
        raise ValidationError({"steps": errors})


def explain_problems(problems: Iterable[Problem], count: int) -> ValidationError:
    """By field; those of steps in a list in the order of the steps."""
    errors: dict[str, Any] = {}
    steps: list[dict[str, list[str]]] = [{} for _ in range(count)]
    for problem in problems:
        if problem.step_number is None:
            errors.setdefault(problem.field, []).append(problem.message)
        else:
            steps[problem.step_number - 1].setdefault(problem.field, []).append(problem.message)
    if any(steps):
        errors["steps"] = steps
    return ValidationError(errors)


def present_impact(stored: StoredSequence, *, is_dry_run: bool) -> dict[str, Any]:
    return {"is_dry_run": is_dry_run, **stored.counts, "warnings": stored.warnings}


def present_step(step_id: int | None) -> dict[str, Any] | None:
    step = Step.objects.filter(pk=step_id).first() if step_id is not None else None
    return dict(StepSerializer(step).data) if step else None
