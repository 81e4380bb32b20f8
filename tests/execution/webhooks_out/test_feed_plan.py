"""The feed at size: a page reads its rows by the index of the feed's order, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db import connection

from common.db import Row, fetch_all
from execution.webhooks_out import feed
from execution.webhooks_out.feed import START, Filters, Position, read_feed
from tests.factories import NOW, EnrollmentFactory

pytestmark = pytest.mark.django_db

ROWS = 100_000
_FILL = """
INSERT INTO execution_executionlog (workspace_id, enrollment_id, step_type, at, action, status, message, error, actor,
                                    details, stored_in)
SELECT %(workspace)s, %(enrollment)s, '', %(now)s, 'paused', 'ok', '', '', 'ada', '{}', n / 100
FROM generate_series(1, %(rows)s) n
"""


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


def test_a_page_of_a_large_feed_reads_its_own_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    enrollment = EnrollmentFactory()
    with connection.cursor() as cursor:
        values = {"workspace": enrollment.workspace_id, "enrollment": enrollment.pk, "now": NOW, "rows": ROWS}
        cursor.execute(_FILL, values)
        cursor.execute("ANALYZE execution_executionlog, sequences_enrollment")
    run: list[tuple[str, Mapping[str, Any]]] = []

    def note(sql: str, params: Mapping[str, Any]) -> list[Row]:
        run.append((sql, params))
        return fetch_all(sql, params)

    monkeypatch.setattr(feed, "fetch_all", note)
    after = Position(ROWS // 200, 0, 0)
    page = read_feed([enrollment.workspace_id], after, Filters(types=["enrollment.exited"]), 50)
    assert (page.rows, page.has_more) == ([], True)
    assert page.end.transaction > after.transaction
    ((sql, params),) = run
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0][0]["Plan"]
    (node,) = [each for each in walk(plan) if each.get("Relation Name") == "execution_executionlog"]
    assert (node["Index Name"], node["Actual Rows"] <= feed.SCANNED_AT_MOST) == ("log_feed", True)
    assert len(read_feed([enrollment.workspace_id], START, Filters(), 50).rows) == 50
