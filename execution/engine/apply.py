"""Write a batch of outcomes, set-based, in the transaction that holds the enrollments' locks. Decides nothing.

One statement per table, whatever the size of the batch; a statement without rows is left out. In this order:

1. `sequences_enrollment`: the new positions, where status and visit are still those that were read.
2. `emails_emailmessage`: new messages; failed or withheld ones queued again. Their lanes wake (`emails_mailbox`).
3. `tasks_app_task`: new tasks.
4. `emails_emailmessage`: queued messages of stopped, skipped and snoozed enrollments are withheld.
5. `tasks_app_task`: open tasks of stopped enrollments are cancelled.
6. `execution_deadletter`: opened for quarantines, closed for what left quarantine.
7. `execution_executionlog`: one line per outcome that has one, and one per task that goes to a cover.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import assert_never

from common.db import execute, pipelined
from common.text import instant_text
from emails.choices import STEP_SKIPPED, MessageStatus
from emails.sending.lanes import wake_lanes
from emails.sending.outbox import QueuedEmail, queue_emails, requeue_emails, withdraw_emails
from execution.choices import LogAction, Resolution
from execution.engine.covers import Cover, Owned, find_covers
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import (
    Advance,
    Complete,
    CreateTask,
    Defer,
    Effect,
    Exit,
    LogLine,
    Outcome,
    Park,
    Quarantine,
    QueueEmail,
    RequeueEmail,
    Resume,
    Wait,
)
from execution.engine.positions import check_moved, next_position, write_positions
from execution.engine.snapshot import Snapshot
from sequences.choices import EnrollmentStatus
from tasks_app.operations import NewTask, cancel_tasks, create_tasks

Decided = tuple[Snapshot, Outcome]
Covers = Mapping[Owned, Cover]

_OPEN_DEAD_LETTERS = """
INSERT INTO execution_deadletter (workspace_id, enrollment_id, step_id, error_class, error, error_trace, attempts,
                                  facts, created_at, resolution, resolved_by)
SELECT r.workspace, r.enrollment, r.step, r.class, r.error, r.trace, r.attempts, r.facts::jsonb, %(now)s, '', ''
FROM unnest(%(workspaces)s::bigint[], %(enrollments)s::bigint[], %(steps)s::bigint[], %(classes)s::text[],
            %(errors)s::text[], %(traces)s::text[], %(attempts)s::int[], %(facts)s::text[])
     AS r(workspace, enrollment, step, class, error, trace, attempts, facts)
