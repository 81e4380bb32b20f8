"""Where an outcome leaves an enrollment, and the one statement that writes it for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from execution.outcomes import (
    Advance,
    Complete,
    Defer,
    Exit,
    Outcome,
    Park,
    Pause,
    Quarantine,
    Resume,
    Retry,
    Wait,
)
from execution.snapshot import Snapshot
from sequences.choices import EnrollmentStatus, ExitReason
from sequences.db import execute


class PositionLostError(RuntimeError):
    """A row changed under our lock: a bug, or somebody writes past the engine."""


@dataclass(frozen=True, slots=True)
class Position:
    """The columns of an enrollment that outcomes move. `last_error` None keeps what is stored."""

    id: int
    old_status: EnrollmentStatus
    old_visit: int
    status: EnrollmentStatus
    step_id: int | None
    visit: int
    previous_ended_at: datetime
    next_step_at: datetime | None
    wake_at: datetime | None
    retry_count: int
    retry_at: datetime | None
    instant_transitions: int
    resume_at: datetime | None
    resumed_at: datetime | None
    steps_done: int = 0
    last_error: str | None = None
    sets_pause: bool = False
    pause_reason: str = ""
    paused_by: str = ""
    paused_at: datetime | None = None
    exit_reason: str = ""
    ended_at: datetime | None = None


def next_position(snapshot: Snapshot, outcome: Outcome, now: datetime) -> Position:
    """Pure: the position after the outcome."""
    here = _current(snapshot)
    match outcome:
        case Advance():
            # only a person leads past a step in quarantine, and out of it by that
            is_released = snapshot.status is EnrollmentStatus.QUARANTINED
            return replace(
                here,
                status=EnrollmentStatus.ACTIVE if is_released else here.status,
                step_id=outcome.next_step_id,
                visit=snapshot.visit + 1,
                previous_ended_at=outcome.ended_at,
                next_step_at=outcome.next_step_at,
                wake_at=outcome.next_step_at,
                retry_count=0,
                retry_at=None,
                instant_transitions=outcome.instant_transitions,
                steps_done=1,
                last_error="",
            )
        case Complete():
            ended = _ended(here, EnrollmentStatus.COMPLETED, outcome.ended_at)
            return replace(ended, retry_count=0, steps_done=1, last_error="")
        case Exit():
            status = EnrollmentStatus.REPLIED if outcome.reason is ExitReason.REPLIED else EnrollmentStatus.AUTO_EXITED
            return replace(_ended(here, status, now), exit_reason=outcome.reason.value)
        case Wait():
            # Whatever is tried now has used up the retry it waited for: its next failure is counted anew.
            return replace(here, wake_at=outcome.wake_at, retry_at=None if outcome.effects else here.retry_at)
        case Defer():
            return replace(here, next_step_at=outcome.until, wake_at=outcome.until)
        case Retry():
            return replace(
                here,
                wake_at=outcome.retry_at,
                retry_at=outcome.retry_at,
                retry_count=outcome.retry_count,
                last_error=outcome.log.error,
            )
        case Quarantine():
            return replace(
                here, status=EnrollmentStatus.QUARANTINED, wake_at=None, retry_at=None, last_error=outcome.error
            )
        case Pause():
            return replace(
                here,
                status=EnrollmentStatus.PAUSED,
                wake_at=outcome.resume_at,
                resume_at=outcome.resume_at,
                sets_pause=True,
                pause_reason=outcome.reason,
                paused_by=outcome.log.actor,
                paused_at=now,
            )
        case Resume():
            return replace(
                here,
                status=EnrollmentStatus.ACTIVE,
                next_step_at=outcome.next_step_at,
                wake_at=min(outcome.next_step_at, now) if snapshot.message else outcome.next_step_at,
                retry_count=0 if outcome.tries_again else here.retry_count,
                retry_at=now if outcome.tries_again else here.retry_at,
                resume_at=None,
                resumed_at=now,
                sets_pause=True,
            )
        case Park():
            return replace(here, wake_at=outcome.wake_at)
        case _:
            assert_never(outcome)


def _current(snapshot: Snapshot) -> Position:
    return Position(
        id=snapshot.id,
        old_status=snapshot.status,
        old_visit=snapshot.visit,
        status=snapshot.status,
        step_id=snapshot.current_step_id,
        visit=snapshot.visit,
        previous_ended_at=snapshot.previous_ended_at,
        next_step_at=snapshot.next_step_at,
        wake_at=None,
        retry_count=snapshot.retry_count,
        retry_at=snapshot.retry_at,
        instant_transitions=snapshot.instant_transitions,
        resume_at=snapshot.resume_at,
        resumed_at=snapshot.resumed_at,
    )


def _ended(here: Position, status: EnrollmentStatus, ended_at: datetime) -> Position:
    return replace(
        here,
        status=status,
        previous_ended_at=ended_at,
        next_step_at=None,
        wake_at=None,
        retry_at=None,
        resume_at=None,
        ended_at=ended_at,
        sets_pause=True,
    )


_MOVE = """
UPDATE sequences_enrollment e
SET status = r.status, current_step_id = r.step, visit = r.visit, previous_ended_at = r.previous_ended_at,
    next_step_at = r.next_step_at, wake_at = r.wake_at, retry_count = r.retry_count, retry_at = r.retry_at,
    instant_transitions = r.instant, resume_at = r.resume_at, resumed_at = r.resumed_at,
    steps_completed = e.steps_completed + r.steps_done, last_error = coalesce(r.last_error, e.last_error),
    pause_reason = CASE WHEN r.sets_pause THEN r.pause_reason ELSE e.pause_reason END,
    paused_by = CASE WHEN r.sets_pause THEN r.paused_by ELSE e.paused_by END,
    paused_at = CASE WHEN r.sets_pause THEN r.paused_at ELSE e.paused_at END,
    auto_exit_reason = r.exit_reason, completed_at = r.ended_at, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(old_statuses)s::text[], %(old_visits)s::int[], %(statuses)s::text[],
            %(steps)s::bigint[], %(visits)s::int[], %(previous_ended)s::timestamptz[], %(next_step)s::timestamptz[],
            %(wake)s::timestamptz[], %(retry_counts)s::int[], %(retry)s::timestamptz[], %(instants)s::int[],
            %(resume)s::timestamptz[], %(resumed)s::timestamptz[], %(steps_done)s::int[], %(errors)s::text[],
            %(sets_pause)s::bool[], %(pause_reasons)s::text[], %(paused_by)s::text[], %(paused)s::timestamptz[],
            %(exit_reasons)s::text[], %(ended)s::timestamptz[])
     AS r(id, old_status, old_visit, status, step, visit, previous_ended_at, next_step_at, wake_at, retry_count,
          retry_at, instant, resume_at, resumed_at, steps_done, last_error, sets_pause, pause_reason, paused_by,
          paused_at, exit_reason, ended_at)
