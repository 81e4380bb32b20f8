"""YAML text as a tree whose every value knows its line, read without YAML 1.1's surprises. Pure.

Values are taken from the raw text, never from YAML's guess: an unquoted 09:30 stays 09:30 and `on` stays `on`. Aliases,
custom tags, deep nesting, several documents and big files are refused, so a small file cannot become a large tree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 2_000_000
_MAX_DEPTH = 12
_MAX_VALUES = 30_000
_CORE_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
)


class YamlFormError(ValueError):
    """The file cannot be used. `problems` are lines that each name the place and the remedy."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(slots=True)
class Problems:
    """Collects every problem of a file, so that a user sees all of them at once. `file` is its name for the user."""

    file: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        self.found.append((line, message))

    def raise_if_any(self) -> None:
        if self.found:
            raise YamlFormError(f"{self.file}:{line}: {message}" for line, message in sorted(self.found))


class _Loader(yaml.SafeLoader):
    """Composes nodes only; nothing is ever constructed from a tag."""

    depth = 0
    values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refuse(f"the alias *{event.anchor} is not allowed: write the value out", event.start_mark)
        self.values += 1
        if self.values > _MAX_VALUES:
            raise _refuse(f"there are more than {_MAX_VALUES:,} values: a sequence has fewer", event.start_mark)
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _refuse("values are nested too deeply: a sequence needs five levels", event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        if node is not None and node.tag not in _CORE_TAGS:
            raise _refuse(f"the tag {node.tag} is not allowed: write a plain value", node.start_mark)
        return node


def _refuse(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def load_root(file: str, data: bytes) -> yaml.Node:
    """The root node of the one document in `data` (UTF-8, BOM accepted). Raises `YamlFormError`."""
    if len(data) > MAX_BYTES:
        raise YamlFormError([f"{file}: has {len(data):,} bytes; a sequence may have {MAX_BYTES:,}: split it"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlFormError(
            [f"{file}:{line}: byte {error.start + 1} is not UTF-8: save the file with the encoding UTF-8"]
        ) from None
    try:
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlFormError([f"{file}:{line}: {reason or 'is not YAML'}"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlFormError(
            [f"{file}:{line}: the character U+{ord(text[error.position]):04X} is not allowed: remove it"]
        ) from None
    if node is None:
        raise YamlFormError([f"{file}:1: is empty: it needs name and steps"])
    return node


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def is_empty(node: yaml.Node) -> bool:
    """Whether nothing was written: `key:`, `key: null` or `key: ~`."""
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def read_mapping(
    node: yaml.Node, where: str, allowed: Iterable[str], problems: Problems, aliases: Mapping[str, str] | None = None
) -> dict[str, yaml.Node]:
    """The values by key. Unknown and repeated keys are problems; `aliases` are further spellings of a key."""
    if is_empty(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        problems.add(line_of(node), f"{where} must be a mapping of keys to values")
        return {}
    keys = sorted(allowed)
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        written = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        key = (aliases or {}).get(written, written)
        if key not in keys:
            problems.add(line_of(key_node), _unknown_key(written, where, keys))
        elif key in found:
            problems.add(line_of(key_node), f"{where} has the key {written} twice: keep one")
        else:
            found[key] = value
    return found


def _unknown_key(key: str, where: str, keys: list[str]) -> str:
    close = difflib.get_close_matches(key, keys, n=1)
    remedy = f"did you mean {close[0]}?" if close else f"use {', '.join(keys)}"
    return f"{where} has the unknown key {key!r}: {remedy}"


def read_text(node: yaml.Node, where: str, problems: Problems, max_length: int | None = None) -> str:
    """The raw text of a scalar; nothing written is the empty text."""
    if is_empty(node):
        return ""
    if not isinstance(node, yaml.ScalarNode):
        problems.add(line_of(node), f"{where} must be text: put it in quotes")
        return ""
    text = str(node.value)
    if "\0" in text:
        problems.add(line_of(node), f"{where} holds a NUL character: remove it")
        return ""
    if max_length is not None and len(text) > max_length:
        problems.add(line_of(node), f"{where} has {len(text)} characters: {max_length} are allowed")
    return text


def read_whole_number(node: yaml.Node, where: str, maximum: int, problems: Problems) -> int:
    text = node.value if isinstance(node, yaml.ScalarNode) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) <= maximum):
        problems.add(line_of(node), f"{where} must be a whole number from 0 to {maximum}, not {shown(node)}")
        return 0
    return int(text)


def read_flag(node: yaml.Node, where: str, problems: Problems) -> bool:
    text = node.value.lower() if isinstance(node, yaml.ScalarNode) else ""
    if text not in {"true", "yes", "on", "false", "no", "off"}:
        problems.add(line_of(node), f"{where} must be true or false, not {shown(node)}")
    return text in {"true", "yes", "on"}


def read_items(node: yaml.Node, where: str, problems: Problems) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        problems.add(line_of(node), f"{where} must be a list")
        return []
    return list(node.value)


def read_value(node: yaml.Node, where: str, problems: Problems) -> Any:
    """A scalar as JSON knows it: plain numbers and true / false are such, everything else is its text."""
    text = read_text(node, where, problems)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0") and len(text) < 16:
        return int(text)
    if text in {"true", "false"}:
        return text == "true"
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text, re.ASCII):
        return float(text)
    return text


def shown(node: yaml.Node) -> str:
    """The value as an error repeats it: short."""
    if not isinstance(node, yaml.ScalarNode):
        return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    return repr(node.value if len(node.value) <= 40 else f"{node.value[:40]}…")
