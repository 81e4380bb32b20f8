"""`sequence.yaml`: one sequence as text, so that it can be reviewed, versioned and moved. Reading; see yaml_export.

Checks the form only: keys, types, goto names. sequences.authoring.validation checks whether the sequence makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import yaml

from sequences.authoring.drafts import DEFAULT_PRIORITY, MAX_DELAY, SequenceDraft, StepDraft
from sequences.authoring.step_config import StepConfigError, parse_condition
from sequences.choices import StepType, TaskPriority, TaskType
from sequences.time.timing import TimingError, parse_window
from sequences.yaml.nodes import (
    MAX_BYTES,
    Problems,
    YamlFormError,
    is_empty,
    line_of,
    load_root,
    read_flag,
    read_items,
    read_mapping,
    read_text,
    read_value,
    read_whole_number,
    shown,
)

__all__ = ["ParsedFile", "YamlFormError", "parse_file", "parse_text"]

MAX_STEPS = 500
_TOP_KEYS = ("name", "description", "window", "priority", "track", "steps")
_TRACKED = ("opens", "clicks")
_COMMON_KEYS = ("id", "name", "skip_weekends", "send_time")
_DELAY_LIMITS = {"days": 730, "hours": 17_520, "minutes": 1_051_200}
_FORMS = {
    "email": (StepType.EMAIL, (*_COMMON_KEYS, "delay", "subject", "body", "body_file")),
    "task": (StepType.TASK, (*_COMMON_KEYS, "delay", "type", "priority", "instructions", "wait_for_completion")),
    "delay": (StepType.DELAY, (*_COMMON_KEYS, *_DELAY_LIMITS)),
    "split": (
        StepType.CONDITIONAL_SPLIT,
        (*_COMMON_KEYS, "delay", "condition", "wait_hours", "field", "operator", "value", "if_true", "if_false"),
    ),
}
# The names of the model are understood too.
_FORM_ALIASES = {"conditional_split": "split"}
_KEY_ALIASES = {
    "condition_type": "condition",
    "if_true_goto": "if_true",
    "if_false_goto": "if_false",
    "task_type": "type",
    "task_priority": "priority",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """`step_lines` says where each step stands, by its number (from 1)."""

    file: str
    draft: SequenceDraft
    step_lines: Mapping[int, int]

    def place(self, step_number: int | None) -> str:
        return self.file if step_number is None else f"{self.file}:{self.step_lines[step_number]}"


@dataclass(frozen=True, slots=True)
class _Context:
    problems: Problems
    read_body: Callable[[yaml.Node], str]


def parse_file(path: Path) -> ParsedFile:
    """Read a sequence from a file; `body_file` is looked up beside it. Raises `YamlFormError`, `OSError`."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse_text(str(path), data, path.parent)


def parse_text(file: str, data: bytes, body_dir: Path | None = None) -> ParsedFile:
    """Read a sequence from bytes; `file` names them in errors. Without `body_dir` a `body_file` is an error.

    Raises `YamlFormError` with every problem found, each as `FILE:LINE: …`.
    """
    root = load_root(file, data)
    problems = Problems(file)

    def read_body(node: yaml.Node) -> str:
        return _read_body_file(node, body_dir, problems)

    draft, lines = _parse_sequence(root, _Context(problems, read_body))
    problems.raise_if_any()
    return ParsedFile(file, draft, lines)


def _parse_sequence(root: yaml.Node, context: _Context) -> tuple[SequenceDraft, dict[int, int]]:
    problems = context.problems
    top = read_mapping(root, "the sequence", _TOP_KEYS, problems)
    name = read_text(top["name"], "name", problems, 200).strip() if "name" in top else ""
    is_readable = not problems.found
    items = read_items(top["steps"], "steps", problems) if "steps" in top else []
    # A key that is misspelt or of a wrong kind is not also missing.
    if is_readable and not name:
        problems.add(line_of(top.get("name", root)), "name is missing: name the sequence")
    if is_readable and not items and not problems.found:
        problems.add(line_of(top.get("steps", root)), "steps is missing: list at least one step")
    if len(items) > MAX_STEPS:
        problems.add(line_of(items[MAX_STEPS]), f"there are {len(items)} steps: {MAX_STEPS} are allowed")
    steps: list[StepDraft] = []
    lines: dict[int, int] = {}
    gotos: list[tuple[yaml.Node, str]] = []
    ids: dict[str, int] = {}
    for number, item in enumerate(items[:MAX_STEPS], start=1):
        lines[number] = line_of(item)
        if step := _parse_step(item, number, context, ids, gotos):
            steps.append(step)
    for node, target in gotos:
        if target not in ids:
            known = f"use one of {', '.join(ids)}" if ids else "give the step it means an id"
            problems.add(line_of(node), f"no step has the id {target!r}: {known}, or leave it empty to end there")
    draft = SequenceDraft(
        name=name,
        description=read_text(top["description"], "description", problems) if "description" in top else "",
        window=_parse_window(top["window"], problems) if "window" in top else {},
        priority=read_whole_number(top["priority"], "priority", 100, problems)
        if "priority" in top
        else DEFAULT_PRIORITY,
        steps=tuple(steps),
        **_parse_track(top["track"], problems) if "track" in top else {},
    )
    return draft, lines


