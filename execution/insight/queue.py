"""The status figures and the queue of the engine, for operators. Reads only, set-based.

Every figure is of the workspaces that are named, and none scans a table that only grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q

from common.db import Row, fetch_all
from emails.choices import MessageStatus
from emails.facts.approvals import IS_AWAITING
from emails.models import EmailMessage, ExecutorState
from execution.heartbeat import alive_workers, last_processed_at
from execution.insight.explain import Hold, explain_enrollments
from execution.models import Worker
from sequences.choices import SequenceStatus, StepType
from sequences.models.workspace import workspace_sends

COUNTED_AT_MOST = 10_000
_LOOKS_BACK = timedelta(hours=1)


class QueueFilter(StrEnum):
    OVERDUE = "overdue"
    ERRORS = "errors"
    PAUSED = "paused"
    QUARANTINED = "quarantined"
    AWAITING_APPROVAL = "awaiting_approval"


@dataclass(frozen=True, slots=True)
class ExecutorRuns:
    """Whether the executor runs, and who has paused it and why."""

    is_running: bool
    is_paused: bool
    paused_by: str
    paused_reason: str


@dataclass(frozen=True, slots=True)
class ExecutorStatus(ExecutorRuns):
    """`queue_depth` and `quarantined` stop counting at 10,001. Delays: from due to decided, emails of an hour."""

    last_processed_at: datetime | None
    queue_depth: int
    oldest_due_seconds: int
    processing: int
    quarantined: int
    completed_last_hour: int
    errors_last_hour: int
    delay_p50_seconds: float | None
    delay_p95_seconds: float | None
    workers: tuple[Worker, ...]


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One waiting enrollment; `why` is the first thing that holds it."""

    enrollment_id: int
    contact: str
    sequence: str
    next_step: str | None
    due_at: datetime | None
    status: str
    why: str


# A branch or a task that waits by design is late only once the engine must decide; an email is late until it is sent,
# unless its workspace sends none, its sequence has a user approve each, or its address takes none.
_IS_LATE = f"""
    e.next_step_at <= %(now)s AND s.status = 'active'
    AND (e.wake_at <= %(now)s OR t.type = 'email' AND NOT s.requires_approval AND {workspace_sends("e.workspace_id")}
         AND NOT (e.emails_sent = 0 AND EXISTS (
             SELECT 1 FROM emails_emailmessage q
             WHERE q.enrollment_id = e.id AND q.status = 'queued' AND q.held_by LIKE 'address_refused%%')))
"""


def is_late(now: datetime) -> Q:
    """`_IS_LATE` of enrollments."""
    begun = Q(next_step_at__lte=now, sequence__status=SequenceStatus.ACTIVE)
    email = Q(current_step__type=StepType.EMAIL, workspace__sending_paused_at=None, sequence__requires_approval=False)
    refused = EmailMessage.objects.filter(
        enrollment=OuterRef("pk"), status=MessageStatus.QUEUED.value, held_by__startswith="address_refused"
    )
    return begun & (Q(wake_at__lte=now) | email & ~(Q(emails_sent=0) & Q(Exists(refused))))


_DEPTH = f"""
SELECT count(*) AS depth, min(late_since) AS oldest_at
FROM (
    SELECT CASE WHEN t.type = 'email' THEN e.next_step_at ELSE greatest(e.next_step_at, e.wake_at) END AS late_since
    FROM sequences_enrollment e
    JOIN sequences_sequence s ON s.id = e.sequence_id
    LEFT JOIN sequences_step t ON t.id = e.current_step_id
    WHERE e.workspace_id = ANY(%(workspaces)s::bigint[]) AND e.status = 'active' AND {_IS_LATE}
    ORDER BY e.next_step_at LIMIT %(most)s
) late
"""
_HELD = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM sequences_enrollment e
                              WHERE e.workspace_id = ANY(%(workspaces)s::bigint[]) AND e.status = 'quarantined'
                              LIMIT %(most)s) q) AS quarantined,
       (SELECT count(*) FROM emails_emailmessage m
        WHERE m.status = 'sending' AND m.workspace_id = ANY(%(workspaces)s::bigint[])) AS processing
"""
# The log is read over one hour, by its BRIN index.
_LAST_HOUR = """
SELECT count(*) FILTER (WHERE l.action IN ('executed', 'branched') AND l.status = 'ok') AS completed,
       count(*) FILTER (WHERE l.status = 'error') AS errors
FROM execution_executionlog l
WHERE l.at > %(since)s AND l.at <= %(now)s AND l.workspace_id = ANY(%(workspaces)s::bigint[])
"""
# When an email was due stands on the message that the decision queued. The inner limit keeps this a walk along the
# index of each enrollment, whatever the planner assumes about the hour.
_DELAYS = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seconds) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY d.seconds) AS p95
FROM (SELECT l.enrollment_id, l.step_id, l.at FROM execution_executionlog l
      WHERE l.at > %(since)s AND l.at <= %(now)s AND l.workspace_id = ANY(%(workspaces)s::bigint[])
        AND l.action = 'queued' LIMIT %(most)s) l
CROSS JOIN LATERAL (
    SELECT greatest(extract(epoch FROM m.queued_at - m.due_at), 0)::float AS seconds FROM emails_emailmessage m
    WHERE m.enrollment_id = l.enrollment_id AND m.step_id = l.step_id AND m.queued_at = l.at LIMIT 1
) d
"""


