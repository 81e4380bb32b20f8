"""Lock the due rows and load their facts, in a fixed number of statements. Decides nothing, writes nothing.

The facts are read after the rows are locked: under READ COMMITTED a fact committed before that is seen, and one
committed later waits for the row lock before it sets `wake_at`, which it does after this batch. No fact is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.db import fetch_all
from emails.models import EXECUTOR_RUNS
from execution.engine.loading import SNAPSHOT_COLUMNS, SNAPSHOT_JOINS, load_snapshots
from execution.engine.snapshot import Snapshot
from sequences.enrollment_sql import locking

# The columns are taken inside the CTE: the lock returns the newest version of a row, a join outside would read an old
# one.
_CLAIM = """
WITH claimed AS MATERIALIZED (
    SELECT * FROM sequences_enrollment
    WHERE wake_at <= %(now)s {workspace}
      AND {runs}
    ORDER BY wake_at, id
    LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
), measured AS MATERIALIZED (
    SELECT x.id, sum(octet_length(p.fields::text)) OVER (
        ORDER BY x.wake_at, x.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS bytes_before
    FROM claimed x JOIN sequences_contact p ON p.id = x.contact_id
)
{columns}
FROM claimed e
JOIN measured ON measured.id = e.id AND coalesce(measured.bytes_before, 0) < %(most_bytes)s
{joins}
ORDER BY e.wake_at, e.id
"""
# Of merge fields in one batch, as JSON: deciding holds them several times in memory.
MOST_BYTES = 8 * 1024 * 1024
_BY_ID = f"""
WITH claimed AS MATERIALIZED (
    {locking("e.id = ANY(%(ids)s::bigint[])", "e.*")}
), measured AS MATERIALIZED (
    SELECT x.id, sum(octet_length(p.fields::text)) OVER (
        ORDER BY x.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS bytes_before
    FROM claimed x JOIN sequences_contact p ON p.id = x.contact_id
)
{SNAPSHOT_COLUMNS}
FROM claimed e
JOIN measured ON measured.id = e.id AND coalesce(measured.bytes_before, 0) < %(most_bytes)s
{SNAPSHOT_JOINS}
ORDER BY e.id
"""


def claim_due(now: datetime, limit: int, *, workspace_id: int | None = None) -> list[Snapshot]:
    """Lock up to `limit` enrollments that the engine must look at, earliest first, and return their snapshots.

    Call inside a transaction: the locks last until its end. Rows locked by another engine are skipped. Nothing is due
    while the executor is paused. Fewer than `limit` when their contacts' merge fields have more than `MOST_BYTES` in
    all: the others stay due.
    """
    sql = _CLAIM.format(
        columns=SNAPSHOT_COLUMNS,
        joins=SNAPSHOT_JOINS,
        runs=EXECUTOR_RUNS,
        workspace="AND workspace_id = %(workspace)s" if workspace_id else "",
    )
    params: dict[str, Any] = {"now": now, "limit": limit, "most_bytes": MOST_BYTES}
    if workspace_id:
        params["workspace"] = workspace_id
    return load_snapshots(fetch_all(sql, params))


def claim_by_id(ids: Sequence[int]) -> list[Snapshot]:
    """Lock these enrollments in id order, waiting for other transactions that hold them, and return their snapshots.

    The first of them only, when their contacts' merge fields have more than `MOST_BYTES` in all: at least one, and all
    up to an id.
    """
    return load_snapshots(fetch_all(_BY_ID, {"ids": list(ids), "most_bytes": MOST_BYTES}))
