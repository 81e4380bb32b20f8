"""The final check before sending (transaction A): mark what may be sent now, everything re-read under locks.

1. Lock the mailbox's row (FOR UPDATE), if the lease is still ours; read its status, pace, breaker, ramp and whether the
   executor runs. A transaction that queues a message at the same time waits for this row and wakes the lane after us.
2. Lock the enrollments of the first queued messages, in lane order; those that are locked are left to the next chunk.
   There are none while the workspace is paused, which is read here since the pause waits for the lock of step 1.
3. Re-read addresses, stop facts, suppressions, windows and the freshness of the inbox. Withhold stopped messages and
   wake their enrollments; hold those that must wait.
4. Lock the caps concerned in id order, count what the ledger says was sent, choose what they allow.
5. Mark the chosen messages: status `sending`, token, `handed_over_at`, attempt + 1. Set the lane's next time.

A stop fact stored by another transaction is either seen here, or waits for these locks and finds the message `sending`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings

from common.db import Row, execute, fetch_all
from emails.choices import (
    ADDRESS_CHANGED,
    APPROVAL_OUTDATED,
    SAME_TEXT,
    VARIANT_CHANGED,
    BreakerState,
    Inbound,
    LimitScope,
    LimitWindow,
    MailboxStatus,
)
from emails.facts.addresses import UNCHECKED, address_hold, request_domains
from emails.facts.approvals import IS_AWAITING, withdraw_approvals
from emails.facts.blocked import was_blocked
from emails.facts.stop_facts import load_stop_facts
from emails.facts.stops import Rest, Resting, find_exit_reason, find_rest
from emails.models import DURABLE_COMMIT, EXECUTOR_RUNS, status_of
from emails.pacing.breaker import Breaker
from emails.pacing.ledger import count_usage, lock_caps
from emails.pacing.limits import Candidate, Cap, SendHold, allot
from emails.pacing.ramp import RampDay, advance_ramp
from emails.pacing.slots import find_slot, planned_slot
from emails.pacing.windows import find_opening
from emails.sending import journal
from emails.sending.answer_stops import find_refused_answers
from emails.sending.goals import add_met_goals, read_goal
from emails.sending.lanes import LEASE_SECONDS, Lease, LeaseLostError
from sequences.content.variants import ARM_JOIN, HAS_ARM, TEXT_HASH
from sequences.enrollment_sql import wake_enrollments
from sequences.models.time_off import list_time_off
from sequences.models.workspace import HOLIDAY_COLUMNS, workspace_sends

# How many messages are checked for chunks of up to 1, 8, 20 and 50: more than the chunk takes, so that those that must
# wait do not block the ones behind them. Few different numbers, since each is a statement with a plan of its own.
_CHECKED = ((1, 13), (8, 20), (20, 32), (50, 62))
_STALE_INBOX_RECHECK = timedelta(minutes=1)
_LOCKED_RECHECK = timedelta(seconds=1)
_RESTING_RECHECK = timedelta(minutes=1)
_APPROVAL_RECHECK = timedelta(minutes=10)
_REFUSED_RECHECK = timedelta(minutes=10)
_UNCHECKED_RECHECK = timedelta(seconds=15)
_LARGEST_CHUNK = 50
WAITS_FOR_APPROVAL = "Waiting for approval"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What this lane sends now. Empty: nothing may be sent before `again_at` (None: until it is woken)."""

    message_ids: tuple[int, ...]
    again_at: datetime | None
    breaker: Breaker


