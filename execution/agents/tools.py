"""Runs a tool for a caller: reads at once; changes after a preview, with its token, within the day's budget."""

from __future__ import annotations

import logging
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import jsonschema
from django.db import close_old_connections, connection, transaction

from execution.agents.budget import count_left, spend
from execution.agents.calls import Answer, Caller
from execution.agents.catalogue import SEARCH, TOOLS, Tool
from execution.agents.previews import (
    VALID_FOR,
    PreviewError,
    count_changes,
    hash_impact,
    make_token,
    read_token,
)
from execution.agents.schemas import CONFIRM, input_schemas, split_arguments
from execution.models import IdempotencyKey
from sequences.interface.api.problems import describe_problem

logger = logging.getLogger(__name__)

_SEARCHED = {
    "contacts": ("/api/contacts", "search"),
    "accounts": ("/api/accounts", "search"),
    "sequences": ("/api/sequences", "name"),
}
_FOUND_AT_MOST = 10


def run_tool(caller: Caller, name: str, arguments: dict[str, Any], now: datetime) -> Answer:
    """What the tool answers; every refusal is a problem with its code, its place and what to do."""
    if not connection.in_atomic_block:
        # a process that serves standard input lives longer than its connection
        close_old_connections()
    if name not in input_schemas():
        near = get_close_matches(name, input_schemas(), 1)
        return _refuse(
            404, "unknown_tool", f"There is no tool {name!r}." + (f" Did you mean {near[0]}?" if near else "")
        )
    if wrong := _find_wrong(name, arguments):
        return _refuse(400, "invalid", wrong)
    try:
        if name == SEARCH.name:
            return _search(caller, arguments["text"])
        tool = TOOLS[name]
        path, left = split_arguments(tool, arguments)
        return _change(caller, tool, path, left, now) if tool.changes_data else caller.call("GET", path, left)
    except Exception:
        logger.exception("a tool failed", extra={"tool": name})
        return _refuse(500, "internal_error", "Something went wrong on our side. It has been recorded.")


def _find_wrong(name: str, arguments: dict[str, Any]) -> str:
    """What is wrong with the arguments, or nothing. Values are validated by the API itself."""
    schema = input_schemas()[name]
    known = list(schema["properties"])
    for given in arguments:
        if given not in known:
            near = get_close_matches(given, known, 1)
            return f"{given}: there is no such argument. " + (
                f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            )
    wrong = jsonschema.Draft202012Validator(schema).iter_errors(arguments)
    first = next(iter(sorted(wrong, key=lambda error: list(map(str, error.path)))), None)
    if first is None:
        return ""
    place = ".".join(map(str, first.path))
    return f"{place}: {first.message}" if place else first.message


def _search(caller: Caller, text: str) -> Answer:
    found: dict[str, Any] = {}
    for kind, (path, parameter) in _SEARCHED.items():
        answer = caller.call("GET", path, {parameter: text, "page_size": _FOUND_AT_MOST})
        if answer.is_error:
            return answer
        found[kind] = answer.data["results"]
    return Answer(200, found)


def _change(caller: Caller, tool: Tool, path: str, arguments: dict[str, Any], now: datetime) -> Answer:
    token = arguments.pop(CONFIRM, "")
    named = {**arguments, "path": path}
    shown, once = "", ""
    if token:
        try:
            shown, once = read_token(token, caller.key_id, tool.name, named)
        except PreviewError as error:
            return _refuse(409, error.code, str(error))
        if IdempotencyKey.objects.filter(user_id=caller.user_id, key=once).exists():
            return caller.call(tool.method, path, arguments, once=once)
    impact = caller.call(tool.method, path, {**arguments, "dry_run": True})
    if impact.is_error:
        return impact
    if not token:
        return _preview(caller, tool, named, impact, now)
    if hash_impact(impact.data) != shown:
        return _refuse(
            409, "impact_changed", "It would now change something else than the preview said: preview it again."
        )
    with transaction.atomic():
        if not spend(caller.key_id, count_changes(impact.data), now):
            left = count_left(caller.key_id, now)
            detail = f"This key may change {left} more rows by tools today, and this call changes more."
            return _refuse(429, "budget_spent", f"{detail} Wait until tomorrow (UTC), or ask a person to do it.")
        answer = caller.call(tool.method, path, arguments, once=once)
        if answer.is_error:
            transaction.set_rollback(True)
    return answer


def _preview(caller: Caller, tool: Tool, named: dict[str, Any], impact: Answer, now: datetime) -> Answer:
    data = {
        "is_preview": True,
        "impact": impact.data,
        "changes": count_changes(impact.data),
        CONFIRM: make_token(caller.key_id, tool.name, named, impact.data),
        "confirm_within_seconds": int(VALID_FOR.total_seconds()),
        "changes_left_today": count_left(caller.key_id, now),
    }
    return Answer(200, data)


def _refuse(status: int, code: str, detail: str) -> Answer:
    return Answer(status, describe_problem(status, code, detail))