def read_state(now: datetime) -> ExecutorRuns:
    """Without figures, in two statements."""
    state = ExecutorState.objects.filter(pk=1).first() or ExecutorState()
    return ExecutorRuns(bool(alive_workers(now)), state.is_paused, state.paused_by, state.paused_reason)


def read_status(workspace_ids: Sequence[int], now: datetime) -> ExecutorStatus:
    """A fixed number of statements."""
    params = {"workspaces": list(workspace_ids), "now": now}
    bounded = {**params, "most": COUNTED_AT_MOST + 1}
    depth = fetch_all(_DEPTH, bounded)[0]
    held = fetch_all(_HELD, {"workspaces": bounded["workspaces"], "most": bounded["most"]})[0]
    hour = fetch_all(_LAST_HOUR, {**params, "since": now - _LOOKS_BACK})[0]
    delays = fetch_all(_DELAYS, {**bounded, "since": now - _LOOKS_BACK})[0]
    state = ExecutorState.objects.filter(pk=1).first() or ExecutorState()
    workers = alive_workers(now)
    return ExecutorStatus(
        is_running=bool(workers),
        is_paused=state.is_paused,
        paused_by=state.paused_by,
        paused_reason=state.paused_reason,
        last_processed_at=last_processed_at(),
        queue_depth=depth["depth"],
        oldest_due_seconds=int((now - depth["oldest_at"]).total_seconds()) if depth["oldest_at"] else 0,
        processing=held["processing"],
        quarantined=held["quarantined"],
        completed_last_hour=hour["completed"],
        errors_last_hour=hour["errors"],
        delay_p50_seconds=delays["p50"],
        delay_p95_seconds=delays["p95"],
        workers=tuple(workers),
    )


# Per workspace and status one walk along the index (workspace, status, next_step_at), so that no backlog is sorted.
_QUEUE = """
SELECT q.* FROM unnest(%(workspaces)s::bigint[]) AS w(id)
CROSS JOIN unnest(%(statuses)s::text[]) AS u(status)
CROSS JOIN LATERAL (
    SELECT e.id, e.next_step_at, e.status, c.email, s.name AS sequence, t.number, t.name AS step_name, t.type
    FROM sequences_enrollment e
    JOIN sequences_sequence s ON s.id = e.sequence_id
    JOIN sequences_contact c ON c.id = e.contact_id
    LEFT JOIN sequences_step t ON t.id = e.current_step_id
    WHERE e.workspace_id = w.id AND e.status = u.status AND {condition}
    ORDER BY e.next_step_at NULLS LAST, e.id LIMIT %(limit)s
) q
ORDER BY q.next_step_at NULLS LAST, q.id LIMIT %(limit)s
"""
_ALL = "%(now)s::timestamptz IS NOT NULL"
_CONDITIONS: dict[QueueFilter | None, tuple[list[str], str]] = {
    None: (["active"], _ALL),
    QueueFilter.OVERDUE: (["active"], _IS_LATE),
    QueueFilter.ERRORS: (["active", "quarantined"], f"(e.retry_count > 0 OR e.status = 'quarantined') AND {_ALL}"),
    QueueFilter.PAUSED: (["paused"], _ALL),
    QueueFilter.QUARANTINED: (["quarantined"], _ALL),
    QueueFilter.AWAITING_APPROVAL: (
        ["active"],
        f"""EXISTS (SELECT 1 FROM emails_emailmessage m LEFT JOIN emails_approval ap ON ap.message_id = m.id
            WHERE m.enrollment_id = e.id AND m.step_id = t.id AND m.status = 'queued' AND {IS_AWAITING})""",
    ),
}


def read_queue(
    workspace_ids: Sequence[int], now: datetime, limit: int, chosen: QueueFilter | None = None
) -> list[QueueItem]:
    """The enrollments that wait for the engine, most overdue first; with a filter, those that it names."""
    statuses, condition = _CONDITIONS[chosen]
    params = {"workspaces": list(workspace_ids), "statuses": statuses, "now": now, "limit": limit}
    rows = fetch_all(_QUEUE.format(condition=condition), params)
    holds = explain_enrollments([row["id"] for row in rows], now)
    return [_item(row, holds.get(row["id"], ())) for row in rows]


def _item(row: Row, holds: Sequence[Hold]) -> QueueItem:
    return QueueItem(
        enrollment_id=row["id"],
        contact=row["email"],
        sequence=row["sequence"],
        next_step=f"{row['number']}. {row['step_name'] or row['type']}" if row["number"] is not None else None,
        due_at=row["next_step_at"],
        status=row["status"],
        why=holds[0].detail if holds else "",
    )