_LANE = f"""
SELECT b.id, b.workspace_id, b.status, b.transport, b.inbound, b.inbox_read_at, b.gap_seconds, b.jitter_seconds,
       b.next_slot_at, b.breaker_state, b.breaker_failures, b.breaker_trips, b.breaker_until, b.ramp_enabled,
       b.ramp_start, b.ramp_step, b.ramp_allowance, b.ramp_day,
       coalesce(nullif(b.timezone, ''), w.timezone) AS timezone,
       {EXECUTOR_RUNS} AS executor_runs, {DURABLE_COMMIT} AS commits
FROM emails_mailbox b JOIN sequences_workspace w ON w.id = b.workspace_id
WHERE b.id = %(mailbox)s AND b.lease_token = %(token)s
FOR UPDATE OF b
"""
_CANDIDATES = f"""
SELECT m.id AS message_id, e.id
FROM emails_emailmessage m
JOIN sequences_enrollment e ON e.id = m.enrollment_id
JOIN sequences_sequence s ON s.id = e.sequence_id
WHERE m.mailbox_id = %(mailbox)s AND m.status = 'queued' AND m.send_after_at <= %(now)s
  AND {workspace_sends("m.workspace_id")}
  AND (m.is_answer OR (e.status = 'active' AND s.status IN ('active', 'archived')))
ORDER BY m.lane_order_at, m.id
LIMIT {{limit}}
FOR NO KEY UPDATE OF e SKIP LOCKED
"""
_DETAILS = f"""
SELECT m.id AS message_id, m.message_id AS header_id, m.recipient, m.recipient_domain, m.is_first_touch, m.is_answer,
       m.owner_id, e.id, e.workspace_id, e.contact_id, e.enrolled_at, e.resumed_at,
       s.status AS sequence_status, s.window::text AS window, coalesce(t.skip_weekends, false) AS skip_weekends,
       m.recipient AS email, c.email AS current_email, c.timezone AS contact_timezone, c.account_id,
       a.domain AS account_domain, a.timezone AS account_timezone, b.timezone AS mailbox_timezone,
       w.timezone AS workspace_timezone, {HOLIDAY_COLUMNS},
       {list_time_off("b.owner_id", "w.id")} AS time_off, w.account_reply_policy,
       w.account_reply_delay_days, s.on_reply, s.goal::text AS goal,
       {IS_AWAITING} AS awaits_approval, ap.approved_at,
       {address_hold("w.verify_addresses AND m.is_first_touch AND NOT m.is_answer", "m.contact_id", "m.recipient")}
           AS address_hold,
       NOT t.repeat AND EXISTS (
           SELECT 1 FROM emails_emailmessage p JOIN sequences_enrollment q ON q.id = p.enrollment_id
           WHERE p.contact_id = m.contact_id AND p.id <> m.id AND p.content_hash = {TEXT_HASH}
             AND {status_of("p")} IN ('sending', 'sent', 'unknown') AND q.sequence_id = e.sequence_id
             AND (q.id = e.id OR e.again_reason = '')
             AND NOT {was_blocked("p")}
       ) AS is_same_text,
       {HAS_ARM} AS has_variant
FROM emails_emailmessage m
JOIN sequences_enrollment e ON e.id = m.enrollment_id
JOIN sequences_sequence s ON s.id = e.sequence_id
JOIN sequences_contact c ON c.id = e.contact_id
JOIN sequences_workspace w ON w.id = e.workspace_id
JOIN emails_mailbox b ON b.id = m.mailbox_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN sequences_step t ON t.id = m.step_id
{ARM_JOIN}
LEFT JOIN emails_approval ap ON ap.message_id = m.id
WHERE m.id = ANY(%(messages)s::bigint[]) AND {status_of("m")} = 'queued'
ORDER BY m.lane_order_at, m.id
"""
_WITHHOLD = """
UPDATE emails_emailmessage m SET status = 'withheld', withheld_reason = r.reason
FROM unnest(%(messages)s::bigint[], %(reasons)s::text[]) AS r(id, reason)
WHERE m.id = r.id AND m.status = 'queued' RETURNING m.enrollment_id
"""
_HOLD = """
UPDATE emails_emailmessage m SET send_after_at = r.until, held_by = r.held_by
FROM unnest(%(messages)s::bigint[], %(until)s::timestamptz[], %(held_by)s::text[]) AS r(id, until, held_by)
WHERE m.id = r.id AND m.status = 'queued'
"""
_MARK = f"""
UPDATE emails_emailmessage m
SET status = 'sending', lease_token = %(token)s, leased_until = %(until)s, handed_over_at = %(now)s,
    attempts = attempts + 1, held_by = '',
    content_hash = (SELECT {TEXT_HASH} FROM sequences_step t {ARM_JOIN} WHERE t.id = m.step_id)
WHERE id = ANY(%(messages)s::bigint[]) AND {status_of("m")} = 'queued'
"""
_SET_LANE = """
UPDATE emails_mailbox
SET lane_at = %(lane_at)s, lane_held_by = %(held_by)s, next_slot_at = %(next_slot_at)s, breaker_state = %(state)s,
    ramp_allowance = %(allowance)s, ramp_day = %(day)s
WHERE id = %(mailbox)s
"""
_NEXT_QUEUED = """
SELECT min(m.send_after_at) AS at
FROM emails_emailmessage m
JOIN sequences_enrollment e ON e.id = m.enrollment_id
JOIN sequences_sequence s ON s.id = e.sequence_id
WHERE m.mailbox_id = %(mailbox)s AND m.status = 'queued'
  AND (m.is_answer OR (e.status = 'active' AND s.status IN ('active', 'archived')))
"""


