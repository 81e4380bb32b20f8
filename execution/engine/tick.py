"""One tick of the main loop: claim, decide, apply. Uses no network and reads no clock.

1. Transaction: lock the due enrollments in the order of `wake_at`, skipping locked ones; load their facts.
2. Decide each in memory. A bug quarantines that enrollment alone, with its traceback.
3. Write all outcomes and commit.
4. When the database rejects the batch, halve it in new transactions until the row is found, and quarantine that row.
5. What no row causes (a lost connection, a deadlock, a timeout) is raised: nothing was written, the rows stay due.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from common.database_errors import is_temporary
from common.db import execute, fetch_all
from emails.models import EXECUTOR_RUNS
from execution.choices import LogAction, LogStatus
from execution.engine.apply import Decided, apply_outcomes
from execution.engine.backoff import Policy
from execution.engine.claim import claim_by_id, claim_due
from execution.engine.decide import decide
from execution.engine.outcomes import LogLine, Outcome, Quarantine
from execution.engine.snapshot import Snapshot
from sequences.choices import ENDED_STATUSES
from sequences.enrollment_sql import LIVE

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """How many enrollments one tick decided, and whether more may be due."""

    claimed: int
    is_full: bool


def run_tick(now: datetime, limit: int, policy: Policy, workspace_id: int | None = None) -> Tick:
    """Decide up to `limit` due enrollments. Safe to run on any host, any number of times at once.

    Raises a temporary error (`common.database_errors`) when the database is not available; nothing is half done then.
    """
    claimed: list[Snapshot] = []
    try:
        with transaction.atomic():
            claimed = claim_due(now, limit, workspace_id=workspace_id)
            apply_outcomes([(snapshot, _decide_safely(snapshot, now, policy)) for snapshot in claimed], now)
    except Exception as error:
        if is_temporary(error):
            raise
        log.warning("the database rejected a batch of %d; finding the row", len(claimed) or limit, exc_info=True)
        ids = [snapshot.id for snapshot in claimed] or _due_ids(now, limit, workspace_id)
        _run_halves(ids, now, policy)
        return Tick(len(ids), len(ids) == limit)
    if claimed:
        log.info("decided %d enrollments", len(claimed))
    return Tick(len(claimed), len(claimed) == limit)


def _decide_safely(snapshot: Snapshot, now: datetime, policy: Policy) -> Outcome:
    try:
        return decide(snapshot, now, policy)
    except Exception as error:
        log.exception("deciding enrollment %d failed", snapshot.id)
        text = f"{type(error).__name__}: {error}"
        line = LogLine(LogAction.QUARANTINED, "Quarantined: an error in the program", LogStatus.ERROR, text)
        return Quarantine("bug", text, line, traceback.format_exc())


def _run_halves(ids: Sequence[int], now: datetime, policy: Policy) -> None:
    """Find the rows that the database rejects and write the others."""
    if not ids:
        return
    try:
        with transaction.atomic():
            apply_outcomes([(snapshot, _decide_safely(snapshot, now, policy)) for snapshot in _claim_again(ids)], now)
        return
    except Exception as error:
        if is_temporary(error):
            raise
        if len(ids) == 1:
            _quarantine_rejected(ids[0], error, now)
            return
    middle = len(ids) // 2
    _run_halves(ids[:middle], now, policy)
    _run_halves(ids[middle:], now, policy)


def _claim_again(ids: Sequence[int]) -> list[Snapshot]:
    """Without those that another engine or a user has ended since the batch was rejected."""
    return [snapshot for snapshot in claim_by_id(ids) if snapshot.status not in ENDED_STATUSES]


def _storable(text: str) -> str:
    """The text in a form that PostgreSQL can store: the text itself may be the cause of the error."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _quarantine_rejected(enrollment_id: int, error: Exception, now: datetime) -> None:
    text = _storable(f"{type(error).__name__}: {error}".splitlines()[0])
    trace = _storable(traceback.format_exc())
    log.error("the outcome of enrollment %d was rejected, quarantining it: %s", enrollment_id, text)
    line = LogLine(LogAction.QUARANTINED, "Quarantined: its outcome cannot be stored", LogStatus.ERROR, text)
    outcome = Quarantine("database", text, line, trace)
    try:
        with transaction.atomic():
            decided: list[Decided] = [(snapshot, outcome) for snapshot in _claim_again([enrollment_id])]
            apply_outcomes(decided, now)
    except Exception as again:
        if is_temporary(again):
            raise
        log.exception("enrollment %d cannot be read, quarantining it without its facts", enrollment_id)
        execute(_QUARANTINE_UNREAD, {"id": enrollment_id, "error": text, "trace": trace, "now": now})


_QUARANTINE_UNREAD = f"""
WITH moved AS (
    UPDATE sequences_enrollment SET status = 'quarantined', wake_at = NULL, last_error = %(error)s, updated_at = %(now)s
    WHERE id = %(id)s AND status IN {LIVE}
    RETURNING id, workspace_id, current_step_id, retry_count
), logged AS (
    INSERT INTO execution_executionlog (workspace_id, enrollment_id, step_id, step_type, at, action, status, message,
                                        error, actor, details)
    SELECT workspace_id, id, current_step_id, '', %(now)s, 'quarantined', 'error', 'Quarantined: it cannot be read',
           %(error)s, 'engine', '{{}}'::jsonb FROM moved
)
INSERT INTO execution_deadletter (workspace_id, enrollment_id, step_id, error_class, error, error_trace, attempts,
                                  facts, created_at, resolution, resolved_by)
SELECT workspace_id, id, current_step_id, 'database', %(error)s, %(trace)s, retry_count, '{{}}'::jsonb, %(now)s, '', ''
FROM moved
ON CONFLICT (enrollment_id) WHERE resolved_at IS NULL DO NOTHING
"""


def _due_ids(now: datetime, limit: int, workspace_id: int | None) -> list[int]:
    """The ids of the batch, where its facts could not be loaded."""
    rows = fetch_all(
        "SELECT id FROM sequences_enrollment WHERE wake_at <= %(now)s "
        "AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) ORDER BY wake_at, id LIMIT %(limit)s",
        {"now": now, "limit": limit, "workspace": workspace_id},
    )
    return [row["id"] for row in rows]


def next_wake_at(workspace_id: int | None = None) -> datetime | None:
    """The earliest moment at which an enrollment is due for a decision; None: there is none, or while paused."""
    rows = fetch_all(
        "SELECT min(wake_at) AS at FROM sequences_enrollment WHERE wake_at IS NOT NULL "
        "AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) "
        f"AND {EXECUTOR_RUNS}",
        {"workspace": workspace_id},
    )
    at: datetime | None = rows[0]["at"]
    return at


def count_overdue(before: datetime) -> int:
    """How many enrollments the engine should have decided before that moment; 0 while the executor is paused."""
    rows = fetch_all(
        f"SELECT count(*) AS number FROM sequences_enrollment WHERE wake_at <= %(before)s AND {EXECUTOR_RUNS}",
        {"before": before},
    )
    number: int = rows[0]["number"]
    return number
