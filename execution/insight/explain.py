"""Why an enrollment waits and until when: the ordered list of what holds it. Reads only, changes nothing.

The same facts and rules as the engine's: the snapshot, and for a queued email what its lane last found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.db import Row, fetch_all
from emails.choices import BreakerState, MailboxStatus, MessageStatus
from emails.facts.addresses import address_hold
from emails.facts.approvals import IS_AWAITING
from emails.sending.final_check import WAITS_FOR_APPROVAL, is_inbox_stale
from execution.engine.calendar import calendar_for
from execution.engine.conditions import evaluate_condition
from execution.engine.loading import read_snapshots
from execution.engine.snapshot import Snapshot, StepFacts
from execution.heartbeat import ALIVE_SECONDS
from sequences.authoring.step_config import SplitConfig, TaskConfig
from sequences.choices import ENDED_STATUSES, ConditionType, EnrollmentStatus, SequenceStatus
from sequences.time.timing import TimingError, plan


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that holds an enrollment; `until` is the earliest time it clears, None: a user or a fact clears it.

    `message_id`: the message that a user must resolve.
    """

    code: str
    detail: str
    until: datetime | None = None
    message_id: int | None = None


# What a branch waits for, after "Waiting for".
_AWAITED = {
    ConditionType.EMAIL_OPENED: "an open",
    ConditionType.EMAIL_CLICKED: "a click",
    ConditionType.EMAIL_REPLIED: "a reply",
    ConditionType.TASK_COMPLETED: "its task to be completed",
    ConditionType.CONTACT_FIELD: "a contact field to match",
    ConditionType.ENGAGEMENT_SCORE: "the engagement score to match",
}
# First emails only; one that has no mailbox sends none.
_CHECKED_FIRST = "w.verify_addresses AND e.emails_sent = 0 AND e.mailbox_id IS NOT NULL"
_EXTRAS = f"""
SELECT e.id, e.last_error, e.pause_reason, e.paused_by, e.auto_exit_reason, e.completed_at,
       {IS_AWAITING} AS awaits_approval,
       {address_hold(_CHECKED_FIRST, "e.contact_id", "c.email")} AS address_hold,
       s.pause_reason AS sequence_reason, s.paused_by AS sequence_by,
       m.id AS message_id, m.status AS message_status, m.send_after_at, m.held_by, m.is_first_touch,
       b.address, b.status AS mailbox_status, b.status_reason, b.status_actor, b.breaker_state, b.breaker_until,
       b.breaker_failures, b.breaker_error, b.leased_until, b.next_slot_at, b.lane_at, b.lane_held_by,
       b.inbound, b.inbox_read_at,
       w.sending_paused_at, w.sending_paused_by, w.sending_paused_reason,
       x.is_paused AS executor_paused, x.paused_by AS executor_by, x.paused_reason AS executor_reason,
       EXISTS (SELECT 1 FROM execution_worker k
               WHERE k.stopped_at IS NULL AND k.heartbeat_at >= %(alive)s) AS has_worker
FROM sequences_enrollment e
JOIN sequences_sequence s ON s.id = e.sequence_id
JOIN sequences_workspace w ON w.id = e.workspace_id
JOIN sequences_contact c ON c.id = e.contact_id
LEFT JOIN emails_mailbox b ON b.id = e.mailbox_id
LEFT JOIN emails_emailmessage m
       ON m.enrollment_id = e.id AND m.step_id = e.current_step_id AND m.visit = e.visit
LEFT JOIN sequences_step t ON t.id = m.step_id
LEFT JOIN emails_approval ap ON ap.message_id = m.id
LEFT JOIN execution_executorstate x ON true
WHERE e.id = ANY(%(ids)s)
"""


def explain_enrollments(ids: Sequence[int], now: datetime) -> dict[int, tuple[Hold, ...]]:
    """What holds each of these enrollments, most important first, in a fixed number of statements."""
    if not ids:
        return {}
    extras = {
        row["id"]: row
        for row in fetch_all(_EXTRAS, {"ids": list(ids), "now": now, "alive": now - timedelta(seconds=ALIVE_SECONDS)})
    }
    return {
        snapshot.id: tuple(_explain(snapshot, extras[snapshot.id], now))
        for snapshot in read_snapshots(ids)
        if snapshot.id in extras
    }


def _explain(snapshot: Snapshot, row: Row, now: datetime) -> list[Hold]:
    if snapshot.status in ENDED_STATUSES:
        reason = row["auto_exit_reason"].replace("_", " ")
        text = "Completed" if snapshot.status is EnrollmentStatus.COMPLETED else f"Stopped: {reason}"
        return [Hold(snapshot.status.value, text)]
    holds = []
    if snapshot.stops.goal_met:
        holds.append(Hold("goal_met", f"The goal is met, the sequence ends: {snapshot.stops.goal_met}", now))
    # first: resuming the executor does not release it
    if snapshot.status is EnrollmentStatus.QUARANTINED:
        holds.append(Hold("quarantined", f"Quarantined, needs review: {row['last_error']}"))
    if row["executor_paused"]:
        holds.append(
            Hold("executor_paused", f"The executor is paused by {row['executor_by']}: {row['executor_reason']}")
        )
    if row["sending_paused_at"] is not None:
        who, since = row["sending_paused_by"], row["sending_paused_at"].astimezone(UTC)
        text = f"Sending of the workspace is paused by {who} since {since:%Y-%m-%d %H:%M} UTC"
        holds.append(Hold("workspace_paused", f"{text}: {row['sending_paused_reason']}"))
    if snapshot.status is EnrollmentStatus.PAUSED:
        holds.append(Hold("paused", f"Paused by {row['paused_by']}: {row['pause_reason']}", snapshot.resume_at))
    if snapshot.sequence.status == SequenceStatus.PAUSED:
        text = f"The sequence is paused by {row['sequence_by']}: {row['sequence_reason']}"
        holds.append(Hold("sequence_paused", text))
    if row["address_hold"]:
        holds.append(Hold("address_refused", f"No first email leaves: {row['address_hold']}"))
    holds += _explain_step(snapshot, row, now)
    if not row["has_worker"]:
        holds.append(Hold("no_worker", "No executor is running: start run_executor or qcluster"))
    return holds or [Hold("ready", "Ready: runs in the next cycle", now)]


