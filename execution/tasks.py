"""Complete tasks: the fact, its log entry and the wake-up, together.

Must not move anybody: where the enrollment goes from there is the engine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from execution.choices import LogAction
from execution.controls import Report
from execution.logs import LogRow, write_logs
from execution.outcomes import LogLine
from sequences.models import Step
from sequences.wakeup import notify_engine
from tasks_app import operations
from tasks_app.models import Task


def complete_task(task: Task, *, actor: str, now: datetime, outcome: str = "") -> None:
    """Record that the work is done, by whom and with what outcome. Raises `TaskClosedError` when it was closed."""
    with transaction.atomic():
        step = Step.objects.filter(pk=task.step_id).first() if task.step_id else None
        _complete(task, step, actor, now, outcome)
        notify_engine()


def complete_tasks(ids: Sequence[int], *, actor: str, now: datetime, outcome: str = "") -> Report:
    """Complete each open one; the report is by task id. One transaction each, so that none waits for another's row."""
    report = Report()
    tasks = list(Task.objects.filter(pk__in=ids).order_by("pk"))
    steps = Step.objects.in_bulk({task.step_id for task in tasks if task.step_id is not None})
    for task in tasks:
        try:
            with transaction.atomic():
                _complete(task, steps.get(task.step_id or 0), actor, now, outcome)
        except operations.TaskClosedError as error:
            report.refused[task.pk] = str(error)
        else:
            report.changed.append(task.pk)
    if report.changed:
        notify_engine()
    return report


def _complete(task: Task, step: Step | None, actor: str, now: datetime, outcome: str) -> None:
    operations.complete_task(task, actor, now, outcome)
    # The log is an enrollment's; a task without one says itself who closed it, and when.
    if task.enrollment_id is None:
        return
    said = f"{task.title}: {outcome}" if outcome else task.title
    details = {"task": task.pk, "step": task.step_id, "visit": task.visit, "outcome": outcome}
    line = LogLine(LogAction.TASK_COMPLETED, said, actor=actor, details=details)
    number, kind = (step.number, step.type) if step else (None, "task")
    write_logs([LogRow(task.workspace_id, task.enrollment_id, task.step_id, number, kind, line)], now)
