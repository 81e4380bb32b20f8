"""The goal of a sequence: what must hold of a contact for the sequence to be over for them. Pure.

Stored as an object with at most one condition of each kind: `{"event": "meeting_booked"}`, `{"score": 50}` and
`{"field": "stage", "operator": "equals", "value": "won"}`. Several may stand in one object; `match` says whether `any`
of them is enough (the default) or `all` must hold. Empty: no goal. Branches compare fields in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from sequences.authoring.step_config import Condition, StepConfigError, parse_condition
from sequences.choices import ConditionType, Operator
from sequences.liquid.comparing import fold_text, is_equal, read_number

EVENT_TYPE_FORM = r"[a-z][a-z0-9_]{0,63}"
HIGHEST_SCORE = 100
MATCHES = ("any", "all")
#: The keys of a goal, in a file and in the API.
GOAL_KEYS = ("event", "field", "match", "operator", "score", "value")
_LONGEST = 200
_FORMS = '{"event": "meeting_booked"}, {"field": "stage", "operator": "equals", "value": "won"} or {"score": 50}'


class GoalError(ValueError):
    """The goal cannot be read; one line that says what to write. `key`: of the goal, where it is about one."""

    def __init__(self, text: str, key: str | None = None) -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True, slots=True)
class Goal:
    """`event`: a type of external event, empty for none. `score`: the engagement score, at least. `field`: compared."""

    event: str
    score: int | None
    field: Condition | None
    needs_all: bool

    def __str__(self) -> str:
        parts = [f"external event {self.event}"] if self.event else []
        if self.score is not None:
            parts.append(f"engagement score at least {self.score}")
        if self.field is not None:
            parts.append(_describe_field(self.field))
        return (" and " if self.needs_all else " or ").join(parts)

    def describe_met(self, merge_fields: Mapping[str, object], engagement_score: int, *, has_event: bool) -> str:
        """Which conditions hold, with the values that meet them; empty where the goal is not met."""
        found: list[str | None] = []
        if self.event:
            found.append(f"external event {self.event}" if has_event else None)
        if self.score is not None:
            is_met = engagement_score >= self.score
            found.append(f"engagement score {engagement_score} is at least {self.score}" if is_met else None)
        if self.field is not None:
            actual = field_value(merge_fields, self.field.field)
            is_met = compare_field(actual, self.field.operator, self.field.value)
            shown = "" if actual is None else str(actual)[:_LONGEST]
            found.append(f"{_describe_field(self.field)} (it is {shown!r})" if is_met else None)
        met = [text for text in found if text is not None]
        return " and ".join(met) if met and (not self.needs_all or len(met) == len(found)) else ""


def _describe_field(condition: Condition) -> str:
    text = f"{condition.field} {condition.operator.replace('_', ' ')}"
    return text if condition.operator in {Operator.IS_SET, Operator.IS_NOT_SET} else f"{text} {condition.value!r}"


def parse_goal(raw: object) -> Goal | None:
    """None where there is none. Raises `GoalError`."""
    if not isinstance(raw, Mapping):
        raise GoalError(f"a goal must be an object such as {_FORMS}")
    if not raw:
        return None
    if unknown := sorted(str(key) for key in raw if key not in GOAL_KEYS):
        raise GoalError(f"goal key {unknown[0][:100]!r} is not known: use {', '.join(GOAL_KEYS)}")
    if not {"event", "score", "field"} & raw.keys():
        raise GoalError(f"a goal names an event, a field or a score: write {_FORMS}")
    match = raw.get("match", "any")
    if match not in MATCHES:
        raise GoalError(f"match of a goal must be any or all, not {str(match)[:40]!r}", "match")
    if "field" not in raw and (lost := sorted({"operator", "value"} & raw.keys())):
        raise GoalError(f"{lost[0]} of a goal belongs to a field: name the field", "field")
    event = raw.get("event", "")
    if "event" in raw and not (isinstance(event, str) and re.fullmatch(EVENT_TYPE_FORM, event)):
        raise GoalError(
            "the event of a goal is a word such as meeting_booked: up to 64 lower-case letters, digits and _", "event"
        )
    return Goal(
        event=str(event),
        score=_parse_score(raw["score"]) if "score" in raw else None,
        field=_parse_field(raw) if "field" in raw else None,
        needs_all=match == "all",
    )


def _parse_score(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= HIGHEST_SCORE:
        raise GoalError(f"the score of a goal must be a whole number from 1 to {HIGHEST_SCORE}", "score")
    return raw


def _parse_field(raw: Mapping[str, object]) -> Condition:
    value = raw.get("value", "")
    if not isinstance(value, str | int | float):
        raise GoalError("the value of a goal must be a text, a number or true or false", "value")
    if max(len(str(value)), len(str(raw["field"]))) > _LONGEST:
        raise GoalError(f"field and value of a goal have at most {_LONGEST} characters", "value")
    try:
        found = parse_condition(
            ConditionType.CONTACT_FIELD, {key: raw[key] for key in ("field", "operator", "value") if key in raw}
        )
    except StepConfigError as error:
        raise GoalError(f"goal: {error}", error.key) from None
    if found.operator in {Operator.EQUALS, Operator.CONTAINS} and not found.value.strip():
        raise GoalError(
            f"the value of a goal with {found.operator} cannot be empty: use is_not_set for a field without a value",
            "value",
        )
    return found


def field_value(merge_fields: Mapping[str, object], field: str) -> object:
    """The value of a contact's field, which may be written with `contact.` or `contact.fields.` before it."""
    contact = merge_fields["contact"]
    assert isinstance(contact, Mapping)
    return contact.get(field.removeprefix("contact.").removeprefix("fields."))


def compare_field(actual: object, operator: Operator, expected: str) -> bool:
    """Compare numbers as numbers, texts without case. `at_least` and `at_most` are false unless both are numbers."""
    text = "" if actual is None else str(actual).strip()
    match operator:
        case Operator.IS_SET:
            return text != ""
        case Operator.IS_NOT_SET:
            return text == ""
        case Operator.EQUALS:
            return is_equal(actual, expected)
        case Operator.NOT_EQUALS:
            return not is_equal(actual, expected)
        case Operator.CONTAINS:
            return fold_text(expected) in fold_text(text)
        case Operator.AT_LEAST | Operator.AT_MOST:
            left, right = read_number(actual), read_number(expected)
            if left is None or right is None:
                return False
            return left >= right if operator is Operator.AT_LEAST else left <= right
        case _:
            assert_never(operator)
