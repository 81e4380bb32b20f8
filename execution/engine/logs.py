"""Append to the execution log (set-based) and to the control log, inside the transaction of the logged change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from common.db import execute
from execution.choices import ControlAction, ControlTarget
from execution.engine.outcomes import LogLine
from execution.models import ControlLog


class LogRow(NamedTuple):
    """A log line of one enrollment, at the step where it was."""

    workspace_id: int
    enrollment_id: int
    step_id: int | None
    step_number: int | None
    step_type: str
    line: LogLine


_INSERT = """
INSERT INTO execution_executionlog (workspace_id, enrollment_id, step_id, step_number, step_type, at, action, status,
                                    message, error, actor, details)
SELECT r.workspace, r.enrollment, r.step, r.number, r.type, %(at)s, r.action, r.status, r.message, r.error, r.actor,
       r.details::jsonb
FROM unnest(%(workspaces)s::bigint[], %(enrollments)s::bigint[], %(steps)s::bigint[], %(numbers)s::int[],
            %(types)s::text[], %(actions)s::text[], %(statuses)s::text[], %(messages)s::text[], %(errors)s::text[],
            %(actors)s::text[], %(details)s::text[])
     AS r(workspace, enrollment, step, number, type, action, status, message, error, actor, details)
"""


def write_logs(rows: Sequence[LogRow], at: datetime) -> None:
    if not rows:
        return
    execute(
        _INSERT,
        {
            "at": at,
            "workspaces": [row.workspace_id for row in rows],
            "enrollments": [row.enrollment_id for row in rows],
            "steps": [row.step_id for row in rows],
            "numbers": [row.step_number for row in rows],
            "types": [row.step_type for row in rows],
            "actions": [row.line.action for row in rows],
            "statuses": [row.line.status for row in rows],
            "messages": [row.line.message for row in rows],
            "errors": [row.line.error for row in rows],
            "actors": [row.line.actor for row in rows],
            "details": [json.dumps(row.line.details) if row.line.details else "{}" for row in rows],
        },
    )


def log_control(
    target: ControlTarget,
    row: Any,
    action: ControlAction,
    actor: str,
    reason: str,
    now: datetime,
    changes: Sequence[Mapping[str, object]] = (),
) -> None:
    """Record an action on a row of a workspace, the workspace itself or, without `row`, the executor.

    Call in its transaction.
    """
    is_workspace = target is ControlTarget.WORKSPACE
    ControlLog.objects.create(
        workspace_id=row and (row.pk if is_workspace else row.workspace_id),
        target=target.value,
        target_id=row.pk if row else None,
        label=str(row)[:254] if row else "",
        action=action.value,
        reason=reason,
        changes=list(changes),
        actor=actor,
        at=now,
    )
