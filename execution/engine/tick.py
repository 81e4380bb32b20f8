"""The main loop's one turn: claim, decide, apply, in one transaction. Talks to no network and reads no clock.

A row that fails becomes its own quarantine; a batch the database refuses is halved until the row is found. What is not
the row's fault (a lost connection, a deadlock, a time-out) is raised: nothing was written, the rows are due again.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.db import InterfaceError, OperationalError, transaction

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

# Not a row's fault: nothing was written, and the same batch may well pass later. What was prepared before a migration
# changed its columns is "not supported" on its connection from then on, and passes on the next one.
TEMPORARY_ERRORS = (
    *(psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError),
    psycopg.errors.FeatureNotSupported,
)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one turn did: how many rows it looked at, and whether there may be more."""

    claimed: int
    is_full: bool


def run_tick(now: datetime, limit: int, policy: Policy, workspace_id: int | None = None) -> Tick:
    """Look once at up to `limit` due enrollments. Safe to run anywhere, any number of times at once.

    Raises `psycopg.OperationalError` when the database is not there; nothing is half done then.
    """
    claimed: list[Snapshot] = []
    try:
        with transaction.atomic():
            claimed = claim_due(now, limit, workspace_id=workspace_id)
            apply_outcomes([(snapshot, _judge(snapshot, now, policy)) for snapshot in claimed], now)
    except Exception as error:
        if _is_temporary(error):
            raise
        log.warning("a batch of %d was refused, looking for the row", len(claimed) or limit, exc_info=True)
        ids = [snapshot.id for snapshot in claimed] or _due_ids(now, limit, workspace_id)
        _run_halves(ids, now, policy)
        return Tick(len(ids), len(ids) == limit)
    if claimed:
        log.info("decided %d enrollments", len(claimed))
    return Tick(len(claimed), len(claimed) == limit)


def _judge(snapshot: Snapshot, now: datetime, policy: Policy) -> Outcome:
    try:
        return decide(snapshot, now, policy)
    except Exception as error:
        log.exception("deciding enrollment %d failed", snapshot.id)
        said = f"{type(error).__name__}: {error}"
        line = LogLine(LogAction.QUARANTINED, "a bug was met", LogStatus.ERROR, said)
        return Quarantine("bug", said, line, traceback.format_exc())


def _run_halves(ids: Sequence[int], now: datetime, policy: Policy) -> None:
    """Find the rows that the database refuses and let the others through."""
    if not ids:
        return
    try:
        with transaction.atomic():
            apply_outcomes([(snapshot, _judge(snapshot, now, policy)) for snapshot in _claim_again(ids)], now)
        return
    except Exception as error:
        if _is_temporary(error):
            raise
        if len(ids) == 1:
            _quarantine_refused(ids[0], error, now)
            return
    middle = len(ids) // 2
    _run_halves(ids[:middle], now, policy)
    _run_halves(ids[middle:], now, policy)


def _claim_again(ids: Sequence[int]) -> list[Snapshot]:
    """Between the refused batch and now another engine or a person may have ended some of them."""
    return [snapshot for snapshot in claim_by_id(ids) if snapshot.status not in ENDED_STATUSES]


def _is_temporary(error: Exception) -> bool:
    """Class 54 (a value too long for an index, a statement too complex) is the row's fault and will not pass."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, TEMPORARY_ERRORS) and not state.startswith("54")


def _storable(text: str) -> str:
    """What PostgreSQL can keep of a text that may itself be the trouble."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _quarantine_refused(enrollment_id: int, error: Exception, now: datetime) -> None:
    said = _storable(f"{type(error).__name__}: {error}".splitlines()[0])
    trace = _storable(traceback.format_exc())
    log.error("enrollment %d is refused and quarantined: %s", enrollment_id, said)
    outcome = Quarantine(
        "database", said, LogLine(LogAction.QUARANTINED, "its outcome cannot be stored", LogStatus.ERROR, said), trace
    )
    try:
        with transaction.atomic():
            judged: list[Decided] = [(snapshot, outcome) for snapshot in _claim_again([enrollment_id])]
            apply_outcomes(judged, now)
    except Exception as again:
        if _is_temporary(again):
            raise
        log.exception("enrollment %d cannot even be read; quarantined without its facts", enrollment_id)
        execute(_QUARANTINE_UNREAD, {"id": enrollment_id, "error": said, "trace": trace, "now": now})


_QUARANTINE_UNREAD = f"""
WITH moved AS (
    UPDATE sequences_enrollment SET status = 'quarantined', wake_at = NULL, last_error = %(error)s, updated_at = %(now)s
    WHERE id = %(id)s AND status IN {LIVE}
    RETURNING id, workspace_id, current_step_id, retry_count
), logged AS (
    INSERT INTO execution_executionlog (workspace_id, enrollment_id, step_id, step_type, at, action, status, message,
                                        error, actor, details)
    SELECT workspace_id, id, current_step_id, '', %(now)s, 'quarantined', 'error', 'it cannot be read', %(error)s,
           'engine', '{{}}'::jsonb FROM moved
)
INSERT INTO execution_deadletter (workspace_id, enrollment_id, step_id, error_class, error, error_trace, attempts,
                                  facts, created_at, resolution, resolved_by)
SELECT workspace_id, id, current_step_id, 'database', %(error)s, %(trace)s, retry_count, '{{}}'::jsonb, %(now)s, '', ''
FROM moved
ON CONFLICT (enrollment_id) WHERE resolved_at IS NULL DO NOTHING
"""


def _due_ids(now: datetime, limit: int, workspace_id: int | None) -> list[int]:
    """The batch whose facts could not be loaded, row by row."""
    rows = fetch_all(
        "SELECT id FROM sequences_enrollment WHERE wake_at <= %(now)s "
        "AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) ORDER BY wake_at, id LIMIT %(limit)s",
        {"now": now, "limit": limit, "workspace": workspace_id},
    )
    return [row["id"] for row in rows]


def next_wake_at(workspace_id: int | None = None) -> datetime | None:
    """The earliest moment at which an enrollment must be looked at; None when there is none, or while paused."""
    rows = fetch_all(
        "SELECT min(wake_at) AS at FROM sequences_enrollment WHERE wake_at IS NOT NULL "
        "AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) "
        f"AND {EXECUTOR_RUNS}",
        {"workspace": workspace_id},
    )
    at: datetime | None = rows[0]["at"]
    return at


def count_overdue(before: datetime) -> int:
    """How many enrollments the engine should have looked at before that moment; none while the executor is paused."""
    rows = fetch_all(
        f"SELECT count(*) AS number FROM sequences_enrollment WHERE wake_at <= %(before)s AND {EXECUTOR_RUNS}",
        {"before": before},
    )
    number: int = rows[0]["number"]
    return number
