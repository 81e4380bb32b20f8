"""docs/reference/reporting.md names the views and columns of the database, and its example gives the API's figures."""

from __future__ import annotations

import re
from pathlib import Path

from django.db import connection

from execution.insight.reports import Group, report_engagement
from tests.factories import NOW, EmailEventFactory, SentMessageFactory

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "reporting.md").read_text()


def described(view: str) -> set[str]:
    found = re.search(rf"^## {view}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    cells = [line.split("|")[1] for line in found[1].splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_view_and_column_is_described(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_name LIKE 'reporting%' GROUP BY table_name"
        )
        views = dict(cursor.fetchall())
        cursor.execute("SELECT relname, obj_description(oid) FROM pg_class WHERE relname LIKE 'reporting%'")
        comments = dict(cursor.fetchall())
    assert set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)) == set(views)
    for view, columns in views.items():
        assert described(view) == set(columns)
        assert comments[view] in PAGE


def test_the_example_gives_the_figures_of_the_api(db: None) -> None:
    message = SentMessageFactory()
    for kind in ("replied", "opened"):
        EmailEventFactory(message=message, type=kind)
    SentMessageFactory(enrollment=message.enrollment, visit=9, is_answer=True)
    (example,) = re.findall(r"```sql\n(SELECT.*?)```", PAGE, re.DOTALL)
    with connection.cursor() as cursor:
        cursor.execute(example)
        (row,) = cursor.fetchall()
    groups = (Group.SEQUENCE, Group.STEP, Group.MAILBOX)
    (same,) = report_engagement([message.workspace_id], groups, NOW.date(), NOW.date()).rows
    assert row[3:] == (same["sent"], same["replied"]) == (1, 1)