WHERE e.id = r.id AND e.status = r.old_status AND e.visit = r.old_visit
"""


def move_enrollments(positions: Sequence[Position], now: datetime) -> None:
    """Write the positions; the caller holds the locks. Raises `PositionLostError` if one is not where it stood."""
    changed = execute(
        _MOVE,
        {
            "now": now,
            "ids": [position.id for position in positions],
            "old_statuses": [position.old_status.value for position in positions],
            "old_visits": [position.old_visit for position in positions],
            "statuses": [position.status.value for position in positions],
            "steps": [position.step_id for position in positions],
            "visits": [position.visit for position in positions],
            "previous_ended": [position.previous_ended_at for position in positions],
            "next_step": [position.next_step_at for position in positions],
            "wake": [position.wake_at for position in positions],
            "retry_counts": [position.retry_count for position in positions],
            "retry": [position.retry_at for position in positions],
            "instants": [position.instant_transitions for position in positions],
            "resume": [position.resume_at for position in positions],
            "resumed": [position.resumed_at for position in positions],
            "steps_done": [position.steps_done for position in positions],
            "errors": [position.last_error for position in positions],
            "sets_pause": [position.sets_pause for position in positions],
            "pause_reasons": [position.pause_reason for position in positions],
            "paused_by": [position.paused_by for position in positions],
            "paused": [position.paused_at for position in positions],
            "exit_reasons": [position.exit_reason for position in positions],
            "ended": [position.ended_at for position in positions],
        },
    )
    if changed != len(positions):
        raise PositionLostError(f"{len(positions) - changed} of {len(positions)} enrollments moved under their lock")