def claim_chunk(lease: Lease, now: datetime, size: int) -> Chunk:
    """Mark up to `size` messages as `sending`. Call inside a transaction. Raises `LeaseLostError`."""
    rows = fetch_all(_LANE, {"mailbox": lease.mailbox_id, "token": lease.token})
    if not rows:
        raise LeaseLostError(f"the lane of mailbox {lease.mailbox_id} was taken over")
    lane = rows[0]
    breaker = Breaker(
        BreakerState(lane["breaker_state"]), lane["breaker_failures"], lane["breaker_trips"], lane["breaker_until"]
    )
    ramp = RampDay(lane["ramp_allowance"], lane["ramp_day"])
    if lane["status"] != MailboxStatus.ACTIVE:
        return _rest(lane, None, breaker, ramp)
    if not lane["executor_runs"]:
        return Chunk((), None, breaker)
    if breaker.is_open_at(now):
        return _rest(lane, breaker.until, breaker, ramp)
    gap_seconds, jitter_seconds = lane["gap_seconds"], lane["jitter_seconds"]
    slot = find_slot(lane["next_slot_at"], gap_seconds, jitter_seconds, now, is_failing=breaker.allows_probe_only())
    lane["next_slot_at"] = slot
    if slot is not None:
        return _rest(lane, slot, breaker, ramp)
    if breaker.state is BreakerState.OPEN:
        breaker = replace(breaker, state=BreakerState.HALF_OPEN)
    # the pace may have been set while the lane is served
    most = 1 if breaker.allows_probe_only() else chunk_limit(gap_seconds, jitter_seconds)
    return _check_lane(lease, lane, breaker, ramp, now, min(size, most))


def chunk_limit(gap_seconds: int, jitter_seconds: int) -> int:
    """The most messages whose outcome a crash may leave unknown: one where the mailbox has a pace."""
    return 1 if gap_seconds or jitter_seconds else _LARGEST_CHUNK


