"""A sequence written as `sequence.yaml`. What is written reads back as the same draft. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Any

import yaml

from sequences.authoring.drafts import DEFAULT_PRIORITY, SequenceDraft
from sequences.authoring.step_fields import (
    COMMON_FIELDS,
    DELAY_FIELDS,
    YAML_TYPES,
    Kind,
    StepDraft,
    StepField,
    fields_of,
    is_default,
)
from sequences.choices import OnReply, StepType
from sequences.content.variants import write_variants

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
    if tracked := {name: value for name, value in tracked.items() if value is not None}:
        content["track"] = tracked
    if draft.on_reply != OnReply.STOP:
        content["on_reply"] = draft.on_reply
    if draft.goal:
        content["goal"] = dict(draft.goal)
    if draft.requires_approval:
        content["requires_approval"] = True
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
    content: dict[str, Any] = {}
    if step.key in ids:
        content["id"] = ids[step.key]
    if step.name:
        content["name"] = step.name
    delay = {unit: count for unit, spec in DELAY_FIELDS.items() if (count := getattr(step, spec.name))}
    if step.type == StepType.DELAY:
        content |= delay
    elif delay:
        content["delay"] = delay
    for spec in (*COMMON_FIELDS, *fields_of(step.type)):
        if spec.kind is Kind.CONFIG:
            content |= getattr(step, spec.name)
        elif (spec.is_required and not step.variants) or not is_default(step, spec):
            content[spec.yaml_key] = _export_value(getattr(step, spec.name), spec, ids)
    return {YAML_TYPES.get(StepType(step.type), step.type): content}


def _export_value(value: Any, spec: StepField, ids: Mapping[str, str]) -> object:
    if spec.kind is Kind.GOTO:
        return ids[value]
    if spec.kind is Kind.VARIANTS:
        return write_variants(value)
    if isinstance(value, time):
        return value.strftime("%H:%M:%S" if value.second else "%H:%M")
    return value
