"""Complete, snooze and reassign tasks, and note those that fall due: each change with its log entry and wake-up.

Must not move enrollments: the engine decides what a completed task leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from common.notify import notify_engine
from execution.choices import LogAction
from execution.control.enrollments import Report
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from sequences.models import Membership, Step
from tasks_app import operations
from tasks_app.models import Task

_ENGINE = "engine"


def complete_task(task: Task, *, actor: str, now: datetime, outcome: str = "") -> None:
    """Record that the work is done, with its actor and outcome. Raises `TaskClosedError` when it was closed."""
    with transaction.atomic():
        step = Step.objects.filter(pk=task.step_id).first() if task.step_id else None
        _complete(task, step, actor, now, outcome)
        notify_engine()


def complete_tasks(ids: Sequence[int], *, actor: str, now: datetime, outcome: str = "") -> Report:
    """Complete each open one; the report is by task id. Each in a transaction of its own."""
    report = _for_each(ids, lambda task, step: _complete(task, step, actor, now, outcome))
    if report.changed:
        notify_engine()
    return report


def snooze_tasks(ids: Sequence[int], *, until: datetime, actor: str, now: datetime, reason: str = "") -> Report:
    """Each open one is due at `until` instead; the report is by task id."""

    def snooze(task: Task, step: Step | None) -> None:
        operations.change_open_task(task, due_at=until)
        text = f"{task.title}: due {until:%Y-%m-%d %H:%M} UTC"
        _log(task, step, LogAction.TASK_CHANGED, f"{reason}: {text}" if reason else text, actor, now)

    return _for_each(ids, snooze)


def reassign_tasks(ids: Sequence[int], *, assignee: Any, actor: str, now: datetime, reason: str = "") -> Report:
    """Assign each open one to `assignee`, who must be a member of its workspace; the report is by task id."""
    own = set(Membership.objects.filter(user=assignee).values_list("workspace_id", flat=True))

    def reassign(task: Task, step: Step | None) -> None:
        if task.workspace_id not in own:
            raise NotAMemberError("the assignee is not a member of its workspace: choose a member")
        operations.change_open_task(task, assignee=assignee)
        text = f"{task.title}: given to {assignee.email or assignee.get_username()}"
        _log(task, step, LogAction.TASK_CHANGED, f"{reason}: {text}" if reason else text, actor, now)

    return _for_each(ids, reassign)


def note_due_tasks(now: datetime) -> int:
    """Log the open tasks whose due time has come, once for each due time; at most a batch. Returns how many."""
    with transaction.atomic():
        due = operations.take_due_tasks(now)
        steps = Step.objects.in_bulk({task.step_id for task in due if task.step_id is not None})
        rows = [
            _log_row(task, steps.get(task.step_id or 0), LogAction.TASK_DUE, task.title, _ENGINE, {})
            for task in due
            if task.enrollment_id is not None
        ]
        write_logs(rows, now)
    return len(due)


class NotAMemberError(ValueError):
    """The user is not a member of the task's workspace."""


def _for_each(ids: Sequence[int], change: Callable[[Task, Step | None], None]) -> Report:
    report = Report()
    tasks = list(Task.objects.filter(pk__in=ids).order_by("pk"))
    steps = Step.objects.in_bulk({task.step_id for task in tasks if task.step_id is not None})
    for task in tasks:
        try:
            with transaction.atomic():
                change(task, steps.get(task.step_id or 0))
        except (operations.TaskClosedError, NotAMemberError) as error:
            report.refused[task.pk] = str(error)
        else:
            report.changed.append(task.pk)
    return report


def _complete(task: Task, step: Step | None, actor: str, now: datetime, outcome: str) -> None:
    operations.complete_task(task, actor, now, outcome)
    text = f"{task.title}: {outcome}" if outcome else task.title
    _log(task, step, LogAction.TASK_COMPLETED, text, actor, now, outcome=outcome)


def _log(
    task: Task, step: Step | None, action: LogAction, text: str, actor: str, now: datetime, **details: object
) -> None:
    # the log belongs to enrollments; a task without one stores itself who closed it, and when
    if task.enrollment_id is None:
        return
    write_logs([_log_row(task, step, action, text, actor, details)], now)


def _log_row(
    task: Task, step: Step | None, action: LogAction, text: str, actor: str, details: Mapping[str, object]
) -> LogRow:
    line = LogLine(
        action, text, actor=actor, details={"task": task.pk, "step": task.step_id, "visit": task.visit, **details}
    )
    number, kind = (step.number, step.type) if step else (None, "task")
    return LogRow(task.workspace_id, task.enrollment_id or 0, task.step_id, number, kind, line)
