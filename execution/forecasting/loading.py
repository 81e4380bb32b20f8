"""Read what a forecast starts from: mailboxes, what their caps have counted, and the enrollments with their next email.

A fixed number of statements for a workspace, whatever it holds. Locks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from common.db import Row, fetch_all
from emails.choices import LimitScope, LimitWindow, MailboxStatus, MessageStatus
from emails.facts.addresses import address_hold
from emails.facts.approvals import IS_AWAITING
from emails.models import EXECUTOR_RUNS
from emails.pacing.ledger import count_usage, read_caps
from emails.pacing.limits import Candidate, Cap, Usage
from emails.pacing.ramp import RampDay
from emails.rendering.merge_fields import PERSON_COLUMNS, PERSON_JOINS, MergeFields
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import SequenceFacts
from execution.forecasting.journeys import Journeys, Traveller, WantedEmail
from execution.forecasting.planner import Lane, Ramp
from sequences.models.time_off import list_time_off
from sequences.time.contact_calendar import read_contact_calendar

_MAILBOXES = f"""
SELECT b.id, b.address, b.owner_id, b.status, b.gap_seconds, b.jitter_seconds, b.next_slot_at, b.breaker_until,
       b.ramp_enabled, b.ramp_start, b.ramp_step, b.ramp_allowance, b.ramp_day,
       coalesce(nullif(b.timezone, ''), w.timezone) AS timezone,
       {list_time_off("b.owner_id", "w.id")} AS time_off, w.timezone AS workspace_timezone,
       w.name AS workspace, w.sending_paused_at IS NOT NULL AS is_workspace_paused,
       {EXECUTOR_RUNS} AS executor_runs
FROM emails_mailbox b JOIN sequences_workspace w ON w.id = b.workspace_id
WHERE b.workspace_id = %(workspace)s
ORDER BY b.address, b.id
"""
# What is paused without an end, or needs a review, wants nothing.
_ENROLLMENTS = f"""
SELECT e.id, e.workspace_id, e.sequence_id, e.mailbox_id, e.owner_id, e.current_step_id, e.previous_ended_at,
       e.next_step_at, e.retry_at, e.emails_sent, e.priority,
       CASE WHEN e.status = 'paused' THEN e.resume_at END AS resume_at,
       m.status AS message_status, m.sent_at, m.send_after_at, m.lane_order_at, m.due_at,
       {IS_AWAITING} AS awaits_approval,
       {address_hold("w.verify_addresses AND e.emails_sent = 0", "e.contact_id", "c.email")} AS address_hold,
       lower(split_part(c.email, '@', 2)) AS recipient_domain, {PERSON_COLUMNS}
FROM sequences_enrollment e
JOIN sequences_sequence s ON s.id = e.sequence_id
{PERSON_JOINS}
LEFT JOIN emails_emailmessage m ON m.enrollment_id = e.id AND m.step_id = e.current_step_id AND m.visit = e.visit
LEFT JOIN sequences_step t ON t.id = m.step_id
LEFT JOIN emails_approval ap ON ap.message_id = m.id
WHERE e.workspace_id = %(workspace)s AND e.mailbox_id IS NOT NULL
  AND (s.status = 'active' OR e.id = ANY(%(spread)s::bigint[]))
  AND (e.status = 'active' OR (e.status = 'paused' AND e.resume_at < %(until)s))
  AND coalesce(e.next_step_at, e.previous_ended_at) < %(until)s
ORDER BY e.id
"""
_SENT_STEPS = """
SELECT m.enrollment_id, array_agg(DISTINCT m.step_id) AS steps
FROM emails_emailmessage m JOIN sequences_enrollment e ON e.id = m.enrollment_id
WHERE e.workspace_id = %(workspace)s AND e.sequence_id = ANY(%(sequences)s::bigint[])
  AND e.status IN ('active', 'paused') AND m.status IN ('sending', 'sent', 'unknown') AND m.step_id IS NOT NULL
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Sender:
    """A mailbox that an enrollment may get, and the owner that the enrollment then has. `timezone`: the mailbox's."""

    mailbox_id: int
    owner_id: int | None
    timezone: str


def read_mailboxes(workspace_id: int) -> list[Row]:
    """The mailboxes of a workspace by address, with why one of them sends nothing."""
    return fetch_all(_MAILBOXES, {"workspace": workspace_id})


def sends_nothing(mailbox: Row) -> bool:
    return mailbox["status"] != MailboxStatus.ACTIVE or mailbox["is_workspace_paused"] or not mailbox["executor_runs"]


def read_wanted(
    workspace_id: int,
    journeys: Journeys,
    now: datetime,
    until: datetime,
    *,
    spread: frozenset[int] = frozenset(),
    senders: Sequence[Sender] = (),
) -> list[WantedEmail]:
    """The next email of every enrollment that has one before `until`.

    Those of `spread` have one for each of `senders`, as if it were theirs, also while their sequence is paused.
    """
    rows = fetch_all(_ENROLLMENTS, {"workspace": workspace_id, "until": until, "now": now, "spread": sorted(spread)})
    sequences = load_sequences(sorted({row["sequence_id"] for row in rows}))
    looping = [pk for pk, facts in sequences.items() if any(facts.comes_again(step) for step in facts.steps)]
    sent = {
        row["enrollment_id"]: frozenset(row["steps"])
        for row in fetch_all(_SENT_STEPS, {"workspace": workspace_id, "sequences": looping})
    }
    found: list[WantedEmail] = []
    for row in rows:
        facts = sequences[row["sequence_id"]]
        if row["id"] in spread:
            found += _spread_email(row, facts, journeys, now, senders)
        elif email := _next_email(row, facts, sent, journeys, now):
            found.append(email)
    return found