ON CONFLICT (enrollment_id) WHERE resolved_at IS NULL DO NOTHING
"""
_CLOSE_DEAD_LETTERS = """
UPDATE execution_deadletter d SET resolution = r.resolution, resolved_by = r.actor, resolved_at = %(now)s
FROM unnest(%(enrollments)s::bigint[], %(resolutions)s::text[], %(actors)s::text[]) AS r(enrollment, resolution, actor)
WHERE d.enrollment_id = r.enrollment AND d.resolved_at IS NULL
"""


def apply_outcomes(decided: Sequence[Decided], now: datetime) -> None:
    """Write what was decided. Raises `psycopg.Error`; the caller rolls back and halves the batch."""
    if not decided:
        return
    covers = find_covers(
        {(each.workspace_id, each.owner_id) for each, outcome in decided if each.owner_id and _makes_task(outcome)}, now
    )
    with pipelined():
        moved = write_positions([next_position(snapshot, outcome, now) for snapshot, outcome in decided], now)
        _write_effects(decided, covers, now)
        _withhold(decided, covers, now)
        _write_dead_letters(decided, now)
        write_logs([_log_row(snapshot, line) for snapshot, outcome in decided if (line := _line(outcome))], now)
        if covers:
            _log_covers(decided, covers, now)
    check_moved(moved, len(decided))


def _write_effects(decided: Sequence[Decided], covers: Covers, now: datetime) -> None:
    emails: list[QueuedEmail] = []
    tasks: list[NewTask] = []
    requeued: dict[int, str] = {}
    lanes: list[int] = []
    for snapshot, outcome in decided:
        for effect in _effects(outcome):
            match effect:
                case QueueEmail():
                    emails.append(_queued_email(snapshot, effect))
                case RequeueEmail(message_id, variant):
                    requeued[message_id] = variant
                    lanes.append(snapshot.mailbox_id or 0)
                case CreateTask():
                    tasks.append(_new_task(snapshot, effect, covers))
                case _:
                    assert_never(effect)
        if isinstance(outcome, Resume) and snapshot.message and snapshot.message.status == MessageStatus.QUEUED:
            lanes.append(snapshot.mailbox_id or 0)
    queue_emails(emails, now)
    requeue_emails(requeued, now)
    wake_lanes(lanes, now)
    create_tasks(tasks, now)


def _withhold(decided: Sequence[Decided], covers: Covers, now: datetime) -> None:
    exits = [(snapshot.id, outcome) for snapshot, outcome in decided if isinstance(outcome, Exit)]
    skips = [
        snapshot.id
        for snapshot, outcome in decided
        if isinstance(outcome, Advance | Complete) and _is_skip(outcome.log)
    ]
    # a queued message would be sent by its lane; the engine queues it again when the snooze ends
    snoozes = [snapshot.id for snapshot, outcome in decided if isinstance(outcome, Defer) and _is_snooze(outcome.log)]
    reasons = [outcome.reason.value for _, outcome in exits]
    withdraw_emails(
        [id for id, _ in exits] + skips + snoozes,
        reasons + [STEP_SKIPPED for _ in skips] + ["snoozed" for _ in snoozes],
    )
    # Tasks of a completed sequence stay with their owner; those of a stopped enrollment are pointless.
    for actor in {outcome.log.actor for _, outcome in exits}:
        cancel_tasks([id for id, outcome in exits if outcome.log.actor == actor], actor, now)
    # after the others are cancelled: what an exit itself asks for stays open
    create_tasks(
        [
            _exit_task(snapshot, task, covers)
            for snapshot, outcome in decided
            if isinstance(outcome, Exit)
            for task in outcome.tasks
        ],
        now,
    )


def _write_dead_letters(decided: Sequence[Decided], now: datetime) -> None:
    opened = [(snapshot, outcome) for snapshot, outcome in decided if isinstance(outcome, Quarantine)]
    if opened:
        execute(
            _OPEN_DEAD_LETTERS,
            {
                "now": now,
                "workspaces": [snapshot.workspace_id for snapshot, _ in opened],
                "enrollments": [snapshot.id for snapshot, _ in opened],
                "steps": [snapshot.current_step_id for snapshot, _ in opened],
                "classes": [outcome.error_class for _, outcome in opened],
                "errors": [outcome.error for _, outcome in opened],
                "traces": [outcome.trace for _, outcome in opened],
                "attempts": [snapshot.retry_count for snapshot, _ in opened],
                "facts": [json.dumps(_facts(snapshot) | dict(outcome.facts)) for snapshot, outcome in opened],
            },
        )
    closed = [
        (snapshot.id, _resolution(outcome).value, line.actor)
        for snapshot, outcome in decided
        if snapshot.status is EnrollmentStatus.QUARANTINED
        and isinstance(outcome, Exit | Resume | Advance | Complete)
        and (line := _line(outcome))
    ]
    if closed:
        execute(
            _CLOSE_DEAD_LETTERS,
            {
                "now": now,
                "enrollments": [id for id, _, _ in closed],
                "resolutions": [resolution for _, resolution, _ in closed],
                "actors": [actor for _, _, actor in closed],
            },
        )


def _resolution(outcome: Outcome) -> Resolution:
    if isinstance(outcome, Exit):
        return outcome.resolution
    return Resolution.REPLAYED if isinstance(outcome, Resume) else Resolution.SKIPPED


def _facts(snapshot: Snapshot) -> dict[str, object]:
    """What a user needs to understand a quarantine later, when the facts have changed."""
    message = snapshot.message
    return {
        "visit": snapshot.visit,
        "due_at": instant_text(snapshot.next_step_at) if snapshot.next_step_at else None,
        "recipient": snapshot.recipient,
        "sequence_status": snapshot.sequence.status,
        "message": message.id if message else None,
        "message_status": message.status if message else None,
    }


def _effects(outcome: Outcome) -> tuple[Effect, ...]:
    return outcome.effects if isinstance(outcome, Wait | Advance | Complete) else ()


def _makes_task(outcome: Outcome) -> bool:
    return bool(isinstance(outcome, Exit) and outcome.tasks) or any(
        isinstance(effect, CreateTask) for effect in _effects(outcome)
    )


def _assignee(snapshot: Snapshot, covers: Covers) -> int | None:
    cover = covers.get((snapshot.workspace_id, snapshot.owner_id or 0))
    return cover.user_id if cover else snapshot.owner_id


def _log_covers(decided: Sequence[Decided], covers: Covers, now: datetime) -> None:
    covered = [
        (snapshot, cover)
        for snapshot, outcome in decided
        if _makes_task(outcome) and (cover := covers.get((snapshot.workspace_id, snapshot.owner_id or 0)))
    ]
    write_logs([_log_row(snapshot, LogLine(LogAction.TASK_CHANGED, cover.text)) for snapshot, cover in covered], now)


def _is_skip(line: LogLine) -> bool:
    return line.action in {LogAction.SKIPPED, LogAction.MOVED}


def _is_snooze(line: LogLine) -> bool:
    return line.action is LogAction.SNOOZED


def _line(outcome: Outcome) -> LogLine | None:
    return None if isinstance(outcome, Park) else outcome.log


def _log_row(snapshot: Snapshot, line: LogLine) -> LogRow:
    step = snapshot.sequence.step(snapshot.current_step_id)
    return LogRow(
        workspace_id=snapshot.workspace_id,
        enrollment_id=snapshot.id,
        step_id=snapshot.current_step_id,
        step_number=step.number if step else None,
        step_type=step.type if step else "",
        line=line,
    )


def _queued_email(snapshot: Snapshot, effect: QueueEmail) -> QueuedEmail:
    assert snapshot.current_step_id is not None
    return QueuedEmail(
        workspace_id=snapshot.workspace_id,
        enrollment_id=snapshot.id,
        step_id=snapshot.current_step_id,
        visit=snapshot.visit,
        mailbox_id=effect.mailbox_id,
        contact_id=snapshot.contact_id,
        owner_id=snapshot.owner_id,
        recipient=effect.recipient,
        priority=effect.priority,
        due_at=effect.due_at,
        is_first_touch=effect.is_first_touch,
        variant=effect.variant,
    )


def _exit_task(snapshot: Snapshot, effect: CreateTask, covers: Covers) -> NewTask:
    """A task that belongs to the enrollment as a whole, not to a step run."""
    return NewTask(
        workspace_id=snapshot.workspace_id,
        enrollment_id=snapshot.id,
        step_id=None,
        visit=0,
        contact_id=snapshot.contact_id,
        assignee_id=_assignee(snapshot, covers),
        type=effect.type,
        priority=effect.priority,
        title=effect.title,
        instructions=effect.instructions,
        due_at=effect.due_at,
    )


def _new_task(snapshot: Snapshot, effect: CreateTask, covers: Covers) -> NewTask:
    assert snapshot.current_step_id is not None
    return NewTask(
        workspace_id=snapshot.workspace_id,
        enrollment_id=snapshot.id,
        step_id=snapshot.current_step_id,
        visit=snapshot.visit,
        contact_id=snapshot.contact_id,
        assignee_id=_assignee(snapshot, covers),
        type=effect.type,
        priority=effect.priority,
        title=effect.title,
        instructions=effect.instructions,
        due_at=effect.due_at,
    )
