"""Counts the statements that reach the database: Django's and those of common.db, which Django does not see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import db


class Statements:
    """`count` is complete when the context has ended."""

    count = 0


@contextmanager
def count_statements() -> Iterator[Statements]:
    statements = Statements()
    run = db._execute

    def execute(*args: Any) -> Any:
        statements.count += 1
        return run(*args)

    with mock.patch.object(db, "_execute", execute), CaptureQueriesContext(connection) as captured:
        yield statements
    statements.count += len(captured)
