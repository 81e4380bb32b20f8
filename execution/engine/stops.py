"""The facts that stop an enrollment and the facts that pause it. Pure.

They are evaluated before every step, in this order. Stop facts apply to active, paused and quarantined enrollments.
"""

from __future__ import annotations

from datetime import datetime

from common.text import instant_text
from emails.facts.stops import COLLEAGUE_REPLIED, find_exit_reason, find_rest
from execution.choices import LogAction
from execution.engine.outcomes import CreateTask, Exit, LogLine, Pause
from execution.engine.snapshot import Snapshot
from sequences.choices import ExitReason, TaskPriority, TaskType

_REASONS = {
    ExitReason.REPLIED: "The contact replied",
    ExitReason.UNSUBSCRIBED: "The contact unsubscribed",
    ExitReason.COMPLAINED: "The contact reported spam",
    ExitReason.BOUNCED: "The address bounced",
    ExitReason.LEFT_COMPANY: "The contact has left the company",
    ExitReason.SUPPRESSED: "The address or its domain is suppressed",
    ExitReason.ACCOUNT_REPLIED: COLLEAGUE_REPLIED,
    ExitReason.SEQUENCE_ARCHIVED: "The sequence was archived",
}


def find_stop(snapshot: Snapshot) -> Exit | None:
    reason = find_exit_reason(
        snapshot.stops, snapshot.account_policy, snapshot.sequence.status, snapshot.sequence.on_reply
    )
    if reason is None:
        return None
    details = {"reason": reason.value}
    if reason is ExitReason.GOAL_MET:
        text = f"The goal is met: {snapshot.stops.goal_met}"
        details["goal"] = snapshot.stops.goal_met
    else:
        text = _REASONS[reason]
    log = LogLine(LogAction.EXITED, text, details=details)
    return Exit(reason, log, tasks=_successor_task(snapshot) if reason is ExitReason.LEFT_COMPANY else ())


def _successor_task(snapshot: Snapshot) -> tuple[CreateTask, ...]:
    """The work that a departure leaves: to write to the successor, where the automatic answer names one."""
    left_at, successor = snapshot.stops.left_company_at, snapshot.stops.successor
    if left_at is None or not successor:
        return ()
    title = f"Contact the successor: {successor}"
    instructions = f"{snapshot.recipient} has left the company. The automatic answer names {successor} instead."
    return (CreateTask(TaskType.GENERIC.value, TaskPriority.NORMAL.value, title[:300], instructions, left_at),)


def find_pause(snapshot: Snapshot, now: datetime) -> Pause | None:
    """The pause that a fact recorded since the last resume asks for, if any."""
    rest = find_rest(snapshot.resting, snapshot.account_policy, snapshot.account_delay_days, now)
    if rest is None:
        return None
    details = {"resume_at": instant_text(rest.until)} if rest.until else {}
    return Pause(rest.reason, rest.until, LogLine(LogAction.PAUSED, rest.reason, details=details))
