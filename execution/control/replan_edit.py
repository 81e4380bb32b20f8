"""Applies an edit to the enrollments in the sequence: replans them, moves them on, sends them to an inserted step.

Every function runs inside the transaction of the edit (execution.control.edit), writes one log line per enrollment, and
changes nothing about what has already begun: a queued email or an open task stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.db import Row, execute, fetch_all
from emails.choices import STEP_REMOVED
from emails.sending.lanes import wake_lanes
from execution.choices import LogAction
from execution.engine.calendar import calendar_for
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.authoring.operations import MovedEnrollment, SavedSequence
from sequences.authoring.step_config import SplitConfig, TaskConfig
from sequences.choices import EnrollmentStatus, StepType
from sequences.enrollment_sql import LIVE, locking, wake_where
from sequences.models.time_off import list_time_off
from sequences.models.workspace import HOLIDAY_COLUMNS
from sequences.time.contact_calendar import read_contact_calendar
from sequences.time.timing import Calendar, TimingError, next_allowed, plan

PLAN_COLUMNS = f"""
SELECT e.id, e.workspace_id, e.status, e.current_step_id, e.previous_ended_at, e.next_step_at,
       c.timezone AS contact_timezone, a.timezone AS account_timezone, m.timezone AS mailbox_timezone,
       w.timezone AS workspace_timezone, {HOLIDAY_COLUMNS},
       {list_time_off("m.owner_id", "w.id")} AS time_off
"""
PLAN_JOINS = """
JOIN sequences_contact c ON c.id = e.contact_id
JOIN sequences_workspace w ON w.id = e.workspace_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN emails_mailbox m ON m.id = e.mailbox_id
"""
# Whose step has not begun: no email and no task of this run of it.
NOT_BEGUN = """
    NOT EXISTS (SELECT 1 FROM emails_emailmessage x
                WHERE x.enrollment_id = e.id AND x.step_id = e.current_step_id AND x.visit = e.visit)
    AND NOT EXISTS (SELECT 1 FROM tasks_app_task t
                    WHERE t.enrollment_id = e.id AND t.step_id = e.current_step_id AND t.visit = e.visit)
"""
_WAITING = f"""
WITH locked AS MATERIALIZED (
    {locking(f"e.sequence_id = %(sequence)s AND e.status IN {LIVE} AND e.current_step_id IS NOT NULL", "e.*")})
{PLAN_COLUMNS} FROM locked e {PLAN_JOINS}
WHERE {NOT_BEGUN}
ORDER BY e.id
"""
_MOVED = f"{PLAN_COLUMNS} FROM sequences_enrollment e {PLAN_JOINS} WHERE e.id = ANY(%(ids)s::bigint[]) ORDER BY e.id"
# A retry that is pending still waits for its time; what rests is looked at when it rests no more.
PLAN = """
UPDATE sequences_enrollment e
SET next_step_at = r.due, updated_at = %(now)s,
    wake_at = CASE WHEN e.status = 'active' THEN greatest(r.due, e.retry_at) ELSE e.wake_at END
FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[]) AS r(id, due)
WHERE e.id = r.id
"""
_ASKED_DIFFERENTLY = """
e.sequence_id = %(sequence)s AND e.current_step_id = ANY(%(steps)s::bigint[]) AND e.status = 'active'
AND NOT e.id = ANY(%(planned)s::bigint[])
"""
_RELEASE = """
UPDATE emails_emailmessage m SET send_after_at = %(now)s, held_by = ''
FROM sequences_enrollment e
WHERE e.id = m.enrollment_id AND e.sequence_id = %(sequence)s AND m.status = 'queued' AND m.send_after_at > %(now)s
RETURNING m.mailbox_id AS id
"""
_SET_DUE = """
UPDATE sequences_enrollment e SET next_step_at = r.due, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[]) AS r(id, due)
WHERE e.id = r.id
"""
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
_STAND_BEFORE = f"""
WITH standing AS MATERIALIZED (
    {locking(f"e.sequence_id = %(sequence)s AND e.current_step_id = %(next)s AND e.status IN {LIVE}", "e.*")})
{PLAN_COLUMNS} FROM standing e {PLAN_JOINS}
WHERE {NOT_BEGUN}
ORDER BY e.id
"""
# Those who came to the end there; who left early, or is in the sequence again, stays where they are.
_CAME_TO_THE_END = f"""
WITH ended AS MATERIALIZED (
    SELECT DISTINCT ON (contact_id) * FROM sequences_enrollment
    WHERE sequence_id = %(sequence)s AND current_step_id = %(last)s AND status = 'completed'
    ORDER BY contact_id, id DESC)
{PLAN_COLUMNS} FROM ended e {PLAN_JOINS}
WHERE NOT EXISTS (SELECT 1 FROM sequences_enrollment o
                  WHERE o.sequence_id = e.sequence_id AND o.contact_id = e.contact_id AND o.id > e.id)
  AND NOT EXISTS (SELECT 1 FROM sequences_enrollment o
                  WHERE o.sequence_id = e.sequence_id AND o.contact_id = e.contact_id
                    AND o.status IN {LIVE})
