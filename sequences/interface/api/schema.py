"""The OpenAPI document's common parts: paths without the optional slash, problems, `Idempotency-Key`."""

from __future__ import annotations

from typing import Any

from sequences.interface.api.examples import BODIES

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One line that says what to do."},
        "errors": {"type": "object", "additionalProperties": True, "description": "By field."},
    },
}
_SAID = {
    "400": "Bad input; `errors` names the fields.",
    "401": "No or bad credentials.",
    "403": "Not allowed.",
    "404": "There is none, or it is of another workspace.",
    "406": "Not JSON.",
    "409": "Not possible in this state; the detail says which.",
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


def strip_slashes(endpoints: list[tuple[Any, ...]], **kwargs: Any) -> list[tuple[Any, ...]]:
    """A preprocessing hook of drf-spectacular."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


def add_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: what every endpoint can answer besides its own."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for code in _codes(path, method, operation):
                operation["responses"].setdefault(code, _response(_SAID[code]))
            if method == "post":
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
            if takes_json(operation) and (method, path) in BODIES:
                operation["requestBody"]["content"]["application/json"]["example"] = BODIES[method, path]
    return result


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
