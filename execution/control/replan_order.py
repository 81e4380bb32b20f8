"""What another order of steps means for the enrollments in a sequence: no text twice, and none missed.

Runs inside the transaction of the edit (execution.control.edit), which holds the locks of all live enrollments.

1. By the graphs before and after, find the steps from which other emails and tasks lie ahead now. Without any, stop.
2. Read what the contacts of the enrollments at these steps have had: one statement.
3. An enrollment that would miss a step which lay ahead of it goes to the step from which it gets most of what it has
   not had. It is due as the plan of that step says, never earlier than it was due before.
4. What cannot be reached from anywhere is counted as missed. What comes again to a contact who has had it is counted as
   a repetition: the engine skips it, unless the step says `repeat`.

An email that is with the mail server and a task that is open stay as they are: their enrollments are not moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from common.db import Row, execute, fetch_all
from emails.choices import STEP_SKIPPED, MessageStatus
from execution.choices import LogAction
from execution.control.replan_edit import PLAN_COLUMNS, PLAN_JOINS, log_edits, plan_due, withhold_queued
from execution.engine.snapshot import SequenceFacts
from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.step_graph import build_graph, find_ahead
from sequences.content.variants import HAS_TEXT_OF
from sequences.enrollment_sql import LIVE

_Steps = frozenset[int]

_STANDING = f"""
{PLAN_COLUMNS}, current.status AS message_status, current.sent_at,
       EXISTS (SELECT 1 FROM tasks_app_task t WHERE t.enrollment_id = e.id AND t.step_id = e.current_step_id
               AND t.visit = e.visit) AS has_task,
       array(
           SELECT t.id FROM emails_emailmessage p
           JOIN sequences_enrollment q ON q.id = p.enrollment_id AND q.sequence_id = e.sequence_id
           JOIN sequences_step t ON t.sequence_id = e.sequence_id AND t.type = 'email'
                                AND (t.id = p.step_id OR {HAS_TEXT_OF})
           WHERE p.contact_id = e.contact_id AND p.status IN ('sending', 'sent', 'unknown')
             AND (q.id = e.id OR e.again_reason = '')
           UNION
           SELECT t.step_id FROM tasks_app_task t WHERE t.enrollment_id = e.id AND t.status <> 'cancelled'
       ) AS had
FROM sequences_enrollment e
{PLAN_JOINS}
LEFT JOIN emails_emailmessage current
       ON current.enrollment_id = e.id AND current.step_id = e.current_step_id AND current.visit = e.visit
WHERE e.sequence_id = %(sequence)s AND e.status IN {LIVE}
  AND (e.current_step_id = ANY(%(steps)s::bigint[]) OR e.id = ANY(%(moved)s::bigint[]))
ORDER BY e.id
"""
# A message that was sent ended its step, though the engine has not looked yet.
_GO_TO = """
UPDATE sequences_enrollment e
SET current_step_id = r.step, visit = e.visit + 1, next_step_at = r.due, previous_ended_at = r.ended_at,
    retry_count = 0, retry_at = NULL, instant_transitions = 0, updated_at = %(now)s,
    wake_at = CASE WHEN e.status = 'active' THEN r.due ELSE e.wake_at END
FROM unnest(%(ids)s::bigint[], %(steps)s::bigint[], %(dues)s::timestamptz[], %(ended)s::timestamptz[])
     AS r(id, step, due, ended_at)
