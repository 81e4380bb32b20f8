"""The OpenAPI document's common parts: paths without the optional slash, problems, `Idempotency-Key`."""

from __future__ import annotations

from typing import Any

from sequences.interface.api.examples import BODIES
from sequences.interface.api.strict import DRY_RUN_KEY

REFUSES_DRY_RUN = "x-refuses-dry-run"

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: unknown_key, invalid, conflict, precondition_failed …"},
        "detail": {"type": "string", "description": "One line that says what to do."},
        "errors": {"type": "object", "additionalProperties": True, "description": "By field."},
    },
}
_STATUSES = {
    "400": "Bad input; `errors` names the fields.",
    "401": "No or bad credentials.",
    "403": "Not allowed.",
    "404": "There is none, or it is of another workspace.",
    "406": "Not JSON.",
    "409": "Not possible in this state; the detail says which.",
    "412": "It was changed since the ETag that `If-Match` names.",
    "413": "The body is too large.",
    "415": "The body must be JSON.",
    "429": "Too many requests; see `Retry-After`.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key and body answers the first answer again for 24 hours; another body is a 409.",
}


_CHANGING = {"post", "put", "patch", "delete"}
_DRY_RUN_TEXT = "Only answer what would happen; also as a key of the body."
_DRY_RUN_PARAMETER = {
    "name": DRY_RUN_KEY,
    "in": "query",
    "required": False,
    "schema": {"type": "boolean"},
    "description": _DRY_RUN_TEXT,
}
_DRY_RUN_PROPERTY = {"type": "boolean", "default": False, "writeOnly": True, "description": _DRY_RUN_TEXT}
_DRY_RUN_ANSWER = {
    "type": "object",
    "description": "What the call would answer, without the ids of what it would create.",
    "required": ["is_dry_run"],
    "properties": {"is_dry_run": {"type": "boolean"}},
}


def strip_slashes(endpoints: list[tuple[Any, ...]], **kwargs: Any) -> list[tuple[Any, ...]]:
    """A preprocessing hook of drf-spectacular."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


def add_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: what every endpoint can answer besides its own."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for code in _codes(path, method, operation):
                operation["responses"].setdefault(code, _response(_STATUSES[code]))
            if method in _CHANGING and not operation.pop(REFUSES_DRY_RUN, False):
                _offer_dry_run(operation, result["components"]["schemas"])
            if method == "post" or (method == "put" and "{" not in path):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
            if takes_json(operation) and (method, path) in BODIES:
                operation["requestBody"]["content"]["application/json"]["example"] = BODIES[method, path]
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and "properties" in schema:
            schema["additionalProperties"] = False
        _drop_defaults_of_answers(schema)
    return result


def _drop_defaults_of_answers(schema: dict[str, Any]) -> None:
    """A default says what is taken when nothing is given: nothing is ever given for what is only read."""
    for described in schema.get("properties", {}).values():
        if described.get("readOnly"):
            described.pop("default", None)


def _offer_dry_run(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_DRY_RUN_PARAMETER)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if name:
            schemas[name]["properties"][DRY_RUN_KEY] = _DRY_RUN_PROPERTY
    schemas.setdefault("DryRun", _DRY_RUN_ANSWER)
    described = {"$ref": "#/components/schemas/DryRun"}
    content = {"application/json": {"schema": described}}
    operation["responses"].setdefault("200", {"description": "A dry run.", "content": content})


def takes_json(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def _codes(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    codes = ["401", "403", "406", "429"]
    if operation.get("requestBody") or operation.get("parameters") or method == "post":
        codes.append("400")
    if "{" in path:
        codes.append("404")
    if method in {"post", "put", "patch", "delete"}:
        codes += ["409", "413", "415"]
    return sorted(codes)


def _response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}
