"""The one table of what a step holds: `StepDraft`, a line for each field. Pure.

Everything that names the fields of a step takes them from here: storing and loading, the API's serializers, the admin's
form, YAML in and out, the matching of edits, the SQL that loads facts, and the validation of templates. Only the model
declares its columns by hand; a test compares them with this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import time, timedelta
from enum import Enum
from typing import Any

from sequences.choices import BodyFormat, Choice, ConditionType, StepType, TaskPriority, TaskType
from sequences.content.variants import Variant

MAX_DELAY = timedelta(days=730)
#: Words that YAML files use for a step type where it is not the type's own value.
YAML_TYPES = {StepType.CONDITIONAL_SPLIT: "split"}


class Kind(Enum):
    """How a field is written and read, the same in YAML, API and admin."""

    TEXT = "one line"
    LONG_TEXT = "text with line breaks"
    FLAG = "true or false"
    NUMBER = "a whole number from 0 to `maximum`"
    CLOCK = "a time of day, or none"
    CHOICE = "one word of `choices`"
    CONFIG = "a mapping that step_config checks"
    VARIANTS = "a list of texts that sequences.content.variants checks"
    GOTO = "another step of the sequence, or none: the sequence ends"


@dataclass(frozen=True, slots=True)
class StepField:
    """One field of a step.

    `types` are the step types that use it; empty means all. `template_of`: the type in which it is a Liquid template.
    `is_content`: part of what a reader gets, so two steps that differ in it are different texts. `is_required`: YAML
    cannot leave it out. `maximum` counts the characters of a text, or bounds a number.
    """

    kind: Kind
    default: object
    types: frozenset[StepType] = frozenset()
    name: str = ""
    maximum: int | None = None
    choices: type[Choice] | None = None
    yaml_key: str = ""
    template_of: StepType | None = None
    is_content: bool = False
    is_required: bool = False
    help: str = ""

    @property
    def column(self) -> str:
        """The attribute of the model, and the key in the API."""
        return f"{self.name}_goto" if self.kind is Kind.GOTO else self.name

    @property
    def sql_column(self) -> str:
        return f"{self.column}_id" if self.kind is Kind.GOTO else self.name

    def is_used_by(self, step_type: str) -> bool:
        return not self.types or step_type in self.types


def _field(kind: Kind, default: object, *types: StepType, yaml: str = "", **more: Any) -> Any:
    spec = StepField(kind, default, frozenset(types), yaml_key=yaml, **more)
    if kind is Kind.CONFIG:
        return field(default_factory=dict, metadata={"spec": spec})
    return field(default=default, metadata={"spec": spec})


_EMAIL, _TASK, _SPLIT = StepType.EMAIL, StepType.TASK, StepType.CONDITIONAL_SPLIT


@dataclass(frozen=True, slots=True)
class StepDraft:
    """One step, and the table itself: each line below `type` is a field of every step or of the types it names.

    `key` addresses the step inside its draft; `if_true` and `if_false` are such keys, None ends the sequence.
    """

    key: str
    type: str
    name: str = _field(Kind.TEXT, "", maximum=200, template_of=_TASK)
    delay_days: int = _field(Kind.NUMBER, 0, maximum=730)
    delay_hours: int = _field(Kind.NUMBER, 0, maximum=17_520)
    delay_minutes: int = _field(Kind.NUMBER, 0, maximum=1_051_200)
    skip_weekends: bool = _field(Kind.FLAG, False)
    send_time: time | None = _field(Kind.CLOCK, None)  # noqa: RUF009 - it makes a dataclass field
    subject: str = _field(
        Kind.TEXT,
        "",
        _EMAIL,
        maximum=500,
        help="Liquid. Leave empty to reply in the same thread.",
        template_of=_EMAIL,
        is_content=True,
    )
    body: str = _field(
        Kind.LONG_TEXT,
        "",
        _EMAIL,
        is_required=True,
        help="Liquid in Markdown, or in HTML when it starts with a block element.",
        template_of=_EMAIL,
        is_content=True,
    )
    format: str = _field(
        Kind.CHOICE,
        BodyFormat.AUTO.value,
        _EMAIL,
        maximum=16,
        choices=BodyFormat,
        help="How the body is written. By default HTML when it starts with a block element, else Markdown.",
    )
    variants: tuple[Variant, ...] = _field(
        Kind.VARIANTS,
        (),
        _EMAIL,
        help="Texts to compare, sent instead of subject and body. By default none.",
        is_content=True,
    )
    repeat: bool = _field(
        Kind.FLAG, False, _EMAIL, help="Send it also to a contact who has had the same text. By default it is skipped."
    )
    task_type: str = _field(
        Kind.CHOICE, TaskType.GENERIC.value, _TASK, yaml="type", choices=TaskType, maximum=16, is_content=True
    )
    task_priority: str = _field(
        Kind.CHOICE, TaskPriority.NORMAL.value, _TASK, yaml="priority", choices=TaskPriority, maximum=16
    )
    instructions: str = _field(Kind.LONG_TEXT, "", _TASK, help="Liquid.", template_of=_TASK, is_content=True)
    wait_for_completion: bool = _field(
        Kind.FLAG, False, _TASK, help="Wait until the task is completed. By default the enrollment continues at once."
    )
    condition_type: str = _field(
        Kind.CHOICE,
        "",
        _SPLIT,
        yaml="condition",
        choices=ConditionType,
        maximum=32,
        is_content=True,
        is_required=True,
    )
    condition_config: Mapping[str, object] = _field(
        Kind.CONFIG,
        {},
        _SPLIT,
        is_content=True,
        help='Such as {"wait_hours": 48}, or {"field": "title", "operator": "is_set"}.',
    )
    if_true: str | None = _field(Kind.GOTO, None, _SPLIT)
    if_false: str | None = _field(Kind.GOTO, None, _SPLIT)

    @property
    def delay(self) -> timedelta:
        return timedelta(days=self.delay_days, hours=self.delay_hours, minutes=self.delay_minutes)

    @property
    def texts(self) -> tuple[tuple[str, str, str], ...]:
        """What an email step can send, as (variant, subject, body): its variants, else its own text."""
        if self.variants:
            return tuple((each.key, each.subject, each.body) for each in self.variants)
        return (("", self.subject, self.body),)

    @property
    def is_split(self) -> bool:
        return self.type == StepType.CONDITIONAL_SPLIT


#: In the order of `StepDraft`.
STEP_FIELDS = tuple(
    replace(each.metadata["spec"], name=each.name, yaml_key=each.metadata["spec"].yaml_key or each.name)
    for each in fields(StepDraft)
    if "spec" in each.metadata
)
GOTO_FIELDS = tuple(each for each in STEP_FIELDS if each.kind is Kind.GOTO)
#: By unit, the fields of the delay that precedes a step; YAML writes them under `delay`.
DELAY_FIELDS = {each.name.removeprefix("delay_"): each for each in STEP_FIELDS if each.name.startswith("delay_")}
#: Common to all types, in YAML under their own keys.
COMMON_FIELDS = tuple(each for each in STEP_FIELDS if not each.types and each not in DELAY_FIELDS.values())


def fields_of(step_type: str) -> tuple[StepField, ...]:
    """The fields that only steps of some types have, this one among them."""
    return tuple(each for each in STEP_FIELDS if step_type in each.types)


def is_default(step: StepDraft, spec: StepField) -> bool:
    return bool(getattr(step, spec.name) == spec.default)


def body_format_of(step: StepDraft) -> BodyFormat:
    """How the body is written; an unknown word, which validation refuses, counts as not said."""
    return BodyFormat(step.format) if step.format in list(BodyFormat) else BodyFormat.AUTO