def _spread_email(
    row: Row, facts: SequenceFacts, journeys: Journeys, now: datetime, senders: Sequence[Sender]
) -> Iterator[WantedEmail]:
    """The first email by each sender. Those of one time zone share the planning."""
    of_zone: dict[str, WantedEmail | None] = {}
    for sender in senders:
        if sender.timezone not in of_zone:
            in_zone = {**row, "mailbox_timezone": sender.timezone}
            of_zone[sender.timezone] = _next_email(in_zone, facts, {}, journeys, now)
        email = of_zone[sender.timezone]
        if email is not None:
            candidate = replace(email.candidate, mailbox_id=sender.mailbox_id, owner_id=sender.owner_id)
            yield replace(email, candidate=candidate, traveller=replace(email.traveller, candidate=candidate))


def _next_email(
    row: Row, facts: SequenceFacts, sent: dict[int, frozenset[int]], journeys: Journeys, now: datetime
) -> WantedEmail | None:
    step = facts.step(row["current_step_id"])
    # of an address that takes no email, its first one is held without an end
    if step is None or row["address_hold"]:
        return None
    traveller = Traveller(
        candidate=Candidate(
            message_id=row["id"],
            mailbox_id=row["mailbox_id"],
            workspace_id=row["workspace_id"],
            owner_id=row["owner_id"],
            recipient_domain=row["recipient_domain"],
            is_first_touch=row["emails_sent"] == 0,
        ),
        sequence=facts,
        calendar=read_contact_calendar(facts.window, row),
        merge_fields=MergeFields(row),
        engagement_score=row["engagement_score"],
        priority=row["priority"],
    )
    sent_steps = sent.get(row["id"], frozenset())
    due_at = row["next_step_at"] or row["previous_ended_at"]
    if row["message_status"] is None:
        due_at = max(filter(None, (due_at, row["retry_at"], row["resume_at"])))
        last_email_at = row["previous_ended_at"] if row["emails_sent"] else None
        return journeys.walk(
            traveller, step, row["previous_ended_at"], sent_steps, last_email_at=last_email_at, due_at=due_at
        )
    email = journeys.want(traveller, step, due_at, sent_steps)
    match MessageStatus(row["message_status"]):
        case MessageStatus.QUEUED if row["awaits_approval"]:
            # when it is approved is not known
            return None
        case MessageStatus.QUEUED:
            ready_at = max(now, row["send_after_at"], row["resume_at"] or now)
            return replace(email, due_at=row["due_at"], ready_at=ready_at, order=row["lane_order_at"])
        case MessageStatus.FAILED:
            return replace(email, ready_at=max(now, row["retry_at"] or now))
        case MessageStatus.SENDING | MessageStatus.SENT:
            return journeys.follow(email, row["sent_at"] or now)
        case MessageStatus.UNKNOWN:
            return None
        case _:
            return email


def read_lanes(mailboxes: Sequence[Row], usages: Sequence[Usage], now: datetime) -> list[Lane]:
    """The mailboxes as the planner takes them."""
    ramps = {usage.cap.target: usage for usage in usages if usage.cap.is_ramp}
    return [_lane(row, ramps.get(str(row["id"])), now) for row in mailboxes]


def _lane(row: Row, ramp_usage: Usage | None, now: datetime) -> Lane:
    opens_at = max(filter(None, (now, row["next_slot_at"], row["breaker_until"])))
    ramp = None
    if row["ramp_enabled"]:
        day = RampDay(row["ramp_allowance"], row["ramp_day"])
        sent = tuple(reversed(ramp_usage.latest)) if ramp_usage else ()
        ramp = Ramp(day, row["ramp_start"], row["ramp_step"], sent)
    return Lane(
        mailbox_id=row["id"],
        zone=ZoneInfo(row["timezone"]),
        opens_at=None if sends_nothing(row) else opens_at,
        spacing=timedelta(seconds=row["gap_seconds"] + row["jitter_seconds"] / 2),
        ramp=ramp,
    )


def read_usages(
    workspace_id: int, mailboxes: Sequence[Row], wanted: Sequence[WantedEmail], now: datetime
) -> list[Usage]:
    """What every cap has counted, and the last day of each mailbox that ramps up."""
    candidates = list(
        {replace(email.candidate, message_id=0, is_first_touch=False): None for email in wanted}
        | {Candidate(0, row["id"], workspace_id, row["owner_id"], "", is_first_touch=False): None for row in mailboxes}
    )
    caps = [cap for cap in read_caps(candidates) if cap.target]
    caps += [
        Cap(
            LimitScope.MAILBOX,
            str(row["id"]),
            LimitWindow.DAY,
            row["ramp_start"] + row["ramp_allowance"] + row["ramp_step"],
            is_ramp=True,
        )
        for row in mailboxes
        if row["ramp_enabled"]
    ]
    return count_usage(caps, workspace_id, now)
