"""The position of an enrollment after an outcome, and the one statement that writes a batch of positions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple, assert_never

from common.db import Pending, execute_pending
from execution.engine.outcomes import (
    ENGINE,
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
from execution.engine.snapshot import Snapshot
from sequences.choices import EnrollmentStatus, ExitReason


class PositionLostError(RuntimeError):
    """A row changed while the engine held its lock: a bug."""


class Position(NamedTuple):
    """The columns of an enrollment that outcomes move. `last_error` None keeps what is stored."""

    id: int
    old_status: EnrollmentStatus
    old_visit: int
    status: EnrollmentStatus
    step_id: int | None
    visit: int
    previous_ended_at: datetime
    next_step_at: datetime | None
    retry_count: int
    retry_at: datetime | None
    instant_transitions: int
    resume_at: datetime | None
    resumed_at: datetime | None
    wake_at: datetime | None = None
    steps_done: int = 0
    last_error: str | None = None
    sets_pause: bool = False
    pause_reason: str = ""
    paused_by: str = ""
    paused_at: datetime | None = None
    exit_reason: str = ""
    ended_at: datetime | None = None


# In the order of `Position`, up to what an outcome sets.
_stored_position = attrgetter(
    *("id", "status", "visit", "status", "current_step_id", "visit", "previous_ended_at", "next_step_at"),
    *("retry_count", "retry_at", "instant_transitions", "resume_at", "resumed_at"),
)


def next_position(snapshot: Snapshot, outcome: Outcome, now: datetime) -> Position:
    """The position after the outcome, computed without the database."""
    here = Position(*_stored_position(snapshot))
    match outcome:
        case Advance():
            # only a user skips a step of a quarantined enrollment, which ends the quarantine
            is_released = snapshot.status is EnrollmentStatus.QUARANTINED
            # one that is moved while paused still wakes when the pause ends
            wake_at = outcome.next_step_at if here.resume_at is None else min(outcome.next_step_at, here.resume_at)
            return here._replace(
                status=EnrollmentStatus.ACTIVE if is_released else here.status,
                step_id=outcome.next_step_id,
                visit=snapshot.visit + 1,
                previous_ended_at=outcome.ended_at,
                next_step_at=outcome.next_step_at,
                wake_at=wake_at,
                retry_count=0,
                retry_at=None,
                instant_transitions=outcome.instant_transitions,
                steps_done=1,
                last_error="",
            )
        case Complete():
            ended = _ended(here, EnrollmentStatus.COMPLETED, outcome.ended_at, now)
            return ended._replace(retry_count=0, steps_done=1, last_error="")
        case Exit():
            status = EnrollmentStatus.REPLIED if outcome.reason is ExitReason.REPLIED else EnrollmentStatus.AUTO_EXITED
            return _ended(here, status, now, now)._replace(exit_reason=outcome.reason.value)
        case Wait():
            # an attempt uses up the retry it waited for: the next failure plans a new one
            return here._replace(wake_at=outcome.wake_at, retry_at=None if outcome.effects else here.retry_at)
        case Defer():
            return here._replace(next_step_at=outcome.until, wake_at=outcome.until)
        case Retry():
            return here._replace(
                wake_at=outcome.retry_at,
                retry_at=outcome.retry_at,
                retry_count=outcome.retry_count,
                last_error=outcome.log.error,
            )
        case Quarantine():
            return here._replace(
                status=EnrollmentStatus.QUARANTINED, wake_at=None, retry_at=None, last_error=outcome.error
            )
        case Pause():
            return here._replace(
                status=EnrollmentStatus.PAUSED,
                wake_at=outcome.resume_at,
                resume_at=outcome.resume_at,
                sets_pause=True,
                pause_reason=outcome.reason,
                paused_by=outcome.log.actor,
                paused_at=now,
            )
        case Resume():
            # resolving an unknown outcome overrides nothing: the same fact may itself ask for a pause
            is_resolved = snapshot.status is EnrollmentStatus.QUARANTINED and outcome.log.actor == ENGINE
            return here._replace(
                status=EnrollmentStatus.ACTIVE,
                next_step_at=outcome.next_step_at,
                wake_at=min(outcome.next_step_at, now) if snapshot.message else outcome.next_step_at,
                retry_count=0 if outcome.tries_again else here.retry_count,
                retry_at=now if outcome.tries_again else here.retry_at,
                resume_at=None,
                resumed_at=here.resumed_at if is_resolved else now,
                sets_pause=True,
            )
        case Park():
            return here._replace(wake_at=outcome.wake_at)
        case _:
            assert_never(outcome)


def _ended(here: Position, status: EnrollmentStatus, step_ended_at: datetime, now: datetime) -> Position:
    """`ended_at` is `now`, not the end of the step: retention relies on ends being written in their order."""
    return here._replace(
        status=status,
        previous_ended_at=step_ended_at,
        next_step_at=None,
        wake_at=None,
        retry_at=None,
        resume_at=None,
        ended_at=now,
        sets_pause=True,
    )


_MOVE = """
UPDATE sequences_enrollment e
SET status = r.status, current_step_id = r.step_id, visit = r.visit, previous_ended_at = r.previous_ended_at,
    next_step_at = r.next_step_at, wake_at = r.wake_at, retry_count = r.retry_count, retry_at = r.retry_at,
    instant_transitions = r.instant_transitions, resume_at = r.resume_at, resumed_at = r.resumed_at,
    steps_completed = e.steps_completed + r.steps_done, last_error = coalesce(r.last_error, e.last_error),
    pause_reason = CASE WHEN r.sets_pause THEN r.pause_reason ELSE e.pause_reason END,
    paused_by = CASE WHEN r.sets_pause THEN r.paused_by ELSE e.paused_by END,
    paused_at = CASE WHEN r.sets_pause THEN r.paused_at ELSE e.paused_at END,
    auto_exit_reason = r.exit_reason, completed_at = r.ended_at, updated_at = %(now)s