def _explain_step(snapshot: Snapshot, row: Row, now: datetime) -> list[Hold]:
    step = snapshot.sequence.step(snapshot.current_step_id)
    if step is None:
        return [Hold("no_step", "Its current step was deleted: move it to another step or exit it")]
    due_at = snapshot.next_step_at or snapshot.previous_ended_at
    if now < due_at:
        return _explain_due(snapshot, step, due_at)
    if snapshot.retry_at is not None and now < snapshot.retry_at:
        return [Hold("retry", f"Attempt {snapshot.retry_count + 1} after: {row['last_error']}", snapshot.retry_at)]
    if row["message_status"] is not None:
        return _explain_message(row, now)
    if isinstance(step.config, TaskConfig) and snapshot.task is not None and snapshot.task.completed_at is None:
        return [Hold("task_open", "Waiting for its task to be completed")]
    if isinstance(step.config, SplitConfig) and (
        again_at := evaluate_condition(step.config, snapshot, due_at).evaluate_again_at(now)
    ):
        text = f"Waiting for {_AWAITED[step.config.condition]}"
        return [Hold("waiting_for_signal", text, again_at)]
    return []


def _explain_due(snapshot: Snapshot, step: StepFacts, due_at: datetime) -> list[Hold]:
    """The delay, and each timing rule that moved the due time further."""
    calendar = calendar_for(step.type, snapshot.sequence.window, snapshot.calendar)
    try:
        planned = plan(snapshot.previous_ended_at, step.timing, calendar)
    except TimingError as error:
        return [Hold("timing", str(error))]
    moves = [Hold(move.code, move.detail, move.until) for move in planned.moves] if planned.at == due_at else []
    local = snapshot.calendar.zone
    zone = f"{local.name}, the {local.source}'s zone"
    return [
        Hold(
            "not_due",
            f"Step {step.number} is due at {due_at.astimezone(local.zone):%Y-%m-%d %H:%M} ({zone})",
            due_at,
        ),
        *moves,
    ]


def _explain_message(row: Row, now: datetime) -> list[Hold]:
    match MessageStatus(row["message_status"]):
        case MessageStatus.SENDING:
            return [Hold("sending", "Its email is being sent right now", now)]
        case MessageStatus.UNKNOWN:
            text = "Delivery unconfirmed: mark it as sent or send it again"
            return [Hold("unknown_outcome", text, message_id=row["message_id"])]
        case MessageStatus.QUEUED:
            return _explain_lane(row, now)
        case _:
            return []


def _explain_lane(row: Row, now: datetime) -> list[Hold]:
    holds = []
    if row["awaits_approval"]:
        holds.append(Hold("awaiting_approval", WAITS_FOR_APPROVAL))
    if row["mailbox_status"] != MailboxStatus.ACTIVE:
        code = f"mailbox_{row['mailbox_status']}"
        text = f"Mailbox {row['address']} is {row['mailbox_status']} by {row['status_actor']}: {row['status_reason']}"
        holds.append(Hold(code, text))
    if row["breaker_failures"] or row["breaker_state"] != BreakerState.CLOSED:
        text = f"The mail server of {row['address']} is failing: {row['breaker_error']}"
        holds.append(Hold("mail_server_down", text, row["breaker_until"] or row["next_slot_at"]))
    code, _, detail = row["held_by"].partition(": ")
    # what is looked up here as it is now
    found_again = {"", "awaiting_approval"} | ({"address_refused"} if row["address_hold"] else set())
    if not row["is_first_touch"] and is_inbox_stale(row["inbound"], row["inbox_read_at"], now):
        holds.append(Hold("inbox_stale", _describe_stale(row["address"], row["inbox_read_at"])))
    elif code not in found_again and row["send_after_at"] > now:
        holds.append(Hold(code, detail, row["send_after_at"]))
    if row["lane_held_by"] and row["lane_at"] is not None and row["lane_at"] > now:
        code, _, detail = row["lane_held_by"].partition(": ")
        holds.append(Hold(code, f"{row['address']}: {detail}", row["lane_at"]))
    elif row["next_slot_at"] is not None and row["next_slot_at"] > now and not row["breaker_failures"]:
        at = row["next_slot_at"].astimezone(UTC)
        holds.append(Hold("gap", f"Send spacing for {row['address']}: next send at {at:%Y-%m-%d %H:%M} UTC", at))
    elif row["leased_until"] is not None and row["leased_until"] > now:
        holds.append(Hold("lane_busy", f"{row['address']} is sending other emails right now"))
    return holds


def _describe_stale(address: str, read_at: datetime | None) -> str:
    since = f"since {read_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if read_at else "yet"
    return f"The inbox of {address} has not been checked {since}; there may be a reply"