ORDER BY e.id
"""
_SEND_THERE = """
UPDATE sequences_enrollment e
SET current_step_id = %(step)s, visit = e.visit + 1, next_step_at = r.due, retry_count = 0, retry_at = NULL,
    instant_transitions = 0, completed_at = NULL, updated_at = %(now)s,
    status = CASE WHEN e.status = 'completed' THEN 'active' ELSE e.status END,
    wake_at = CASE WHEN e.status IN ('active', 'completed') THEN r.due ELSE e.wake_at END
FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[]) AS r(id, due)
WHERE e.id = r.id
RETURNING e.id
"""


def lock_waiting(sequence_id: int) -> list[Row]:
    """The live enrollments in the sequence whose step has not begun; all live ones are locked, in id order."""
    return fetch_all(_WAITING, {"sequence": sequence_id})


def replan_waiting(
    waiting: Sequence[Row], before: SequenceFacts, after: SequenceFacts, actor: str, now: datetime
) -> list[int]:
    """Replan enrollments whose step or window has other times now. Returns their ids.

    An enrollment that was put off beyond the plan (snoozed, resumed later) does not become due earlier; only the new
    window moves it. An enrollment that waits at a step which now asks something else is woken.
    """
    planned: list[tuple[Row, datetime]] = []
    for row in waiting:
        old, new = before.step(row["current_step_id"]), after.step(row["current_step_id"])
        if old is None or new is None:
            continue
        due = _replan(row, before, old, after, new)
        if due is not None and due != row["next_step_at"]:
            planned.append((row, due))
    ids, dues = [row["id"] for row, _ in planned], [due for _, due in planned]
    if planned:
        execute(PLAN, {"ids": ids, "dues": dues, "now": now})
        lines = [(row, f"the sequence was edited: due {due:%Y-%m-%d %H:%M} UTC") for row, due in planned]
        log_edits(lines, after, LogAction.REPLANNED, actor, now)
    if asked := [step.id for step in after.steps if _asks_differently(before.step(step.id), step)]:
        wake_where(_ASKED_DIFFERENTLY, {"sequence": after.id, "steps": asked, "planned": ids}, now)
    return ids


def _asks_differently(old: StepFacts | None, new: StepFacts) -> bool:
    if old is None or new.config == old.config:
        return False
    if isinstance(new.config, TaskConfig) and isinstance(old.config, TaskConfig):
        return new.config.wait_for_completion != old.config.wait_for_completion
    return new.type != old.type or isinstance(new.config, SplitConfig)


def release_queued(before: SequenceFacts, after: SequenceFacts, now: datetime) -> None:
    """Queued emails wait for an opening of the old window: their lanes look at them again by the new one."""
    weekends = {step.id: step.timing.skip_weekends for step in before.steps}
    changed = any(weekends.get(step.id, step.timing.skip_weekends) != step.timing.skip_weekends for step in after.steps)
    if changed or before.window != after.window:
        wake_lanes([row["id"] for row in fetch_all(_RELEASE, {"sequence": after.id, "now": now})], now)


def replan_removed(saved: SavedSequence, after: SequenceFacts, actor: str, now: datetime) -> None:
    """Plan enrollments that were moved from a removed step; withhold its emails and cancel its tasks."""
    ids = [each.enrollment_id for each in saved.moved]
    steps = [each.from_step_id for each in saved.moved]
    withhold_queued(ids, steps, STEP_REMOVED)
    execute(_CANCEL_TASKS, {"ids": ids, "steps": steps, "now": now, "actor": actor})
    positions = [row for row in fetch_all(_MOVED, {"ids": ids}) if row["current_step_id"] is not None]
    dues = [plan_due(row, after, after.step(row["current_step_id"])) for row in positions]
    execute(_SET_DUE, {"ids": [row["id"] for row in positions], "dues": dues, "now": now})
    numbers = {step.id: step.number for step in after.steps}
    write_logs([_log_removed(each, numbers, saved.sequence.workspace_id, actor) for each in saved.moved], now)


def send_to_inserted(after: SequenceFacts, step_id: int, actor: str, now: datetime) -> list[int]:
    """Send enrollments to an inserted step that would have come next: they wait for the step behind it, or completed.

    Returns their ids. An enrollment that is further on has had what comes after the inserted step, and stays there.
    """
    step = after.step(step_id)
    assert step is not None
    follower = after.step_after(step)
    if follower is not None:
        rows = fetch_all(_STAND_BEFORE, {"sequence": after.id, "next": follower.id})
    else:
        earlier = [each for each in after.steps if each.number < step.number]
        # no enrollment arrives behind a split in order
        if not earlier or earlier[-1].type == StepType.CONDITIONAL_SPLIT:
            return []
        rows = fetch_all(_CAME_TO_THE_END, {"sequence": after.id, "last": earlier[-1].id})
    if not rows:
        return []
    dues = [plan_due(row, after, step) for row in rows]
    execute(_SEND_THERE, {"ids": [row["id"] for row in rows], "dues": dues, "step": step_id, "now": now})
    log_edits([(row, f"sent to the inserted step {step.number}") for row in rows], after, LogAction.MOVED, actor, now)
    return [row["id"] for row in rows]


def _replan(row: Row, before: SequenceFacts, old: StepFacts, after: SequenceFacts, new: StepFacts) -> datetime | None:
    """The new due time; None where the times are what they were."""
    if old.timing == new.timing and old.type == new.type and before.window == after.window:
        return None
    was, due = plan_due(row, before, old), plan_due(row, after, new)
    put_off_to: datetime | None = row["next_step_at"]
    if put_off_to is None or put_off_to <= was:
        return due
    later = max(due, put_off_to)
    try:
        return next_allowed(later, read_calendar(row, after, new), skip_weekends=new.timing.skip_weekends).at
    except TimingError:
        return later


def withhold_queued(enrollment_ids: Sequence[int], step_ids: Sequence[int], reason: str) -> None:
    """Withhold what is queued for these enrollments at these steps, pair by pair."""
    execute(_WITHHOLD, {"ids": list(enrollment_ids), "steps": list(step_ids), "reason": reason})


def plan_due(row: Row, facts: SequenceFacts, step: StepFacts | None) -> datetime:
    """When `step` may run for the enrollment in `row` (of `PLAN_COLUMNS`), counted from the end of the previous one."""
    assert step is not None
    ended_at: datetime = row["previous_ended_at"]
    try:
        return plan(ended_at, step.timing, read_calendar(row, facts, step)).at
    except TimingError:
        # The engine meets the same error when it looks, and quarantines that one enrollment with it.
        return ended_at


def read_calendar(row: Row, facts: SequenceFacts, step: StepFacts) -> Calendar:
    return calendar_for(step.type, facts.window, read_contact_calendar(facts.window, row))


def log_edits(
    lines: Sequence[tuple[Row, str]], after: SequenceFacts, action: LogAction, actor: str, now: datetime
) -> None:
    """Each at the step where the person stood."""
    steps = {step.id: step for step in after.steps}
    rows = []
    for row, text in lines:
        step = steps.get(row["current_step_id"])
        number, kind = (step.number, step.type) if step else (None, "")
        line = LogLine(action, text, actor=actor)
        rows.append(LogRow(row["workspace_id"], row["id"], row["current_step_id"], number, kind, line))
    write_logs(rows, now)


def _log_removed(moved: MovedEnrollment, numbers: dict[int, int], workspace_id: int, actor: str) -> LogRow:
    number = numbers.get(moved.to_step_id) if moved.to_step_id else None
    if number is not None:
        text, action = f"step {moved.from_number} was removed: goes on at step {number}", LogAction.MOVED
    elif moved.status == EnrollmentStatus.COMPLETED:
        text, action = f"step {moved.from_number} was removed and nothing comes after it", LogAction.COMPLETED
    else:
        text, action = f"step {moved.from_number} was removed and nothing comes after it", LogAction.MOVED
    line = LogLine(action, text, actor=actor)
    return LogRow(workspace_id, moved.enrollment_id, moved.from_step_id, moved.from_number, moved.from_type, line)