def _check_lane(lease: Lease, lane: Row, breaker: Breaker, ramp: RampDay, now: datetime, size: int) -> Chunk:
    checked = next(number for largest, number in _CHECKED if size <= largest)
    found = fetch_all(_CANDIDATES.format(limit=checked), {"mailbox": lane["id"], "now": now})
    rows = fetch_all(_DETAILS, {"messages": [row["message_id"] for row in found], "now": now}) if found else []
    eligible, held = _check_facts(lane, rows, now)
    ramp = advance_ramp(lane, ramp, now) if eligible else ramp
    candidates = [_candidate(row, lane) for row in eligible]
    caps = lock_caps(candidates)
    if lane["ramp_enabled"] and ramp.day is not None:
        caps.append(Cap(LimitScope.MAILBOX, str(lane["id"]), LimitWindow.DAY, ramp.allowance, is_ramp=True))
    allotment = allot(candidates, count_usage(caps, lane["workspace_id"], now), size, now) if candidates else None
    taken = allotment.taken if allotment else ()
    held += allotment.held if allotment else ()
    _hold(held)
    if taken:
        _mark(lease, taken, now)
    slot = lane["next_slot_at"]
    if taken:
        last = next(row["header_id"] for row in eligible if row["message_id"] == taken[-1])
        slot = planned_slot(now, last, lane["gap_seconds"], lane["jitter_seconds"])
    again_at = _again_at(lane, taken, held, found, checked, slot, now)
    lane_hold = next((describe_hold(hold) for hold in held if hold.message_id is None), "")
    ramp = ramp if taken else RampDay(lane["ramp_allowance"], lane["ramp_day"])
    _set_lane(lane, again_at, slot, breaker, ramp, lane_hold)
    return Chunk(taken, again_at, breaker)


def _check_facts(lane: Row, rows: Sequence[Row], now: datetime) -> tuple[list[Row], list[SendHold]]:
    """The messages that may be sent, and the holds of those that must wait. Withholds stopped ones and wakes them."""
    if not rows:
        return [], []
    stops = add_met_goals(load_stop_facts(rows), {row["id"]: read_goal(row["goal"]) for row in rows})
    refused = find_refused_answers([row["message_id"] for row in rows if row["is_answer"]])
    eligible: list[Row] = []
    held: list[SendHold] = []
    withheld: list[tuple[int, str]] = []
    for row in rows:
        if row["is_answer"]:
            # a user sends it to a contact who has just written: no window, pause or end of the sequence holds it
            if row["message_id"] in refused:
                withheld.append((row["message_id"], refused[row["message_id"]]))
            else:
                eligible.append(row)
            continue
        reason = find_exit_reason(
            stops[row["id"]][0], row["account_reply_policy"], row["sequence_status"], row["on_reply"]
        )
        if reason is not None:
            withheld.append((row["message_id"], reason.value))
        elif row["recipient"].lower() != row["current_email"].lower():
            # the engine queues it again, for the contact's new address
            withheld.append((row["message_id"], ADDRESS_CHANGED))
        elif row["has_variant"] is False:
            # the engine queues it again, with the variant that the contact gets now
            withheld.append((row["message_id"], VARIANT_CHANGED))
        elif row["is_same_text"]:
            # the engine logs it and goes on to the next step
            withheld.append((row["message_id"], SAME_TEXT))
        elif row["awaits_approval"] and row["approved_at"] is not None:
            # the engine logs it and queues it again, without an approval
            withheld.append((row["message_id"], APPROVAL_OUTDATED))
        elif row["address_hold"] is not None:
            held.append(_hold_address(row, now))
        elif row["awaits_approval"]:
            held.append(SendHold(row["message_id"], now + _APPROVAL_RECHECK, "awaiting_approval", WAITS_FOR_APPROVAL))
        elif rest := find_row_rest(row, stops[row["id"]][1], now):
            # the engine pauses the enrollment; until it has, this is what holds the message
            held.append(SendHold(row["message_id"], now + _RESTING_RECHECK, "resting", rest.reason))
        elif opening := find_opening(row, now):
            held.append(SendHold(row["message_id"], opening.until, opening.code, opening.detail))
        elif not row["is_first_touch"] and is_inbox_stale(lane["inbound"], lane["inbox_read_at"], now):
            until = now + _STALE_INBOX_RECHECK
            held.append(SendHold(row["message_id"], until, "inbox_stale", "the inbox has not been checked lately"))
        else:
            eligible.append(row)
    request_domains([row["recipient_domain"] for row in rows if row["address_hold"] == ""], now, is_awaited=True)
    if withheld:
        messages, reasons = zip(*withheld, strict=True)
        withdraw_approvals([pk for pk, reason in withheld if reason == APPROVAL_OUTDATED], now)
        gone = fetch_all(_WITHHOLD, {"messages": list(messages), "reasons": list(reasons)})
        wake_enrollments([row["enrollment_id"] for row in gone], now)
    return eligible, held


