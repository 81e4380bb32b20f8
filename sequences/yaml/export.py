"""A sequence written as `sequence.yaml`. What is written reads back as the same draft. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Any

import yaml

from sequences.authoring.drafts import DEFAULT_PRIORITY, SequenceDraft, StepDraft
from sequences.choices import StepType, TaskPriority, TaskType

_NOT_LITERAL = re.compile("[\r\x85\u2028\u2029\ufeff]")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and never an alias."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML reads other line breaks than \n back as \n, except between double quotes.
    if _NOT_LITERAL.search(text):
        style: str | None = '"'
    else:
        style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def export_sequence(draft: SequenceDraft) -> str:
    """The file as text, ending with a newline. Steps that a goto names get an `id` that lasts as long as their name."""
    ids = _name_targets(draft)
    content: dict[str, Any] = {"name": draft.name}
    if draft.description:
        content["description"] = draft.description
    if draft.window:
        content["window"] = dict(sorted(draft.window.items(), key=lambda item: item[0] != "timezone"))
    if draft.priority != DEFAULT_PRIORITY:
        content["priority"] = draft.priority
    tracked = {"opens": draft.track_opens, "clicks": draft.track_clicks}
    if said := {name: value for name, value in tracked.items() if value is not None}:
        content["track"] = said
    content["steps"] = [_export_step(step, ids) for step in draft.steps]
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _name_targets(draft: SequenceDraft) -> dict[str, str]:
    targets = {key for step in draft.steps for key in (step.if_true, step.if_false) if key is not None}
    ids: dict[str, str] = {}
    for number, step in enumerate(draft.steps, start=1):
        if step.key in targets:
            word = re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-")[:50].strip("-") or f"step-{number}"
            ids[step.key] = word if word not in ids.values() else f"{word}-{number}"
    return ids


def _export_step(step: StepDraft, ids: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if step.key in ids:
        fields["id"] = ids[step.key]
    if step.name:
        fields["name"] = step.name
    units = {"days": step.delay_days, "hours": step.delay_hours, "minutes": step.delay_minutes}
    delay = {unit: count for unit, count in units.items() if count}
    if step.type == StepType.DELAY:
        fields |= delay
    elif delay:
        fields["delay"] = delay
    if step.skip_weekends:
        fields["skip_weekends"] = True
    if step.send_time is not None:
        fields["send_time"] = _export_time(step.send_time)
    fields |= _export_content(step, ids)
    return {"split" if step.is_split else step.type: fields}


def _export_time(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _export_content(step: StepDraft, ids: Mapping[str, str]) -> dict[str, Any]:
    if step.type == StepType.EMAIL:
        return {"subject": step.subject, "body": step.body} if step.subject else {"body": step.body}
    if step.type == StepType.TASK:
        fields: dict[str, Any] = {}
        if step.task_type != TaskType.GENERIC:
            fields["type"] = step.task_type
        if step.task_priority != TaskPriority.NORMAL:
            fields["priority"] = step.task_priority
        if step.instructions:
            fields["instructions"] = step.instructions
        if step.wait_for_completion:
            fields["wait_for_completion"] = True
        return fields
    if step.is_split:
        gotos = {
            word: ids[key] for word, key in (("if_true", step.if_true), ("if_false", step.if_false)) if key is not None
        }
        return {"condition": step.condition_type, **step.condition_config, **gotos}
    return {}
