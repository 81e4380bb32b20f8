"""What a batch costs, in figures that no busy machine can change: commits, and WAL per email step."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from emails.models import EmailMessage
from execution.backoff import Policy
from execution.engine import run_tick
from sequences.db import fetch_all
from tests.factories import NOW, StepFactory
from tests.integration.test_engine_scale import clone, one_in

pytestmark = pytest.mark.django_db(transaction=True)

STEPS, MOST_BYTES = 500, 5_000
_WRITTEN = """
SELECT wal_bytes::bigint AS bytes, wal_fpi::bigint AS pages, pg_stat_force_next_flush()
FROM pg_stat_get_backend_wal(pg_backend_pid())
"""


def written() -> int:
    """Bytes of WAL of this connection alone; whole pages, which follow every checkpoint, are no cost of a step."""
    fetch_all("SELECT pg_stat_force_next_flush()", {})
    row = fetch_all(_WRITTEN, {})[0]
    return int(row["bytes"] - row["pages"] * 8192)


def test_a_batch_is_one_commit_and_writes_little() -> None:
    if connection.pg_version < 180_000:  # type: ignore[attr-defined]
        pytest.skip("only PostgreSQL 18 counts the WAL of one connection")
    clone(one_in(StepFactory()), STEPS - 1)
    commits = 0
    commit = DatabaseWrapper._commit  # type: ignore[attr-defined]

    def counting(wrapper: DatabaseWrapper) -> None:
        nonlocal commits
        commits += 1
        commit(wrapper)

    before = written()
    with mock.patch.object(DatabaseWrapper, "_commit", counting):
        assert run_tick(NOW, STEPS, Policy()).claimed == STEPS
    assert commits == 1
    assert EmailMessage.objects.filter(status="queued").count() == STEPS
    assert 100 < (written() - before) / STEPS <= MOST_BYTES
