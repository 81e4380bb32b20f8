"""Everything that happened to one enrollment: the log's lines and the events of its emails as one list.

Reads only, in a fixed number of queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emails.choices import EventType, Verdict
from emails.models import EmailEvent
from execution.choices import LogAction, LogStatus
from execution.models import ExecutionLog
from sequences.choices import StepType, label_of
from sequences.models import Enrollment

ENTRIES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """The icon of an entry: as text, and as a symbol of the admin's own font, which every system can draw."""

    icon: str
    symbol: str
    tone: str = ""


_ERROR = Mark("⚠", "warning", "bad")
_OTHER = Mark("•", "circle")
_LOG_MARKS = {
    LogAction.ENROLLED: Mark("➕", "person_add"),
    LogAction.QUEUED: Mark("📤", "outbox"),
    LogAction.EXECUTED: Mark("✅", "check_circle", "good"),
    LogAction.WAITING: Mark("⏳", "hourglass_empty"),
    LogAction.BRANCHED: Mark("🔀", "call_split"),
    LogAction.SKIPPED: Mark("⏭", "skip_next"),
    LogAction.MOVED: Mark("↪", "redo"),
    LogAction.REHOMED: Mark("📮", "move_to_inbox"),
    LogAction.REPLANNED: Mark("🗓", "edit_calendar"),
    LogAction.FAILED: _ERROR,
    LogAction.RETRIED: Mark("🔁", "refresh"),
    LogAction.QUARANTINED: _ERROR,
    LogAction.PAUSED: Mark("⏸", "pause_circle", "halt"),
    LogAction.RESUMED: Mark("▶", "play_circle", "good"),
    LogAction.SNOOZED: Mark("💤", "snooze", "halt"),
    LogAction.EXITED: Mark("⏹", "stop_circle", "halt"),
    LogAction.COMPLETED: Mark("🏁", "flag", "good"),
    LogAction.RESOLVED: Mark("🔎", "fact_check"),
    LogAction.TASK_COMPLETED: Mark("☑", "task_alt", "good"),
    LogAction.TASK_CHANGED: Mark("🗓", "edit_calendar"),
    LogAction.TASK_DUE: Mark("⏰", "alarm"),
    LogAction.CLASSIFIED: Mark("🏷", "label"),
    LogAction.APPROVED: Mark("☑", "task_alt", "good"),
    LogAction.TEXT_EDITED: Mark("✏", "edit"),
    LogAction.ANSWERED: Mark("✉", "reply", "good"),
}
_EVENT_MARKS = {
    EventType.DELIVERED: Mark("📬", "mark_email_read", "good"),
    EventType.OPENED: Mark("👁", "visibility"),
    EventType.CLICKED: Mark("🖱", "mouse"),
    EventType.REPLIED: Mark("💬", "chat", "good"),
    EventType.AUTO_REPLIED: Mark("🏖", "beach_access"),
    EventType.BOUNCED: Mark("↩", "undo", "bad"),
    EventType.COMPLAINED: Mark("🚩", "report", "bad"),
    EventType.UNSUBSCRIBED: Mark("🚫", "block", "bad"),
    EventType.HAND_WRITTEN: Mark("✍", "edit_note"),
    EventType.LEFT_COMPANY: Mark("🚪", "logout", "halt"),
    EventType.AUTOMATED: Mark("🤖", "smart_toy"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `kind` is the log's action or the event's type; `is_minor`: caused by a machine, or only a wait.

    `message_id`: the email that it is about.
    """

    at: datetime
    kind: str
    mark: Mark
    title: str
    text: str
    error: str
    actor: str
    is_minor: bool
    message_id: int | None = None


def read_timeline(enrollment: Enrollment, limit: int = ENTRIES_SHOWN) -> list[Entry]:
    """The newest `limit` entries."""
    logs = ExecutionLog.objects.filter(enrollment=enrollment).order_by("-at", "-id")[:limit]
    events = EmailEvent.objects.filter(enrollment=enrollment).order_by("-occurred_at", "-id")[:limit]
    entries = [*map(present_log, logs), *map(present_event, events)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def present_log(row: ExecutionLog) -> Entry:
    """A line of the log."""
    is_error = row.status == LogStatus.ERROR
    step = f"Step {row.step_number}" if row.step_number else ""
    step += f" ({label_of(row.step_type).lower()})" if step and row.step_type else ""
    text = "Email sent" if row.action == LogAction.EXECUTED and row.step_type == StepType.EMAIL else ""
    title = text or row.get_action_display()
    return Entry(
        at=row.at,
        kind=row.action,
        mark=_ERROR if is_error else _LOG_MARKS.get(_member(LogAction, row.action), _OTHER),
        title=f"{title} · {step}" if step else title,
        text=row.message,
        error=row.error,
        actor=row.actor,
        is_minor=row.status == LogStatus.WAITING,
        message_id=row.details.get("message") if isinstance(row.details, dict) else None,
    )


def present_event(row: EmailEvent) -> Entry:
    """An event of an email."""
    is_machine = row.verdict == Verdict.MACHINE
    hardness = f" ({row.get_bounce_type_display().lower()})" if row.bounce_type else ""
    text = row.detail
    if is_machine:
        text = f"by a machine: {row.verdict_reason} {text}".strip()
    return Entry(
        at=row.occurred_at,
        kind=row.type,
        mark=_EVENT_MARKS.get(_member(EventType, row.type), _OTHER),
        title=f"{row.get_type_display()}{hardness}",
        text=text if row.type != EventType.BOUNCED else "",
        error=text if row.type == EventType.BOUNCED else "",
        actor=row.provider,
        is_minor=is_machine,
        message_id=row.message_id,
    )


def _member(words: Any, value: str) -> Any:
    """The member, or None for a value that this release does not know."""
    return words(value) if value in set(words) else None
