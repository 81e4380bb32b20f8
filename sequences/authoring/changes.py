"""What an edit changed, field by field, as the log of edits keeps it. Pure.

Both drafts have the steps' ids for keys, as `load_draft` gives them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import time

from sequences.authoring.drafts import SEQUENCE_FIELDS, SequenceDraft
from sequences.authoring.step_fields import StepDraft

_BLANK = asdict(StepDraft(key="", type=""))

Change = Mapping[str, object]


def list_changes(before: SequenceDraft, after: SequenceDraft) -> list[Change]:
    """Each as `{"what", "field", "before", "after"}`; `what` is `sequence` or names the step as it was or became."""
    return [*_compare_sequence(before, after), *_compare_steps(before, after)]


def _compare_sequence(before: SequenceDraft, after: SequenceDraft) -> Iterator[Change]:
    for field in SEQUENCE_FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            yield _change("sequence", field, old, new)


def _compare_steps(before: SequenceDraft, after: SequenceDraft) -> Iterator[Change]:
    old_steps = {step.key: step for step in before.steps}
    new_keys = {step.key for step in after.steps}
    numbers = {step.key: number for number, step in enumerate(after.steps, start=1)}
    for number, step in enumerate(before.steps, start=1):
        if step.key not in new_keys:
            yield _change(_name(step, number), "removed", _describe(step), None)
    old_order = [step.key for step in before.steps if step.key in new_keys]
    new_order = [step.key for step in after.steps if step.key in old_steps]
    for step in after.steps:
        name = _name(step, numbers[step.key])
        was = old_steps.get(step.key)
        if was is None:
            yield _change(name, "added", None, _describe(step))
            continue
        for field in _BLANK:
            old, new = getattr(was, field), getattr(step, field)
            if old != new:
                yield _change(name, field, old, new)
    if old_order != new_order:
        yield _change("sequence", "order", [_name(old_steps[key], 0) for key in old_order], _names(after, new_order))


def _names(draft: SequenceDraft, keys: list[str]) -> list[str]:
    steps = {step.key: step for step in draft.steps}
    return [_name(steps[key], 0) for key in keys]


def _name(step: StepDraft, number: int) -> str:
    title = step.name or step.texts[0][1] or step.type.replace("_", " ")
    return f"step {number}, {title}" if number else title


def _describe(step: StepDraft) -> dict[str, object]:
    """The fields that differ from their defaults."""
    return {name: _plain(value) for name, value in asdict(step).items() if name != "key" and value != _BLANK[name]}


def _change(what: str, field: str, before: object, after: object) -> Change:
    return {"what": what, "field": field, "before": _plain(before), "after": _plain(after)}


def _plain(value: object) -> object:
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, tuple):
        return [each if isinstance(each, Mapping) else asdict(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value
