"""The facts about the current step runs of a batch: one statement for emails, one for tasks and splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from common.db import Row, fetch_all
from emails.choices import MessageStatus
from emails.facts.blocked import was_blocked
from emails.models import status_of
from execution.choices import UNKNOWN_OUTCOME
from execution.engine.snapshot import LastEmail, MessageFacts, SequenceFacts, TaskFacts
from sequences.choices import StepType

# An earlier run whose email bounced because of the sender has sent nothing.
_MESSAGES = f"""
SELECT r.id AS enrollment, m.visit = r.visit AS is_current, m.id, m.status, m.attempts, m.sent_at, m.failed_at,
       m.unknown_at, m.error_class, m.error, m.error_trace, m.withheld_reason, m.variant
FROM unnest(%(ids)s::bigint[], %(steps)s::bigint[], %(visits)s::int[]) AS r(id, step, visit)
JOIN emails_emailmessage m ON m.enrollment_id = r.id AND m.step_id = r.step AND m.visit <= r.visit
WHERE m.visit = r.visit OR m.status <> 'sent' OR NOT {was_blocked("m")}
"""
# The latest run with an email has the message of unknown outcome: an enrollment waits there until it is resolved, and
# keeps it when its step is removed.
_LATEST_MESSAGES = """
SELECT DISTINCT ON (m.enrollment_id) m.enrollment_id AS enrollment, m.id, m.status, m.attempts, m.sent_at, m.failed_at,
       m.unknown_at, m.error_class, m.error, m.error_trace, m.withheld_reason, m.variant
FROM emails_emailmessage m WHERE m.enrollment_id = ANY(%(ids)s::bigint[]) AND NOT m.is_answer
ORDER BY m.enrollment_id, m.visit DESC
"""
_CONDITIONAL = f"""
SELECT r.id, t.id AS task_id, t.status AS task_status, t.created_at AS task_created_at,
       t.completed_at AS task_completed_at,
       l.id AS last_task_id, l.status AS last_task_status, l.created_at AS last_task_created_at,
       l.completed_at AS last_task_completed_at,
       EXISTS (SELECT 1 FROM tasks_app_task x WHERE x.enrollment_id = r.id AND x.step_id = r.step AND x.visit < r.visit
               AND x.status <> 'cancelled') AS has_run,
       e.sent_at, g.opened_at, g.clicked_at, g.replied_at, g.open_pending_at, g.click_pending_at
FROM unnest(%(ids)s::bigint[], %(steps)s::bigint[], %(visits)s::int[]) AS r(id, step, visit)
LEFT JOIN tasks_app_task t ON t.enrollment_id = r.id AND t.step_id = r.step AND t.visit = r.visit
LEFT JOIN LATERAL (
    SELECT * FROM tasks_app_task x WHERE x.enrollment_id = r.id AND x.visit < r.visit ORDER BY x.visit DESC LIMIT 1
) l ON true
LEFT JOIN LATERAL (
    SELECT x.id, x.sent_at FROM emails_emailmessage x
    WHERE x.enrollment_id = r.id AND {status_of("x")} = 'sent' AND NOT x.is_answer ORDER BY x.visit DESC LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT min(v.occurred_at) FILTER (WHERE v.verdict = 'human' AND v.type = 'opened') AS opened_at,
           min(v.occurred_at) FILTER (WHERE v.verdict = 'human' AND v.type = 'clicked') AS clicked_at,
           min(v.occurred_at) FILTER (WHERE v.verdict = 'human' AND v.type = 'replied') AS replied_at,
           min(v.occurred_at) FILTER (WHERE v.verdict = 'pending' AND v.type = 'opened') AS open_pending_at,
           min(v.occurred_at) FILTER (WHERE v.verdict = 'pending' AND v.type = 'clicked') AS click_pending_at
    FROM emails_emailevent v WHERE v.message_id = e.id AND v.verdict IN ('human', 'pending')
) g ON true
"""

_MAY_BE_SENT = frozenset({MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class StepRunFacts:
    """What is known about the current run of a step. `has_run`: an earlier run has sent its email or has its task.

    `earlier_variant`: the one that such a run sent.
    """

    message: MessageFacts | None = None
    task: TaskFacts | None = None
    last_email: LastEmail | None = None
    last_task: TaskFacts | None = None
    has_run: bool = False
    earlier_variant: str = ""


def load_step_facts(rows: list[Row], sequences: Mapping[int, SequenceFacts]) -> dict[int, StepRunFacts]:
    """By enrollment id, for those that have any."""
    types = {row["id"]: _step_type(row, sequences) for row in rows}
    facts: dict[int, StepRunFacts] = {}
    if email_rows := [row for row in rows if types[row["id"]] == StepType.EMAIL]:
        for found in fetch_all(_MESSAGES, _step_params(email_rows)):
            known = facts.get(found["enrollment"], StepRunFacts())
            if found["is_current"]:
                facts[found["enrollment"]] = replace(known, message=_message(found))
            elif found["status"] in _MAY_BE_SENT:
                facts[found["enrollment"]] = replace(
                    known, has_run=True, earlier_variant=found["variant"] or known.earlier_variant
                )
    if other_rows := [row for row in rows if types[row["id"]] in {StepType.TASK, StepType.CONDITIONAL_SPLIT}]:
        for found in fetch_all(_CONDITIONAL, _step_params(other_rows)):
            task, last_task = _task(found, "task"), _task(found, "last_task")
            facts[found["id"]] = StepRunFacts(None, task, _last_email(found), last_task, found["has_run"])
    unresolved = [row["id"] for row in rows if row["quarantine_class"] == UNKNOWN_OUTCOME]
    if unresolved := [each for each in unresolved if each not in facts or facts[each].message is None]:
        for found in fetch_all(_LATEST_MESSAGES, {"ids": unresolved}):
            known = facts.get(found["enrollment"], StepRunFacts())
            facts[found["enrollment"]] = replace(known, message=_message(found))
    return facts


def _step_type(row: Row, sequences: Mapping[int, SequenceFacts]) -> str | None:
    step = sequences[row["sequence_id"]].step(row["current_step_id"])
    return step.type if step else None


def _step_params(rows: list[Row]) -> dict[str, Any]:
    return {
        "ids": [row["id"] for row in rows],
        "steps": [row["current_step_id"] for row in rows],
        "visits": [row["visit"] for row in rows],
    }


def _message(row: Row) -> MessageFacts:
    return MessageFacts(
        id=row["id"],
        status=row["status"],
        attempts=row["attempts"],
        sent_at=row["sent_at"],
        failed_at=row["failed_at"],
        unknown_at=row["unknown_at"],
        error_class=row["error_class"],
        error=row["error"],
        error_trace=row["error_trace"],
        withheld_reason=row["withheld_reason"],
        variant=row["variant"],
    )


def _last_email(row: Row) -> LastEmail | None:
    if row["sent_at"] is None:
        return None
    return LastEmail(
        row["sent_at"],
        row["opened_at"],
        row["clicked_at"],
        row["replied_at"],
        row["open_pending_at"],
        row["click_pending_at"],
    )


def _task(row: Row, prefix: str) -> TaskFacts | None:
    if row[f"{prefix}_id"] is None:
        return None
    return TaskFacts(
        row[f"{prefix}_id"], row[f"{prefix}_status"], row[f"{prefix}_created_at"], row[f"{prefix}_completed_at"]
    )
