"""The steps of a `sequence.yaml`, read by the table of step fields. Pure but for `body_file`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, assert_never

import yaml

from sequences.authoring.step_config import CONDITION_KEYS, StepConfigError, parse_condition
from sequences.authoring.step_fields import (
    COMMON_FIELDS,
    DELAY_FIELDS,
    MAX_DELAY,
    YAML_TYPES,
    Kind,
    StepDraft,
    StepField,
    fields_of,
)
from sequences.choices import StepType
from sequences.content.variants import (
    MAX_WEIGHT,
    VARIANT_KEYS,
    Variant,
    VariantError,
    read_variant,
    read_variants,
)
from sequences.yaml.nodes import (
    MAX_BYTES,
    Problems,
    is_empty,
    line_of,
    read_flag,
    read_items,
    read_mapping,
    read_text,
    read_value,
    read_whole_number,
    shown,
)

#: What a step is called in a file, and its type.
_TYPES = {YAML_TYPES.get(step_type, step_type.value): step_type for step_type in StepType}
# The names of the model are understood too.
_TYPE_ALIASES = {step_type.value: word for word, step_type in _TYPES.items()}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_Nodes = Mapping[str, yaml.Node]


def _list_keys(step_type: StepType) -> list[str]:
    fields = (*COMMON_FIELDS, *fields_of(step_type))
    keys = ["id", *(spec.yaml_key for spec in fields if spec.kind is not Kind.CONFIG)]
    keys += DELAY_FIELDS if step_type is StepType.DELAY else ["delay"]
    if any(spec.name == "body" for spec in fields):
        keys.append("body_file")
    if any(spec.kind is Kind.CONFIG for spec in fields):
        keys += CONDITION_KEYS
    return keys


def _list_aliases(step_type: StepType) -> dict[str, str]:
    return {spec.column: spec.yaml_key for spec in fields_of(step_type) if spec.column != spec.yaml_key}


@dataclass(slots=True)
class StepReader:
    """Reads the steps of one file and remembers their ids and gotos. Without `body_dir` a `body_file` is an error."""

    problems: Problems
    body_dir: Path | None
    ids: dict[str, int] = field(default_factory=dict)
    gotos: list[tuple[yaml.Node, str]] = field(default_factory=list)

    def parse_step(self, item: yaml.Node, number: int) -> StepDraft | None:
        """The step with this number; None, with a problem noted, where not even its type can be read."""
        words = ", ".join(_TYPES)
        if not isinstance(item, yaml.MappingNode) or len(item.value) != 1:
            self.problems.add(line_of(item), f"step {number} must have exactly one of {words}, with its keys under it")
            return None
        key_node, content = item.value[0]
        written = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        word = _TYPE_ALIASES.get(written, written)
        if word not in _TYPES:
            self.problems.add(line_of(key_node), f"step {number} has the unknown type {written!r}: use {words}")
            return None
        step_type = _TYPES[word]
        where = f"step {number} ({word})"
        nodes = read_mapping(content, where, _list_keys(step_type), self.problems, _list_aliases(step_type))
        values = self._read_delay(nodes, where, step_type, line_of(item))
        values |= self._read_fields((*COMMON_FIELDS, *fields_of(step_type)), nodes, where)
        if step_type is StepType.EMAIL:
            values["body"] = self._read_body(nodes, where, line_of(item))
        if step_type is StepType.CONDITIONAL_SPLIT:
            values |= self._read_condition(nodes, where, line_of(item))
        return StepDraft(key=self._read_id(nodes, number, where), type=step_type.value, **values)

    def check_gotos(self) -> None:
        """Note gotos that name no step; call it after the last step."""
        for node, target in self.gotos:
            if target not in self.ids:
                known = f"use one of {', '.join(self.ids)}" if self.ids else "give the step it means an id"
                self.problems.add(
                    line_of(node), f"no step has the id {target!r}: {known}, or leave it empty to end there"
                )

    def _read_id(self, nodes: _Nodes, number: int, where: str) -> str:
        if "id" not in nodes:
            return f"#{number}"
        node = nodes["id"]
        key = read_text(node, f"{where} id", self.problems)
        if not _ID.fullmatch(key):
            self.problems.add(line_of(node), f"{where} id must be letters, digits, . _ or -, not {shown(node)}")
            return f"#{number}"
        if key in self.ids:
            self.problems.add(line_of(node), f"{where} has the id {key!r} of step {self.ids[key]}: choose another")
            return f"#{number}"
        self.ids[key] = number
        return key

    def _read_fields(self, fields: Sequence[StepField], nodes: _Nodes, where: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for spec in fields:
            node = nodes.get(spec.yaml_key)
            # what is left out or empty keeps the default; a condition is checked as a whole
            if node is None or spec.name in {"body", "condition_type"}:
                continue
            if spec.kind in {Kind.CLOCK, Kind.GOTO} and is_empty(node):
                continue
            found[spec.name] = self._read_field(spec, node, where)
        return found

    def _read_field(self, spec: StepField, node: yaml.Node, where: str) -> Any:
        label = f"{where} {spec.yaml_key}"
        match spec.kind:
            case Kind.TEXT:
                text = read_text(node, label, self.problems, spec.maximum)
                if not spec.is_content:
                    return text
                if "\n" in text.strip() or "\r" in text.strip():
                    self.problems.add(line_of(node), f"{label} must be one line")
                return text.strip()
            case Kind.LONG_TEXT:
                return read_text(node, label, self.problems)
            case Kind.FLAG:
                return read_flag(node, label, self.problems)
            case Kind.NUMBER:
                return read_whole_number(node, label, spec.maximum or 0, self.problems)
            case Kind.CLOCK:
                return self._read_time(node, label)
            case Kind.CHOICE:
                return self._read_choice(node, label, [str(word) for word in spec.choices or ()])
            case Kind.GOTO:
                target = read_text(node, label, self.problems).strip()
                if target:
                    self.gotos.append((node, target))
                return target or None
            case Kind.VARIANTS:
                return self._read_variants(node, label)
            case Kind.CONFIG:
                raise AssertionError("a condition is read as a whole")
            case _:
                assert_never(spec.kind)

    def _read_variants(self, node: yaml.Node, label: str) -> tuple[Variant, ...]:
        found: list[dict[str, object]] = []
        before = len(self.problems.found)
        for place, item in enumerate(read_items(node, label, self.problems), start=1):
            where = f"{label} {place}"
            nodes = read_mapping(item, where, VARIANT_KEYS, self.problems)
            given: dict[str, object] = {
                name: read_text(nodes[name], f"{where} {name}", self.problems)
                for name in ("key", "subject", "body")
                if name in nodes
            }
            if "weight" in nodes:
                given["weight"] = read_whole_number(nodes["weight"], f"{where} weight", MAX_WEIGHT, self.problems)
            found.append(given)
            try:
                read_variant(place, given)
            except VariantError as error:
                if len(self.problems.found) == before:
                    self.problems.add(line_of(item), f"{label.rpartition(' ')[0]}: {error}")
        if len(self.problems.found) > before:
            return ()
        try:
            return read_variants(found)
        except VariantError as error:
            self.problems.add(line_of(node), f"{label.rpartition(' ')[0]}: {error}")
            return ()

    def _read_delay(self, nodes: _Nodes, where: str, step_type: StepType, line: int) -> dict[str, Any]:
        if step_type is not StepType.DELAY:
            if "delay" not in nodes:
                return {}
            where, line = f"{where} delay", line_of(nodes["delay"])
            nodes = read_mapping(nodes["delay"], where, DELAY_FIELDS, self.problems)
        values: dict[str, Any] = {
            spec.name: read_whole_number(nodes[unit], f"{where} {unit}", spec.maximum or 0, self.problems)
            for unit, spec in DELAY_FIELDS.items()
            if unit in nodes
        }
        probe = StepDraft(key="", type="", **values)
        if probe.delay > MAX_DELAY:
            self.problems.add(line, f"{where} adds up to more than {MAX_DELAY.days} days: shorten it")
        return values

    def _read_time(self, node: yaml.Node, label: str) -> time | None:
        found = _TIME.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
        try:
            if found:
                return time(int(found[1]), int(found[2]), int(found[3] or 0))
        except ValueError:
            pass
        self.problems.add(line_of(node), f"{label} must be a time of day such as 09:30, not {shown(node)}")
        return None

    def _read_choice(self, node: yaml.Node, label: str, allowed: Sequence[str]) -> str:
        text = read_text(node, label, self.problems)
        if text not in allowed:
            self.problems.add(line_of(node), f"{label} must be one of {', '.join(allowed)}, not {shown(node)}")
        return text

    def _read_body(self, nodes: _Nodes, where: str, line: int) -> str:
        """Empty, too, where variants stand in its place."""
        if "body" in nodes and "body_file" in nodes:
            self.problems.add(line_of(nodes["body_file"]), f"{where} has both body and body_file: keep one")
        if "body" in nodes:
            return read_text(nodes["body"], f"{where} body", self.problems)
        if "body_file" in nodes:
            return _read_body_file(nodes["body_file"], self.body_dir, self.problems)
        if "variants" in nodes:
            return ""
        self.problems.add(line, f"{where} has no body: give it body or body_file")
        return ""

    def _read_condition(self, nodes: _Nodes, where: str, line: int) -> dict[str, Any]:
        config = {
            key: read_value(nodes[key], f"{where} {key}", self.problems) for key in CONDITION_KEYS if key in nodes
        }
        if "condition" not in nodes:
            self.problems.add(line, f"{where} has no condition: name one, such as email_opened")
            return {}
        condition = read_text(nodes["condition"], f"{where} condition", self.problems).strip()
        try:
            parse_condition(condition, config)
        except StepConfigError as error:
            spot = nodes.get(error.key or "", nodes["condition"])
            self.problems.add(line_of(spot), f"{where}: {error}")
        return {"condition_type": condition, "condition_config": config}


def _read_body_file(node: yaml.Node, body_dir: Path | None, problems: Problems) -> str:
    """The text of a file in the directory of the sequence, never from outside it."""
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
