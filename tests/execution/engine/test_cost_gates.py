"""The cost of a batch in machine-independent figures: statements, commits, and WAL per email step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from benchmarks.row_by_row import decide_email, due_ids
from common.db import fetch_all
from emails.models import EmailMessage
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from tests.execution.engine.test_scale import clone, one_in
from tests.factories import NOW, StepFactory
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db(transaction=True)

STEPS, MOST_BYTES, TIMES = 500, 5_000, 20
_WRITTEN = """
SELECT wal_bytes::bigint AS bytes, wal_fpi::bigint AS pages, pg_stat_force_next_flush()
FROM pg_stat_get_backend_wal(pg_backend_pid())
"""


def written() -> int:
    """Bytes of WAL of this connection alone; whole pages, which follow every checkpoint, are no cost of a step."""
    fetch_all("SELECT pg_stat_force_next_flush()", {})
    row = fetch_all(_WRITTEN, {})[0]
    return int(row["bytes"] - row["pages"] * 8192)


@contextmanager
def counted_commits() -> Iterator[mock.Mock]:
    commit = DatabaseWrapper._commit  # type: ignore[attr-defined]
    with mock.patch.object(DatabaseWrapper, "_commit", autospec=True, side_effect=commit) as counting:
        yield counting


def test_a_batch_is_one_commit_and_writes_little() -> None:
    if connection.pg_version < 180_000:  # type: ignore[attr-defined]
        pytest.skip("only PostgreSQL 18 counts the WAL of one connection")
    clone(one_in(StepFactory()), STEPS - 1)
    before = written()
    with counted_commits() as commits:
        assert run_tick(NOW, STEPS, Policy()).claimed == STEPS
    assert commits.call_count == 1
    assert EmailMessage.objects.filter(status="queued").count() == STEPS
    assert 100 < (written() - before) / STEPS <= MOST_BYTES


def test_a_step_costs_a_twentieth_of_the_naive_loop() -> None:
    """What keeps the ratio of speeds in `make bench`, without a clock: round trips and commits per email step."""
    clone(one_in(StepFactory()), 20 + STEPS - 1)
    naive_statements, naive_commits = cost_per_step(lambda: [decide_email(one) for one in due_ids()[:20]], 20)
    engine_statements, engine_commits = cost_per_step(lambda: run_tick(NOW, STEPS, Policy()), STEPS)
    assert naive_statements / engine_statements >= TIMES
    assert naive_commits / engine_commits >= TIMES


def cost_per_step(decide: Callable[[], object], steps: int) -> tuple[float, float]:
    """Statements and commits for each of the `steps` emails that this puts into the outbox."""
    queued = EmailMessage.objects.count()
    with counted_commits() as commits, count_statements() as statements:
        decide()
    assert EmailMessage.objects.count() - queued == steps
    return statements.count / steps, commits.call_count / steps
