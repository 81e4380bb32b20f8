"""`sequence.yaml`: one sequence as text, so that it can be reviewed, versioned and moved. This is the reading side.

Checks the form only: keys, types, goto names; steps.py reads the steps, export.py writes files, and
sequences.authoring.validation checks whether the sequence makes sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sequences.authoring.drafts import DEFAULT_PRIORITY, SequenceDraft
from sequences.authoring.goals import GOAL_KEYS, GoalError, parse_goal
from sequences.authoring.step_fields import StepDraft
from sequences.choices import OnReply
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
from sequences.yaml.steps import StepReader

__all__ = ["ParsedFile", "YamlFormError", "parse_file", "parse_text"]

MAX_STEPS = 500
_TOP_KEYS = ("name", "description", "window", "priority", "track", "on_reply", "goal", "requires_approval", "steps")
_TRACKED = ("opens", "clicks")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """`step_lines` says where each step stands, by its number (from 1)."""

    file: str
    draft: SequenceDraft
    step_lines: Mapping[int, int]

    def place(self, step_number: int | None) -> str:
        return self.file if step_number is None else f"{self.file}:{self.step_lines[step_number]}"


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

    draft, lines = _parse_sequence(root, StepReader(problems, body_dir))
    problems.raise_if_any()
    return ParsedFile(file, draft, lines)


def _parse_sequence(root: yaml.Node, reader: StepReader) -> tuple[SequenceDraft, dict[int, int]]:
    problems = reader.problems
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
    for number, item in enumerate(items[:MAX_STEPS], start=1):
        lines[number] = line_of(item)
        if step := reader.parse_step(item, number):
            steps.append(step)
    reader.check_gotos()
    draft = SequenceDraft(
        name=name,
        description=read_text(top["description"], "description", problems) if "description" in top else "",
        window=_parse_window(top["window"], problems) if "window" in top else {},
        priority=read_whole_number(top["priority"], "priority", 100, problems)
        if "priority" in top
        else DEFAULT_PRIORITY,
        steps=tuple(steps),
        on_reply=_parse_on_reply(top["on_reply"], problems) if "on_reply" in top else OnReply.STOP.value,
        goal=_parse_goal(top["goal"], problems) if "goal" in top else {},
        requires_approval=read_flag(top["requires_approval"], "requires_approval", problems)
        if "requires_approval" in top
        else False,
        **_parse_track(top["track"], problems) if "track" in top else {},
    )
    return draft, lines


def _parse_on_reply(node: yaml.Node, problems: Problems) -> str:
    text = read_text(node, "on_reply", problems)
    if text not in list(OnReply):
        problems.add(line_of(node), f"on_reply must be one of {', '.join(OnReply)}, not {shown(node)}")
    return text


def _parse_goal(node: yaml.Node, problems: Problems) -> dict[str, object]:
    if is_empty(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        problems.add(line_of(node), "goal must be a mapping such as {event: meeting_booked}")
        return {}
    found = read_mapping(node, "goal", GOAL_KEYS, problems)
    goal = {key: read_value(value, f"goal {key}", problems) for key, value in found.items()}
    try:
        parse_goal(goal)
    except GoalError as error:
        problems.add(line_of(node), str(error))
    return goal


def _parse_track(node: yaml.Node, problems: Problems) -> dict[str, Any]:
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
