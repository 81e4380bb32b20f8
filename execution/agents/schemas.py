"""The arguments of each tool as JSON Schema, read from the API's own description so that both always agree."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from execution.agents.catalogue import SEARCH, TOOLS, Tool

CONFIRM = "confirm"
_ELSEWHERE = frozenset({"dry_run", "format", "Idempotency-Key"})
_COMPONENT = "#/components/schemas/"
_SEARCHED = {"type": "string", "minLength": 2, "maxLength": 200}


@cache
def input_schemas() -> dict[str, dict[str, Any]]:
    """By the tool's name. Made once in a process, since the description of the whole API takes seconds."""
    generator: Any = SchemaGenerator
    description = generator().get_schema(request=None, public=True)
    made = {name: _describe(tool, description) for name, tool in TOOLS.items()}
    made[SEARCH.name] = _closed({"text": _SEARCHED}, ["text"])
    return made


def split_arguments(tool: Tool, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path with its ids, and what is left for the query or the body."""
    left = dict(arguments)
    path = re.sub(r"\{(\w+)\}", lambda found: str(left.pop(found[1])), tool.path)
    return path, left


def _describe(tool: Tool, description: dict[str, Any]) -> dict[str, Any]:
    operation = description["paths"][tool.path][tool.method.lower()]
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if name in _ELSEWHERE:
            continue
        properties[name] = _with_text(parameter["schema"], parameter.get("description", ""))
        if parameter.get("required"):
            required.append(name)
    body = _body_of(operation, description)
    properties |= {name: schema for name, schema in body.get("properties", {}).items() if name not in _ELSEWHERE}
    required += [name for name in body.get("required", []) if name not in _ELSEWHERE]
    if tool.changes_data:
        properties[CONFIRM] = {
            "type": "string",
            "description": "The token of the preview of this very call. Leave it out to get the preview.",
        }
    made = _closed(properties, required)
    if named := _components_in(made, description):
        made["$defs"] = named
    pointed: dict[str, Any] = _point_here(made)
    return pointed


def _closed(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _with_text(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {**schema, "description": text} if text else dict(schema)


def _body_of(operation: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name: str = schema.get("$ref", "").removeprefix(_COMPONENT)
    found: dict[str, Any] = description["components"]["schemas"][name] if name else schema
    return found


def _names_in(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].removeprefix(_COMPONENT)} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(_names_in, node.values()))
    return set().union(*map(_names_in, node)) if isinstance(node, list) else set()


def _components_in(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting = _names_in(schema)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = description["components"]["schemas"][name]
            waiting |= _names_in(found[name])
    return found


def _point_here(node: Any) -> Any:
    if isinstance(node, dict):
        if isinstance(named := node.get("$ref"), str):
            return {**node, "$ref": named.replace(_COMPONENT, "#/$defs/")}
        return {key: _point_here(value) for key, value in node.items()}
    return [_point_here(each) for each in node] if isinstance(node, list) else node
