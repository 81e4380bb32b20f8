"""Build snapshots for `decide` without a database: usable defaults, one keyword per fact."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from emails.facts.stops import Resting, StopFacts
from execution.engine.snapshot import MessageFacts, SequenceFacts, Snapshot, StepFacts, TaskFacts
from sequences.authoring.step_config import parse_config
from sequences.choices import EnrollmentStatus
from sequences.time.contact_calendar import ContactCalendar
from sequences.time.timing import Delay, StepTiming, parse_window, resolve_zone

# A Monday.
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ALWAYS = {"timezone": "UTC", "mon-sun": ["00:00-24:00"]}
OFFICE_HOURS = {"timezone": "UTC", "mon-fri": ["09:00-17:00"]}


def step(number: int, type: str = "email", **columns: Any) -> StepFacts:
    """A step whose id is ten times its number; `columns` are those of the model."""
    row: dict[str, Any] = {
        "type": type,
        "name": columns.pop("name", ""),
        "subject": "Hello" if type == "email" else "",
        "body": "A word." if type == "email" else "",
        "task_type": "call",
        "task_priority": "normal",
        "instructions": "",
        "wait_for_completion": False,
        "condition_type": "",
        "condition_config": {},
        "if_true_goto_id": None,
        "if_false_goto_id": None,
    }
    send_time: time | None = columns.pop("send_time", None)
    skip_weekends: bool = columns.pop("skip_weekends", False)
    delay = Delay(days=columns.pop("days", 0), hours=columns.pop("hours", 0), minutes=columns.pop("minutes", 0))
    return StepFacts(
        id=number * 10,
        number=number,
        type=type,
        name=row["name"],
        timing=StepTiming(delay=delay, skip_weekends=skip_weekends, send_time=send_time),
        config=parse_config(row | columns),
    )


def snapshot(*steps: StepFacts, window: dict[str, Any] | None = None, **facts: Any) -> Snapshot:
    """Active and due at `NOW` at the first step (or at `at=<number>`)."""
    steps = steps or (step(1), step(2, days=1))
    parsed = parse_window(window or ALWAYS)
    sequence = SequenceFacts(
        id=1,
        name="Intro",
        status=facts.pop("sequence_status", "active"),
        window=parsed,
        steps=steps,
        on_reply=facts.pop("on_reply", "stop"),
    )
    defaults: dict[str, Any] = {
        "id": 1,
        "workspace_id": 1,
        "contact_id": 1,
        "mailbox_id": 1,
        "owner_id": 1,
        "status": EnrollmentStatus.ACTIVE,
        "current_step_id": facts.pop("at", steps[0].number) * 10,
        "visit": 1,
        "previous_ended_at": NOW,
        "next_step_at": NOW,
        "priority": 50,
        "retry_count": 0,
        "retry_at": None,
        "instant_transitions": 0,
        "resume_at": None,
        "resumed_at": None,
        "enrolled_at": NOW,
        "emails_sent": 0,
        "engagement_score": 0,
        "recipient": "ada@prospect.example",
        "merge_fields": {"contact": {"first_name": "Ada", "title": "CTO"}},
        "calendar": ContactCalendar(
            resolve_zone(parsed, contact=None, account=None, mailbox=None, workspace="UTC"), None, frozenset()
        ),
        "account_policy": "ignore",
        "account_delay_days": 7,
        "evidence_possible": False,
        "quarantine_class": None,
        "sequence": sequence,
        "stops": StopFacts(),
        "resting": Resting(),
        "message": None,
        "task": None,
        "last_email": None,
        "last_task": None,
        "has_run": False,
    }
    return Snapshot(**(defaults | facts))


def message(status: str, **facts: Any) -> MessageFacts:
    defaults: dict[str, Any] = {
        "id": 7,
        "status": status,
        "attempts": 1,
        "sent_at": NOW if status == "sent" else None,
        "failed_at": NOW if status == "failed" else None,
        "unknown_at": NOW if status == "unknown" else None,
        "error_class": "",
        "error": "",
        "error_trace": "",
        "withheld_reason": "",
    }
    return MessageFacts(**(defaults | facts))


def task(status: str = "open", **facts: Any) -> TaskFacts:
    completed_at = None if status == "open" else NOW
    defaults: dict[str, Any] = {"id": 3, "status": status, "created_at": NOW, "completed_at": completed_at}
    return TaskFacts(**(defaults | facts))
