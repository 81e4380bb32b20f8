"""Storing an edited sequence while people are in it: who stood at a step that is gone is planned, logged and woken.

The edit itself is sequences.operations; this adds what only the engine's side knows. All of it is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from execution.choices import LogAction
from execution.logs import LogRow, write_logs
from execution.outcomes import LogLine
from execution.planning import calendar_for
from execution.sequence_facts import load_sequences
from execution.snapshot import SequenceFacts
from sequences.choices import EnrollmentStatus
from sequences.db import Row, execute, fetch_all
from sequences.drafts import SequenceDraft
from sequences.models import Workspace
from sequences.operations import MovedPerson, SavedSequence, activate_sequence, save_sequence
from sequences.timing import TimingError, plan, resolve_zone
from sequences.wakeup import notify_engine

WITHHELD_REASON = "step_removed"


@dataclass(frozen=True, slots=True)
class StoredSequence:
    """`moved` counts the enrollments whose step is gone. `saved.sequence` is as it is stored now."""

    saved: SavedSequence
    steps: int
    moved: int


@transaction.atomic
def store_sequence(
    workspace: Workspace, draft: SequenceDraft, *, activate: bool, actor: str, now: datetime
) -> StoredSequence:
    """Create or edit the sequence of that name and, if asked, activate it. All or nothing.

    Raises `InvalidSequenceError` and `SequenceStateError` of sequences.operations.
    """
    saved = save_sequence(workspace, draft, now)
    if saved.moved:
        _follow_moved(saved, workspace.pk, actor, now)
    if activate:
        activate_sequence(saved.sequence.pk, now)
        saved.sequence.refresh_from_db()
    return StoredSequence(saved, len(draft.steps), len(saved.moved))


_WITHHOLD = """
UPDATE emails_emailmessage m
SET status = 'withheld', withheld_reason = %(reason)s
FROM unnest(%(ids)s::bigint[], %(steps)s::bigint[]) AS r(enrollment, step)
WHERE m.enrollment_id = r.enrollment AND m.step_id = r.step AND m.status = 'queued'
"""
_CANCEL_TASKS = """
UPDATE tasks_app_task t
SET status = 'cancelled', completed_at = %(now)s, completed_by = %(actor)s, outcome = 'its step was removed'
FROM unnest(%(ids)s::bigint[], %(steps)s::bigint[]) AS r(enrollment, step)
WHERE t.enrollment_id = r.enrollment AND t.step_id = r.step AND t.status = 'open'
"""
_POSITIONS = """
SELECT e.id, e.current_step_id, e.previous_ended_at, c.timezone AS contact_timezone, a.timezone AS account_timezone,
       m.timezone AS mailbox_timezone, w.timezone AS workspace_timezone, w.holiday_country, w.extra_holidays
FROM sequences_enrollment e
JOIN sequences_contact c ON c.id = e.contact_id
JOIN sequences_workspace w ON w.id = e.workspace_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN emails_mailbox m ON m.id = e.mailbox_id
WHERE e.id = ANY(%(ids)s::bigint[]) AND e.current_step_id IS NOT NULL
"""
_SET_DUE = """
UPDATE sequences_enrollment e SET next_step_at = r.due
FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[]) AS r(id, due)
WHERE e.id = r.id
"""


def _follow_moved(saved: SavedSequence, workspace_id: int, actor: str, now: datetime) -> None:
    ids = [person.enrollment_id for person in saved.moved]
    steps = [person.from_step_id for person in saved.moved]
    execute(_WITHHOLD, {"ids": ids, "steps": steps, "reason": WITHHELD_REASON})
    execute(_CANCEL_TASKS, {"ids": ids, "steps": steps, "now": now, "actor": actor})
    facts = load_sequences([saved.sequence.pk])[saved.sequence.pk]
    positions = fetch_all(_POSITIONS, {"ids": ids})
    dues = [_plan_due(row, facts) for row in positions]
    execute(_SET_DUE, {"ids": [row["id"] for row in positions], "dues": dues})
    numbers = {step.id: step.number for step in facts.steps}
    write_logs([_log_row(person, numbers, workspace_id, actor) for person in saved.moved], now)
    notify_engine()


def _plan_due(row: Row, facts: SequenceFacts) -> datetime:
    step = facts.step(row["current_step_id"])
    assert step is not None
    zone = resolve_zone(
        facts.window,
        contact=row["contact_timezone"],
        account=row["account_timezone"],
        mailbox=row["mailbox_timezone"],
        workspace=row["workspace_timezone"],
    )
    calendar = calendar_for(step.type, facts.window, zone, row["holiday_country"], frozenset(row["extra_holidays"]))
    ended_at: datetime = row["previous_ended_at"]
    try:
        return plan(ended_at, step.timing, calendar).at
    except TimingError:
        # The engine meets the same error when it looks, and quarantines that one enrollment with it.
        return ended_at


def _log_row(person: MovedPerson, numbers: dict[int, int], workspace_id: int, actor: str) -> LogRow:
    number = numbers.get(person.to_step_id) if person.to_step_id else None
    if number is not None:
        said, action = f"step {person.from_number} was removed: goes on at step {number}", LogAction.MOVED
    elif person.status == EnrollmentStatus.COMPLETED:
        said, action = f"step {person.from_number} was removed and nothing comes after it", LogAction.COMPLETED
    else:
        said, action = f"step {person.from_number} was removed and nothing comes after it", LogAction.MOVED
    line = LogLine(action, said, actor=actor)
    return LogRow(workspace_id, person.enrollment_id, person.from_step_id, person.from_number, person.from_type, line)
