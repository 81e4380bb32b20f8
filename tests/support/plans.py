"""Which plans PostgreSQL really runs: those of each statement in the context, foreign key checks included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.db import connection

_SETTINGS = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
    "client_min_messages": "log",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement and the nodes of its plan."""

    sql: str
    nodes: tuple[dict[str, Any], ...]

    def scanned(self) -> set[str]:
        """Tables that are read from one end to the other."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"].endswith("Seq Scan")}


@contextmanager
def running_plans() -> Iterator[list[Plan]]:
    """Filled while the context lasts. Skips where the server cannot tell (no superuser, no auto_explain)."""
    plans: list[Plan] = []

    def note(text: psycopg.errors.Diagnostic) -> None:
        _, _, found = (text.message_primary or "").partition("plan:\n")
        if found:
            document = json.loads(found)
            plans.append(Plan(document["Query Text"], tuple(_walk(document["Plan"]))))

    connection.ensure_connection()
    raw = connection.connection
    with connection.cursor() as cursor:
        try:
            cursor.execute("LOAD 'auto_explain'")
        except Exception as error:
            pytest.skip(f"this server does not explain what it runs: {error}")
        for name, value in _SETTINGS.items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")
    raw.add_notice_handler(note)
    try:
        yield plans
    finally:
        raw.remove_notice_handler(note)
        with connection.cursor() as cursor:
            for name in _SETTINGS:
                cursor.execute(f"RESET {name}")


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in node.items() if name != "Plans"}
    for child in node.get("Plans", ()):
        yield from _walk(child)
