"""Pipelined statements have the results and the errors of statements that run one by one."""

from __future__ import annotations

import select

import psycopg
import pytest
from django.db import connection, transaction

from common.db import execute, execute_pending, fetch_all, pipelined
from sequences.models import Workspace

pytestmark = pytest.mark.django_db

RENAME = "UPDATE sequences_workspace SET name = %(name)s WHERE slug = ANY(%(slugs)s::text[])"
REFUSED = "UPDATE sequences_workspace SET name = repeat('x', 1000000) WHERE slug = ANY(%(slugs)s::text[])"


@pytest.fixture(autouse=True)
def acme() -> Workspace:
    return Workspace.objects.create(name="Acme", slug="acme", timezone="UTC")


def test_each_statement_reports_its_changed_rows_afterwards() -> None:
    with pipelined():
        one = execute_pending(RENAME, {"name": "Beta", "slugs": ["acme", "missing"]})
        none = execute_pending(RENAME, {"name": "Beta", "slugs": ["missing"]})
        execute(RENAME, {"name": "Gamma", "slugs": ["acme"]})
    assert (one.changed, none.changed) == (1, 0)
    assert Workspace.objects.get().name == "Gamma"


@pytest.mark.parametrize("answers_at_once", [False, True])
@pytest.mark.parametrize("following", [0, 1, 100])
def test_the_error_is_that_of_the_statement_that_failed(following: int, answers_at_once: bool) -> None:
    with pytest.raises(psycopg.errors.StringDataRightTruncation), transaction.atomic(), pipelined():
        execute_pending(RENAME, {"name": "Beta", "slugs": ["acme"]})
        execute_pending(REFUSED, {"slugs": ["acme"]})
        if answers_at_once:
            assert select.select([connection.connection.fileno()], [], [], 30)[0]
        for _ in range(following):
            execute_pending(RENAME, {"name": "Gamma", "slugs": ["acme"]})
    assert fetch_all("SELECT name FROM sequences_workspace", {}) == [{"name": "Acme"}]


def test_other_exceptions_are_raised_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(), pipelined():
        execute_pending(RENAME, {"name": "Beta", "slugs": ["acme"]})
        execute_pending(RENAME, {"name": "Gamma", "slugs": [str(1 // 0)]})
    assert Workspace.objects.get().name == "Acme"
