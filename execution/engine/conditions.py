"""Whether the condition of a branch (`conditional_split`) holds, and since when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from emails.tracking.visits import CLASSIFIED_AFTER
from execution.engine.snapshot import Snapshot
from sequences.authoring.goals import compare_field, field_value
from sequences.authoring.step_config import SplitConfig
from sequences.choices import ConditionType

# How soon the engine evaluates again when a visit should have been classified by now.
_RECHECK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """`deadline_at`: until when the branch waits. `true_at`: since when the condition holds, None if it does not.

    A signal after the deadline does not count, however late the engine evaluates. `pending_at`: a visit before the
    deadline that has not been classified as human or machine yet.
    """

    true_at: datetime | None
    deadline_at: datetime
    pending_at: datetime | None = None

    def evaluate_again_at(self, now: datetime) -> datetime | None:
        """When to evaluate again, later than `now`; None: the answer is final."""
        if self.true_at is not None:
            return None
        if now < self.deadline_at:
            return self.deadline_at
        return max(self.pending_at + CLASSIFIED_AFTER, now + _RECHECK) if self.pending_at else None


def evaluate_condition(config: SplitConfig, snapshot: Snapshot, due_at: datetime) -> ConditionResult:
    """Evaluate at any time at or after `due_at`: the same facts give the same result."""
    started_at = _waits_from(config, snapshot) or due_at
    deadline_at = max(started_at + config.wait, due_at)
    signal_at = _signal_at(config, snapshot, due_at)
    if signal_at is None or signal_at > deadline_at:
        pending_at = _pending_at(config, snapshot)
        return ConditionResult(None, deadline_at, pending_at if pending_at and pending_at <= deadline_at else None)
    return ConditionResult(max(signal_at, due_at), deadline_at)


def _waits_from(config: SplitConfig, snapshot: Snapshot) -> datetime | None:
    email = snapshot.last_email.sent_at if snapshot.last_email else None
    task = snapshot.last_task.created_at if snapshot.last_task else None
    if config.condition is ConditionType.TASK_COMPLETED:
        return task or email
    return email or task


def _signal_at(config: SplitConfig, snapshot: Snapshot, due_at: datetime) -> datetime | None:
    email, task = snapshot.last_email, snapshot.last_task
    match config.condition:
        case ConditionType.EMAIL_OPENED:
            # A click or an answer proves that the email was read, also where images are blocked.
            return (
                min(filter(None, (email.opened_at, email.clicked_at, email.replied_at)), default=None)
                if email
                else None
            )
        case ConditionType.EMAIL_CLICKED:
            return email.clicked_at if email else None
        case ConditionType.EMAIL_REPLIED:
            return email.replied_at if email else None
        case ConditionType.TASK_COMPLETED:
            return task.completed_at if task and task.status == "completed" else None
        case ConditionType.CONTACT_FIELD:
            matches = compare_field(field_value(snapshot.merge_fields, config.field), config.operator, config.value)
            return due_at if matches else None
        case ConditionType.ENGAGEMENT_SCORE:
            return due_at if compare_field(snapshot.engagement_score, config.operator, config.value) else None
        case _:
            assert_never(config.condition)


def _pending_at(config: SplitConfig, snapshot: Snapshot) -> datetime | None:
    email = snapshot.last_email
    if email is None:
        return None
    if config.condition is ConditionType.EMAIL_OPENED:
        return min(filter(None, (email.open_pending_at, email.click_pending_at)), default=None)
    return email.click_pending_at if config.condition is ConditionType.EMAIL_CLICKED else None