FROM unnest(%(id)s::bigint[], %(old_status)s::text[], %(old_visit)s::int[], %(status)s::text[], %(step_id)s::bigint[],
            %(visit)s::int[], %(previous_ended_at)s::timestamptz[], %(next_step_at)s::timestamptz[],
            %(wake_at)s::timestamptz[], %(retry_count)s::int[], %(retry_at)s::timestamptz[],
            %(instant_transitions)s::int[], %(resume_at)s::timestamptz[], %(resumed_at)s::timestamptz[],
            %(steps_done)s::int[], %(last_error)s::text[], %(sets_pause)s::bool[], %(pause_reason)s::text[],
            %(paused_by)s::text[], %(paused_at)s::timestamptz[], %(exit_reason)s::text[], %(ended_at)s::timestamptz[])
     AS r(id, old_status, old_visit, status, step_id, visit, previous_ended_at, next_step_at, wake_at, retry_count,
          retry_at, instant_transitions, resume_at, resumed_at, steps_done, last_error, sets_pause, pause_reason,
          paused_by, paused_at, exit_reason, ended_at)
WHERE e.id = r.id AND e.status = r.old_status AND e.visit = r.old_visit
"""


def write_positions(positions: Sequence[Position], now: datetime) -> Pending:
    """Write the positions. The caller holds the locks and calls `check_moved` afterwards."""
    columns = dict(zip(Position._fields, zip(*positions, strict=True), strict=True))
    return execute_pending(_MOVE, {"now": now, **columns})


def check_moved(written: Pending, expected: int) -> None:
    """Raises `PositionLostError` unless every row still had the status and visit that were read."""
    if written.changed != expected:
        raise PositionLostError(
            f"{expected - written.changed} of {expected} enrollments changed while the engine held their locks"
        )