def _hold_address(row: Row, now: datetime) -> SendHold:
    """Of a first email, by `address_hold`."""
    if row["address_hold"]:
        return SendHold(row["message_id"], now + _REFUSED_RECHECK, "address_refused", row["address_hold"])
    return SendHold(row["message_id"], now + _UNCHECKED_RECHECK, "address_unchecked", UNCHECKED)


def find_row_rest(row: Row, resting: Resting, now: datetime) -> Rest | None:
    return find_rest(resting, row["account_reply_policy"], row["account_reply_delay_days"], now)


def is_inbox_stale(inbound: str, inbox_read_at: datetime | None, now: datetime) -> bool:
    """Whether there may be an unread reply in an inbox that the product reads."""
    if inbound != Inbound.IMAP:
        return False
    return inbox_read_at is None or inbox_read_at < now - timedelta(minutes=settings.REPLY_FRESHNESS_MINUTES)


def _candidate(row: Row, lane: Row) -> Candidate:
    return Candidate(
        message_id=row["message_id"],
        mailbox_id=lane["id"],
        workspace_id=lane["workspace_id"],
        owner_id=row["owner_id"],
        recipient_domain=row["recipient_domain"],
        is_first_touch=row["is_first_touch"],
    )


def _hold(held: Sequence[SendHold]) -> None:
    rows = [hold for hold in held if hold.message_id is not None]
    if rows:
        execute(
            _HOLD,
            {
                "messages": [hold.message_id for hold in rows],
                "until": [hold.until for hold in rows],
                "held_by": [describe_hold(hold) for hold in rows],
            },
        )


def describe_hold(hold: SendHold) -> str:
    return f"{hold.code}: {hold.detail}"[:200]


def _mark(lease: Lease, taken: Sequence[int], now: datetime) -> None:
    until = now + timedelta(seconds=LEASE_SECONDS)
    execute(_MARK, {"messages": list(taken), "token": lease.token, "until": until, "now": now})
    journal.note(taken, journal.MARKED)


def _again_at(
    lane: Row,
    taken: Sequence[int],
    held: Sequence[SendHold],
    found: Sequence[Row],
    checked: int,
    slot: datetime | None,
    now: datetime,
) -> datetime | None:
    lane_hold = next((hold.until for hold in held if hold.message_id is None), None)
    if lane_hold is not None:
        return max(lane_hold, slot or lane_hold)
    if len(found) > len(taken) + len(held) or len(found) == checked:
        return max(now, slot or now)
    queued_at: datetime | None = fetch_all(_NEXT_QUEUED, {"mailbox": lane["id"]})[0]["at"]
    if queued_at is None:
        return None
    if not taken and not held and queued_at <= now:
        # another transaction holds the locks of what is ready: do not poll for them
        return now + _LOCKED_RECHECK
    return max(queued_at, slot or queued_at)


def _rest(lane: Row, again_at: datetime | None, breaker: Breaker, ramp: RampDay) -> Chunk:
    _set_lane(lane, again_at, lane["next_slot_at"], breaker, ramp)
    return Chunk((), again_at, breaker)


def _set_lane(
    lane: Row, again_at: datetime | None, slot: datetime | None, breaker: Breaker, ramp: RampDay, held_by: str = ""
) -> None:
    execute(
        _SET_LANE,
        {
            "mailbox": lane["id"],
            "lane_at": again_at,
            "held_by": held_by,
            "next_slot_at": slot,
            "state": breaker.state.value,
            "allowance": ramp.allowance,
            "day": ramp.day,
        },
    )
