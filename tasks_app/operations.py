"""Create, change, complete and cancel tasks. Facts only: completing one wakes its enrollment and moves none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.db import execute
from sequences.enrollment_sql import lock_enrollments, wake_enrollments
from tasks_app.choices import TaskStatus
from tasks_app.models import Task


class TaskClosedError(ValueError):
    """The task has already been completed or cancelled."""


@dataclass(frozen=True, slots=True)
class NewTask:
    workspace_id: int
    enrollment_id: int
    step_id: int | None
    visit: int
    contact_id: int
    assignee_id: int | None
    type: str
    priority: str
    title: str
    instructions: str
    due_at: datetime


_INSERT = """
INSERT INTO tasks_app_task (workspace_id, enrollment_id, step_id, visit, contact_id, assignee_id, type, priority, title,
                            instructions, due_at, status, created_at, completed_by, outcome)
SELECT r.*, 'open', %(now)s, '', ''
FROM unnest(%(workspaces)s::bigint[], %(enrollments)s::bigint[], %(steps)s::bigint[], %(visits)s::int[],
            %(contacts)s::bigint[], %(assignees)s::int[], %(types)s::text[], %(priorities)s::text[], %(titles)s::text[],
            %(instructions)s::text[], %(due)s::timestamptz[]) AS r
ON CONFLICT (enrollment_id, step_id, visit) DO NOTHING
"""
_CANCEL = """
UPDATE tasks_app_task SET status = 'cancelled', completed_at = %(now)s, completed_by = %(actor)s
WHERE enrollment_id = ANY(%(enrollments)s) AND status = 'open'
"""
# As the index `task_becomes_due` has it.
_TAKE_DUE = """
UPDATE tasks_app_task SET noted_due_at = due_at
WHERE id IN (SELECT id FROM tasks_app_task
             WHERE status = 'open' AND due_at <= %(now)s
               AND NOT (noted_due_at = due_at AND noted_due_at IS NOT NULL)
             ORDER BY due_at LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, workspace_id, enrollment_id, step_id, visit, title
"""
_DUE_A_ROUND = 1_000


def create_tasks(tasks: Sequence[NewTask], now: datetime) -> None:
    """Store tasks inside the caller's transaction. Idempotent per step run."""
    if not tasks:
        return
    execute(
        _INSERT,
        {
            "now": now,
            "workspaces": [task.workspace_id for task in tasks],
            "enrollments": [task.enrollment_id for task in tasks],
            "steps": [task.step_id for task in tasks],
            "visits": [task.visit for task in tasks],
            "contacts": [task.contact_id for task in tasks],
            "assignees": [task.assignee_id for task in tasks],
            "types": [task.type for task in tasks],
            "priorities": [task.priority for task in tasks],
            "titles": [task.title for task in tasks],
            "instructions": [task.instructions for task in tasks],
            "due": [task.due_at for task in tasks],
        },
    )


def cancel_tasks(enrollment_ids: Sequence[int], actor: str, now: datetime) -> None:
    """Close the open tasks of enrollments that ended."""
    if enrollment_ids:
        execute(_CANCEL, {"enrollments": list(enrollment_ids), "actor": actor, "now": now})


def take_due_tasks(now: datetime) -> list[Task]:
    """Mark open tasks whose due time has come as noted and return them: each due time once."""
    return list(Task.objects.raw(_TAKE_DUE, {"now": now, "most": _DUE_A_ROUND}))


def complete_task(task: Task, actor: str, now: datetime, outcome: str = "") -> None:
    """Record that the work is done and wake the enrollment. Raises `TaskClosedError` when it was closed before.

    Call inside a transaction. The enrollment's row is locked first, as everywhere, so that the engine either sees the
    completed task or is woken after its decision.
    """
    if task.enrollment_id is not None:
        lock_enrollments([task.enrollment_id])
    changed = Task.objects.filter(pk=task.pk, status=TaskStatus.OPEN).update(
        status=TaskStatus.COMPLETED, completed_at=now, completed_by=actor, outcome=outcome
    )
    if not changed:
        raise TaskClosedError("the task has already been closed")
    if task.enrollment_id is not None:
        wake_enrollments([task.enrollment_id], now)


def change_open_task(task: Task, **columns: object) -> None:
    """Change the due time or assignee of an open task. Raises `TaskClosedError` when it was closed before."""
    if not Task.objects.filter(pk=task.pk, status=TaskStatus.OPEN).update(**columns):
        raise TaskClosedError("the task has already been closed")