def _parse_track(node: yaml.Node, problems: Problems) -> dict[str, bool]:
    found = read_mapping(node, "track", _TRACKED, problems)
    return {f"track_{name}": read_flag(value, f"track: {name}", problems) for name, value in found.items()}


def _parse_window(node: yaml.Node, problems: Problems) -> dict[str, object]:
    if is_empty(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        problems.add(line_of(node), 'window must be a mapping such as {mon-fri: ["09:00-17:00"]}')
        return {}
    window: dict[str, object] = {}
    for key_node, value in node.value:
        key = read_text(key_node, "a key of window", problems)
        if key in window:
            problems.add(line_of(key_node), f"window has the key {key} twice: keep one")
        window[key] = (
            [read_text(item, f"window {key}", problems) for item in value.value]
            if isinstance(value, yaml.SequenceNode)
            else read_text(value, f"window {key}", problems)
        )
    try:
        parse_window(window)
    except TimingError as error:
        problems.add(line_of(node), str(error))
    return window


def _parse_step(
    item: yaml.Node, number: int, context: _Context, ids: dict[str, int], gotos: list[tuple[yaml.Node, str]]
) -> StepDraft | None:
    problems = context.problems
    forms = ", ".join(_FORMS)
    if not isinstance(item, yaml.MappingNode) or len(item.value) != 1:
        problems.add(line_of(item), f"step {number} must have exactly one of {forms}, with its keys under it")
        return None
    key_node, body = item.value[0]
    written = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
    form = _FORM_ALIASES.get(written, written)
    if form not in _FORMS:
        problems.add(line_of(key_node), f"step {number} has the unknown type {written!r}: use {forms}")
        return None
    step_type, allowed = _FORMS[form]
    where = f"step {number} ({form})"
    aliases = {alias: key for alias, key in _KEY_ALIASES.items() if key in allowed}
    nodes = read_mapping(body, where, allowed, problems, aliases)
    values = _parse_common(nodes, where, problems)
    values["key"] = _parse_id(nodes, number, where, problems, ids)
    match step_type:
        case StepType.EMAIL:
            values |= _parse_email(nodes, where, context, line_of(item))
        case StepType.TASK:
            values |= _parse_task(nodes, where, problems)
        case StepType.DELAY:
            values |= _parse_units(nodes, where, line_of(item), problems)
        case StepType.CONDITIONAL_SPLIT:
            values |= _parse_split(nodes, where, line_of(item), problems, gotos)
    return StepDraft(type=step_type.value, **values)


def _parse_id(nodes: Mapping[str, yaml.Node], number: int, where: str, problems: Problems, ids: dict[str, int]) -> str:
    if "id" not in nodes:
        return f"#{number}"
    key = read_text(nodes["id"], f"{where} id", problems)
    if not _ID.fullmatch(key):
        problems.add(line_of(nodes["id"]), f"{where} id must be letters, digits, . _ or -, not {shown(nodes['id'])}")
        return f"#{number}"
    if key in ids:
        problems.add(line_of(nodes["id"]), f"{where} has the id {key!r} of step {ids[key]}: choose another")
        return f"#{number}"
    ids[key] = number
    return key


def _parse_common(nodes: Mapping[str, yaml.Node], where: str, problems: Problems) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "name" in nodes:
        values["name"] = read_text(nodes["name"], f"{where} name", problems, 200)
    if "skip_weekends" in nodes:
        values["skip_weekends"] = read_flag(nodes["skip_weekends"], f"{where} skip_weekends", problems)
    if "send_time" in nodes and not is_empty(nodes["send_time"]):
        values["send_time"] = _parse_time(nodes["send_time"], where, problems)
    if "delay" in nodes:
        units = read_mapping(nodes["delay"], f"{where} delay", _DELAY_LIMITS, problems)
        values |= _parse_units(units, f"{where} delay", line_of(nodes["delay"]), problems)
    return values


def _parse_units(nodes: Mapping[str, yaml.Node], where: str, line: int, problems: Problems) -> dict[str, int]:
    values = {
        f"delay_{unit}": read_whole_number(nodes[unit], f"{where} {unit}", maximum, problems)
        for unit, maximum in _DELAY_LIMITS.items()
        if unit in nodes
    }
    probe = StepDraft(key="", type="", **values)  # type: ignore[arg-type]
    if probe.delay > MAX_DELAY:
        problems.add(line, f"{where} adds up to more than {MAX_DELAY.days} days: shorten it")
    return values


def _parse_time(node: yaml.Node, where: str, problems: Problems) -> time | None:
    found = _TIME.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
    try:
        if found:
            return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        pass
    problems.add(line_of(node), f"{where} send_time must be a time of day such as 09:30, not {shown(node)}")
    return None


def _parse_email(nodes: Mapping[str, yaml.Node], where: str, context: _Context, line: int) -> dict[str, Any]:
    problems = context.problems
    if "body" in nodes and "body_file" in nodes:
        problems.add(line_of(nodes["body_file"]), f"{where} has both body and body_file: keep one")
    if "body" not in nodes and "body_file" not in nodes:
        problems.add(line, f"{where} has no body: give it body or body_file")
    subject = read_text(nodes["subject"], f"{where} subject", problems, 500) if "subject" in nodes else ""
    if "\n" in subject.strip() or "\r" in subject.strip():
        problems.add(line_of(nodes["subject"]), f"{where} subject must be one line")
    if "body" in nodes:
        body = read_text(nodes["body"], f"{where} body", problems)
    else:
        body = context.read_body(nodes["body_file"]) if "body_file" in nodes else ""
    return {"subject": subject.strip(), "body": body}


def _read_body_file(node: yaml.Node, body_dir: Path | None, problems: Problems) -> str:
    name = read_text(node, "body_file", problems)
    line = line_of(node)
    if body_dir is None:
        problems.add(line, "body_file can only be used from a file on disk: write the text under body")
        return ""
    root = body_dir.resolve()
    try:
        path = (root / name).resolve()
        if not name or not path.is_relative_to(root):
            problems.add(line, f"body_file {name!r} must name a file in the directory of the sequence")
            return ""
        if path.stat().st_size > MAX_BYTES:
            problems.add(line, f"body_file {name!r} has more than {MAX_BYTES:,} bytes: shorten it")
            return ""
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(line, f"body_file {name!r}: byte {error.start + 1} is not UTF-8: save it with the encoding UTF-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.add(line, f"body_file {name!r} cannot be read ({reason}): put it beside the sequence")
    else:
        if "\0" not in text:
            return text
        problems.add(line, f"body_file {name!r} holds a NUL character: remove it")
    return ""


def _parse_task(nodes: Mapping[str, yaml.Node], where: str, problems: Problems) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "type" in nodes:
        values["task_type"] = _parse_choice(nodes["type"], f"{where} type", list(TaskType), problems)
    if "priority" in nodes:
        values["task_priority"] = _parse_choice(nodes["priority"], f"{where} priority", list(TaskPriority), problems)
    if "instructions" in nodes:
        values["instructions"] = read_text(nodes["instructions"], f"{where} instructions", problems)
    if "wait_for_completion" in nodes:
        values["wait_for_completion"] = read_flag(
            nodes["wait_for_completion"], f"{where} wait_for_completion", problems
        )
    return values


def _parse_choice(node: yaml.Node, where: str, allowed: list[Any], problems: Problems) -> str:
    text = read_text(node, where, problems)
    if text not in allowed:
        problems.add(line_of(node), f"{where} must be one of {', '.join(allowed)}, not {shown(node)}")
    return text


def _parse_split(
    nodes: Mapping[str, yaml.Node], where: str, line: int, problems: Problems, gotos: list[tuple[yaml.Node, str]]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in ("if_true", "if_false"):
        if key in nodes and (target := read_text(nodes[key], f"{where} {key}", problems).strip()):
            gotos.append((nodes[key], target))
            values[key] = target
    config = {
        key: read_value(nodes[key], f"{where} {key}", problems)
        for key in ("wait_hours", "field", "operator", "value")
        if key in nodes
    }
    if "condition" not in nodes:
        problems.add(line, f"{where} has no condition: name one, such as email_opened")
        return values
    values["condition_type"] = read_text(nodes["condition"], f"{where} condition", problems).strip()
    values["condition_config"] = config
    try:
        parse_condition(values["condition_type"], config)
    except StepConfigError as error:
        spot = nodes.get(error.key or "", nodes["condition"])
        problems.add(line_of(spot), f"{where}: {error}")
    return values
