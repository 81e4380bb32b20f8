"""Lock the due rows and load their facts, in a fixed number of statements. Decides nothing, writes nothing.

The facts are read after the rows are locked: under READ COMMITTED a fact committed before that is seen, and one
committed later waits for our lock with its wake and sets `wake_at` again after us. So no fact is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from emails.choices import Inbound, Transport
from emails.personalising import PERSON_COLUMNS, PERSON_JOINS, contact_columns, merge_fields
from emails.stop_facts import load_stop_facts
from emails.stops import Resting, StopFacts
from execution.facts import StepRunFacts, load_step_facts
from execution.sequence_facts import load_sequences
from execution.snapshot import SequenceFacts, Snapshot
from sequences.choices import EnrollmentStatus
from sequences.db import Row, fetch_all
from sequences.timing import resolve_zone

# The columns are taken inside the CTE: the lock returns the newest version of a row, a join outside would read an old
# one.
_CLAIM = """
WITH claimed AS MATERIALIZED (
    SELECT * FROM sequences_enrollment
    WHERE wake_at <= %(now)s AND wake_at >= %(low_water)s {workspace}
      AND NOT EXISTS (SELECT 1 FROM execution_executorstate WHERE is_paused)
    ORDER BY wake_at, id
    LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
)
{columns}
FROM claimed e
{joins}
ORDER BY e.wake_at, e.id
"""
_BY_ID = """
WITH claimed AS MATERIALIZED (
    SELECT * FROM sequences_enrollment WHERE id = ANY(%(ids)s) ORDER BY id {lock}
)
{columns}
FROM claimed e
{joins}
ORDER BY e.id
"""
_COLUMNS = f"""
SELECT e.id, e.workspace_id, e.sequence_id, e.contact_id, e.mailbox_id, e.owner_id, e.status, e.current_step_id,
       e.visit, e.previous_ended_at, e.next_step_at, e.wake_at, e.priority, e.retry_count, e.retry_at,
       e.instant_transitions, e.resume_at, e.resumed_at, e.enrolled_at, e.emails_sent,
       b.transport, b.inbound, d.error_class AS quarantine_class, {PERSON_COLUMNS}
"""
_JOINS = f"""
{PERSON_JOINS}
LEFT JOIN execution_deadletter d ON d.enrollment_id = e.id AND d.resolved_at IS NULL
"""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def claim_due(
    now: datetime, limit: int, *, workspace_id: int | None = None, low_water: datetime | None = None
) -> list[Snapshot]:
    """Lock up to `limit` enrollments that the engine must look at, earliest first, and return their snapshots.

    Call inside a transaction: the locks last until its end. Rows locked by another engine are skipped. Nothing is due
    while the executor is paused. `low_water`: the caller knows that nothing wakes earlier.
    """
    sql = _CLAIM.format(
        columns=_COLUMNS, joins=_JOINS, workspace="AND workspace_id = %(workspace)s" if workspace_id else ""
    )
    params: dict[str, Any] = {"now": now, "limit": limit, "low_water": low_water or _LONG_AGO}
    if workspace_id:
        params["workspace"] = workspace_id
    return _load_snapshots(fetch_all(sql, params))


def claim_by_id(ids: Sequence[int]) -> list[Snapshot]:
    """Lock these enrollments in id order, waiting for whoever holds them, and return their snapshots."""
    sql = _BY_ID.format(columns=_COLUMNS, joins=_JOINS, lock="FOR NO KEY UPDATE")
    return _load_snapshots(fetch_all(sql, {"ids": list(ids)}))


def read_snapshots(ids: Sequence[int]) -> list[Snapshot]:
    """The same without a lock, to explain and never to change."""
    return _load_snapshots(fetch_all(_BY_ID.format(columns=_COLUMNS, joins=_JOINS, lock=""), {"ids": list(ids)}))


def _load_snapshots(rows: list[Row]) -> list[Snapshot]:
    if not rows:
        return []
    sequences = load_sequences(sorted({row["sequence_id"] for row in rows}))
    stop_facts = load_stop_facts(rows)
    step_facts = load_step_facts(rows, sequences)
    return [
        _build_snapshot(
            row, sequences[row["sequence_id"]], *stop_facts[row["id"]], step_facts.get(row["id"], StepRunFacts())
        )
        for row in rows
    ]


def _build_snapshot(
    row: Row, sequence: SequenceFacts, stops: StopFacts, resting: Resting, step: StepRunFacts
) -> Snapshot:
    zone = resolve_zone(
        sequence.window,
        contact=row["contact_timezone"],
        account=row["account_timezone"],
        mailbox=row["mailbox_timezone"],
        workspace=row["workspace_timezone"],
    )
    return Snapshot(
        id=row["id"],
        workspace_id=row["workspace_id"],
        contact_id=row["contact_id"],
        mailbox_id=row["mailbox_id"],
        owner_id=row["owner_id"],
        status=EnrollmentStatus(row["status"]),
        current_step_id=row["current_step_id"],
        visit=row["visit"],
        previous_ended_at=row["previous_ended_at"],
        next_step_at=row["next_step_at"],
        priority=row["priority"],
        retry_count=row["retry_count"],
        retry_at=row["retry_at"],
        instant_transitions=row["instant_transitions"],
        resume_at=row["resume_at"],
        resumed_at=row["resumed_at"],
        enrolled_at=row["enrolled_at"],
        emails_sent=row["emails_sent"],
        engagement_score=row["engagement_score"],
        recipient=row["email"],
        merge_fields=merge_fields(row),
        contact_columns=contact_columns(row),
        zone=zone,
        holiday_country=row["holiday_country"],
        extra_holidays=frozenset(row["extra_holidays"]),
        account_policy=row["account_reply_policy"],
        account_delay_days=row["account_reply_delay_days"],
        evidence_possible=row["inbound"] != Inbound.NONE or row["transport"] not in {None, Transport.SMTP},
        quarantine_class=row["quarantine_class"],
        sequence=sequence,
        stops=stops,
        resting=resting,
        message=step.message,
        task=step.task,
        last_email=step.last_email,
        last_task=step.last_task,
    )