WHERE e.id = r.id
"""
_MOVABLE = frozenset({None, MessageStatus.QUEUED, MessageStatus.WITHHELD, MessageStatus.FAILED, MessageStatus.SENT})


@dataclass(frozen=True, slots=True)
class OrderImpact:
    """Ids of the enrollments that were moved; of all, how many would get some text again, and how many miss one."""

    moved: frozenset[int] = frozenset()
    would_repeat: int = 0
    would_miss: int = 0
    warnings: tuple[str, ...] = ()


def replan_order(
    before: SequenceDraft,
    after: SequenceDraft,
    facts: SequenceFacts,
    came_from: Mapping[int, int],
    actor: str,
    now: datetime,
    *,
    is_chosen: bool,
) -> OrderImpact:
    """Move who would miss a step, and count. Both drafts have ids for keys.

    `came_from`: by enrollment that a removed step has moved already, that step. `is_chosen`: a user chose where these
    go, so they stay there, whatever they miss.
    """
    course = _Course(before, after)
    steps = course.changed_steps()
    if not steps and not came_from:
        return OrderImpact()
    rows = fetch_all(_STANDING, {"sequence": facts.id, "steps": steps, "moved": list(came_from)})
    moves: list[tuple[Row, int]] = []
    missed, repeated = Counter[int](), Counter[int]()
    would_miss = would_repeat = 0
    for row in rows:
        was = course.was_ahead(came_from.get(row["id"], row["current_step_id"]))
        had = frozenset(row["had"])
        target = row["current_step_id"]
        is_free = row["message_status"] in _MOVABLE and not row["has_task"]
        if is_free and not (is_chosen and row["id"] in came_from):
            target = course.best_place(target, was - had)
            if target != row["current_step_id"]:
                moves.append((row, target))
        left = was - had - course.is_ahead(target) - {row["current_step_id"]}
        again = (course.is_ahead(target) - was) & had
        would_miss, would_repeat = would_miss + bool(left), would_repeat + bool(again)
        missed.update(left)
        repeated.update(again)
    _move(moves, facts, actor, now)
    warnings = (
        *_warn(missed, facts, "would miss it: the new order does not lead to it from their step"),
        *_warn(repeated, facts, "would get it again; the final check skips an equal text, unless the step says repeat"),
    )
    return OrderImpact(frozenset(row["id"] for row, _ in moves), would_repeat, would_miss, warnings)


class _Course:
    """What lay ahead of each step before the edit, and what lies ahead of it now. Only steps that still exist."""

    def __init__(self, before: SequenceDraft, after: SequenceDraft) -> None:
        self._now = _find_ahead_by_id(after)
        kept = frozenset(self._now)
        self._before = {step: ahead & kept for step, ahead in _find_ahead_by_id(before).items()}
        self.best_place = cache(self._best_place)

    def was_ahead(self, step: int) -> _Steps:
        return self._before.get(step, frozenset())

    def is_ahead(self, step: int) -> _Steps:
        return self._now.get(step, frozenset())

    def changed_steps(self) -> list[int]:
        """Steps from which not all that lay ahead does so now, or something that lay behind."""
        stored = frozenset(self._before)
        return [step for step, ahead in self._before.items() if step in self._now and ahead != self._now[step] & stored]

    def _best_place(self, step: int, wanted: _Steps) -> int:
        """The step from which most of `wanted` lies ahead: this one if it is as good, else the first in order."""
        best, most = step, len(wanted & self.is_ahead(step))
        if most == len(wanted):
            return best
        for place, ahead in self._now.items():
            if place in wanted and (reached := len(wanted & ahead)) > most:
                best, most = place, reached
        return best


def _find_ahead_by_id(draft: SequenceDraft) -> dict[int, _Steps]:
    ahead = find_ahead(draft.steps, build_graph(draft.steps))
    return {int(step.key): frozenset(map(int, ahead[step.key])) for step in draft.steps}


def _move(moves: Sequence[tuple[Row, int]], facts: SequenceFacts, actor: str, now: datetime) -> None:
    if not moves:
        return
    ids = [row["id"] for row, _ in moves]
    ended = [row["sent_at"] or row["previous_ended_at"] for row, _ in moves]
    dues = [
        max(plan_due({**row, "previous_ended_at": end}, facts, facts.step(step)), row["next_step_at"] or end)
        for (row, step), end in zip(moves, ended, strict=True)
    ]
    withhold_queued(ids, [row["current_step_id"] for row, _ in moves], STEP_SKIPPED)
    execute(_GO_TO, {"ids": ids, "steps": [step for _, step in moves], "dues": dues, "ended": ended, "now": now})
    numbers = {step.id: step.number for step in facts.steps}
    lines = [(row, f"the order of steps changed: goes on at step {numbers[step]}, not had yet") for row, step in moves]
    log_edits(lines, facts, LogAction.MOVED, actor, now)


def _warn(counts: Counter[int], facts: SequenceFacts, text: str) -> Iterator[str]:
    for step in facts.steps:
        if count := counts[step.id]:
            contacts = "1 contact" if count == 1 else f"{count:,} contacts"
            yield f"step {step.number}: {contacts} {text}"
