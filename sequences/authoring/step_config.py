"""What each step type needs, parsed once from the columns of a step into a closed union. Pure.

A row that cannot be parsed becomes `Broken`: an error of the enrollment that reaches it, never of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sequences.choices import ConditionType, Operator, StepType
from sequences.content.variants import Variant, VariantError, read_variants
from sequences.liquid.comparing import read_number

MAX_WAIT_HOURS = 24 * 730


class StepConfigError(ValueError):
    """One line that names the key and says what is allowed. `key`: of the condition, where it is about one."""

    def __init__(self, text: str, key: str | None = None) -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """`subject` empty: reply in the thread of the previous email. `repeat`: send the same text again.

    With `variants` the contact gets one of them, and subject and body are not sent.
    """

    subject: str
    body: str
    repeat: bool = False
    variants: tuple[Variant, ...] = ()

    @property
    def texts(self) -> tuple[tuple[str, str, str], ...]:
        """What can be sent, as (variant, subject, body): the variants, else the step's own text."""
        return tuple((each.key, each.subject, each.body) for each in self.variants) or (("", self.subject, self.body),)


@dataclass(frozen=True, slots=True)
class TaskConfig:
    type: str
    priority: str
    title: str
    instructions: str
    wait_for_completion: bool


@dataclass(frozen=True, slots=True)
class DelayConfig:
    pass


@dataclass(frozen=True, slots=True)
class Condition:
    """What a split asks. `wait`: how long after the last email or task it may come true."""

    condition: ConditionType
    wait: timedelta
    field: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class SplitConfig(Condition):
    """`if_true` and `if_false` are step ids; None ends the sequence."""

    if_true: int | None
    if_false: int | None


@dataclass(frozen=True, slots=True)
class Broken:
    error: str


StepConfig = EmailConfig | TaskConfig | DelayConfig | SplitConfig | Broken

#: The keys of `condition_config`; YAML writes them beside `condition`.
CONDITION_KEYS = ("wait_hours", "field", "operator", "value")


@dataclass(frozen=True, slots=True)
class ConditionSpec:
    """What a condition is asked with, and what must come before it. One line for each in `CONDITIONS`.

    `follows`: the step type whose last step it asks about, None: it asks about the contact. `compares`: it takes an
    operator and a value; `default` is the operator of a split that names none. `names_field`: it needs the key `field`.
    """

    follows: StepType | None = None
    compares: bool = False
    names_field: bool = False
    is_number: bool = False
    default: Operator = Operator.EQUALS


CONDITIONS = {
    ConditionType.EMAIL_OPENED: ConditionSpec(follows=StepType.EMAIL),
    ConditionType.EMAIL_CLICKED: ConditionSpec(follows=StepType.EMAIL),
    ConditionType.EMAIL_REPLIED: ConditionSpec(follows=StepType.EMAIL),
    ConditionType.TASK_COMPLETED: ConditionSpec(follows=StepType.TASK),
    ConditionType.CONTACT_FIELD: ConditionSpec(compares=True, names_field=True),
    ConditionType.ENGAGEMENT_SCORE: ConditionSpec(compares=True, is_number=True, default=Operator.AT_LEAST),
}
_WITHOUT_VALUE = frozenset({Operator.IS_SET, Operator.IS_NOT_SET})
_ORDERED = frozenset({Operator.AT_LEAST, Operator.AT_MOST})


def parse_condition(condition_type: str, raw: Mapping[str, object]) -> Condition:
    """Read `condition_type` and `condition_config`. Raises `StepConfigError`."""
    try:
        condition = ConditionType(condition_type)
    except ValueError:
        allowed = ", ".join(ConditionType)
        raise StepConfigError(
            f"condition {condition_type!r} is not known: use one of {allowed}", "condition_type"
        ) from None
    spec = CONDITIONS[condition]
    if unknown := sorted(set(raw) - set(CONDITION_KEYS)):
        raise StepConfigError(f"condition key {unknown[0]!r} is not known: use {', '.join(CONDITION_KEYS)}")
    hours = raw.get("wait_hours", 0)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= MAX_WAIT_HOURS:
        raise StepConfigError(f"wait_hours must be a number from 0 to {MAX_WAIT_HOURS}, not {hours!r}", "wait_hours")
    try:
        operator = Operator(str(raw.get("operator", spec.default)))
    except ValueError:
        raise StepConfigError(
            f"operator {raw['operator']!r} is not known: use one of {', '.join(Operator)}", "operator"
        ) from None
    field = raw.get("field", "")
    if spec.names_field and (not isinstance(field, str) or not field):
        raise StepConfigError(f"a {condition} condition needs the key field, such as title", "field")
    _check_value(condition, spec, operator, raw)
    return Condition(condition, timedelta(hours=hours), str(field), operator, str(raw.get("value", "")))


def _check_value(condition: ConditionType, spec: ConditionSpec, operator: Operator, raw: Mapping[str, object]) -> None:
    if not spec.compares or (operator in _WITHOUT_VALUE and not spec.is_number):
        return
    if "value" not in raw:
        raise StepConfigError(f"a {condition} condition needs the key value", "value")
    if (spec.is_number or operator in _ORDERED) and read_number(raw["value"]) is None:
        compared = condition if spec.is_number else f"{condition} with {operator}"
        raise StepConfigError(
            f"the value of a condition {compared} must be a plain number such as 1200 or 2.5, not {raw['value']!r}",
            "value",
        )


def parse_config(row: Mapping[str, object]) -> StepConfig:
    """Turn the columns of one step (names of the model) into its configuration. Never raises."""
    step_type = str(row["type"])
    if step_type == StepType.EMAIL:
        return _parse_email(row)
    if step_type == StepType.TASK:
        return TaskConfig(
            type=str(row["task_type"]),
            priority=str(row["task_priority"]),
            title=str(row["name"]),
            instructions=str(row["instructions"]),
            wait_for_completion=bool(row["wait_for_completion"]),
        )
    if step_type == StepType.DELAY:
        return DelayConfig()
    if step_type == StepType.CONDITIONAL_SPLIT:
        return _parse_split(row)
    return Broken(f"step type {step_type!r} is not known: use one of {', '.join(StepType)}")


def _parse_email(row: Mapping[str, object]) -> EmailConfig | Broken:
    try:
        variants = read_variants(row.get("variants") or ())
    except VariantError as error:
        return Broken(str(error))
    return EmailConfig(str(row["subject"]).strip(), str(row["body"]), bool(row.get("repeat")), variants)


def _parse_split(row: Mapping[str, object]) -> SplitConfig | Broken:
    raw = row["condition_config"]
    if not isinstance(raw, Mapping):
        return Broken("condition_config must be an object")
    try:
        asked = parse_condition(str(row["condition_type"]), raw)
    except StepConfigError as error:
        return Broken(str(error))
    if_true, if_false = row["if_true_goto_id"], row["if_false_goto_id"]
    return SplitConfig(
        condition=asked.condition,
        wait=asked.wait,
        field=asked.field,
        operator=asked.operator,
        value=asked.value,
        if_true=if_true if isinstance(if_true, int) else None,
        if_false=if_false if isinstance(if_false, int) else None,
    )
