"""Repairs enrollments whose due times do not fit their step, as an import or an older backup may leave them.

Changes nothing else. The engine then runs what is overdue like any backlog: in its window, at the pace of its lane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from execution.choices import LogAction
from execution.control.replan_edit import NOT_BEGUN, PLAN_COLUMNS, PLAN_JOINS, plan_due
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import SequenceFacts
from sequences.choices import LIVE_STATUSES, EnrollmentStatus, SequenceStatus, StepType
from sequences.enrollment_sql import LIVE, locking
from sequences.models import Enrollment

BATCH = 500
_MOST_EXAMPLES = 20
DUE_MISSING = "due_missing"
DUE_TOO_EARLY = "due_too_early"
WAKE_MISSING = "wake_missing"
WAKE_TOO_LATE = "wake_too_late"
_REASONS = {
    DUE_MISSING: "it had no due time",
    DUE_TOO_EARLY: "it was due before its delay had passed",
    WAKE_MISSING: "no worker would have processed it",
    WAKE_TOO_LATE: "it would have been processed too late",
}
_AFTER = f"""
e.id > %(after)s AND e.status IN {LIVE} AND (%(workspace)s::bigint IS NULL OR e.workspace_id = %(workspace)s)
"""
# `awaits`: it waits for a fact, whose transaction wakes it. `was_moved`: a user has moved it to this step, where it
# runs without the delay.
_NEXT = f"""
WITH locked AS MATERIALIZED (
    {locking(_AFTER, "e.*", "LIMIT %(limit)s")})
{PLAN_COLUMNS}, e.sequence_id, e.wake_at, e.retry_at, e.resume_at, {NOT_BEGUN} AS not_begun,
    (EXISTS (SELECT 1 FROM emails_emailmessage x
             WHERE x.enrollment_id = e.id AND x.step_id = e.current_step_id AND x.visit = e.visit
               AND x.status IN ('queued', 'sending'))
     OR EXISTS (SELECT 1 FROM tasks_app_task t
                WHERE t.enrollment_id = e.id AND t.step_id = e.current_step_id AND t.visit = e.visit
                  AND t.completed_at IS NULL)) AS awaits,
    EXISTS (SELECT 1 FROM execution_executionlog l
            WHERE l.enrollment_id = e.id AND l.action = 'moved' AND l.at >= e.previous_ended_at) AS was_moved
FROM locked e {PLAN_JOINS}
ORDER BY e.id
"""
_STORE = """
UPDATE sequences_enrollment e SET next_step_at = r.due, wake_at = r.wake, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[], %(wakes)s::timestamptz[]) AS r(id, due, wake)
WHERE e.id = r.id
"""


@dataclass(frozen=True, slots=True)
class Repair:
    """The new times of an enrollment, and the first thing that was wrong with the old ones."""

    enrollment_id: int
    reason: str
    due_at: datetime | None
    wake_at: datetime | None


@dataclass(slots=True)
class Repaired:
    """`reasons` counts the repaired by what was wrong; `examples` are the first of them."""

    examined: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Repair] = field(default_factory=list)


def count_live(workspace_id: int | None) -> int:
    """How many enrollments `repair_batch` examines."""
    live = Enrollment.objects.filter(status__in=LIVE_STATUSES)
    return (live.filter(workspace=workspace_id) if workspace_id else live).count()


def repair_batch(
    total: Repaired, after: int, *, workspace_id: int | None, actor: str, now: datetime, dry_run: bool
) -> tuple[int, int]:
    """Examine the next live enrollments after the id `after`. Returns (how many, the last id).

    Each batch commits alone: an interrupted run is simply started again. `dry_run`: only `total` is changed.
    """
    with transaction.atomic():
        rows = fetch_all(_NEXT, {"after": after, "workspace": workspace_id, "limit": BATCH})
        sequences = load_sequences(sorted({row["sequence_id"] for row in rows}))
        examined = [(row, _find_repair(row, sequences[row["sequence_id"]], now)) for row in rows]
        found = [(row, repair) for row, repair in examined if repair is not None]
        if not dry_run and found:
            _store([repair for _, repair in found], now)
            _log(found, sequences, actor, now)
            notify_engine()
    total.examined += len(rows)
    total.reasons.update(repair.reason for _, repair in found)
    total.examples += [repair for _, repair in found][: _MOST_EXAMPLES - len(total.examples)]
    return len(rows), rows[-1]["id"] if rows else after


def _find_repair(row: Row, facts: SequenceFacts, now: datetime) -> Repair | None:
    """None where the times are right."""
    due_at: datetime | None = row["next_step_at"]
    step = facts.step(row["current_step_id"])
    reason = ""
    if step is not None and row["not_begun"]:
        planned = plan_due(row, facts, step)
        if due_at is None:
            reason, due_at = DUE_MISSING, planned
        elif due_at < planned and not row["was_moved"]:
            reason, due_at = DUE_TOO_EARLY, planned
    wake_at: datetime | None = row["wake_at"]
    if row["status"] == EnrollmentStatus.PAUSED:
        right_wake_at: datetime | None = row["resume_at"]
        waits_for_clock = True
    elif row["status"] == EnrollmentStatus.ACTIVE and facts.status == SequenceStatus.ACTIVE and not row["awaits"]:
        right_wake_at = max(due_at or now, row["retry_at"] or due_at or now) if step and row["not_begun"] else now
        waits_for_clock = step is not None and row["not_begun"] and step.type != StepType.CONDITIONAL_SPLIT
    else:
        right_wake_at, waits_for_clock = None, False
    if right_wake_at is not None and (wake_at is None or reason):
        reason, wake_at = reason or WAKE_MISSING, right_wake_at
    elif right_wake_at is not None and waits_for_clock and wake_at is not None and wake_at > right_wake_at:
        reason, wake_at = WAKE_TOO_LATE, right_wake_at
    return Repair(row["id"], reason, due_at, wake_at) if reason else None


def _store(repairs: Sequence[Repair], now: datetime) -> None:
    execute(
        _STORE,
        {
            "ids": [repair.enrollment_id for repair in repairs],
            "dues": [repair.due_at for repair in repairs],
            "wakes": [repair.wake_at for repair in repairs],
            "now": now,
        },
    )


def _log(found: Sequence[tuple[Row, Repair]], sequences: dict[int, SequenceFacts], actor: str, now: datetime) -> None:
    lines = []
    for row, repair in found:
        step = sequences[row["sequence_id"]].step(row["current_step_id"])
        due = f": due {repair.due_at:%Y-%m-%d %H:%M} UTC" if repair.due_at else ""
        line = LogLine(LogAction.REPLANNED, f"{_REASONS[repair.reason]}{due}", actor=actor)
        number, kind = (step.number, step.type) if step else (None, "")
        lines.append(LogRow(row["workspace_id"], row["id"], row["current_step_id"], number, kind, line))
    write_logs(lines, now)
