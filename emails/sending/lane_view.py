"""A lane for operators: its state, usage of each cap, and its queue with planned times. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from common.db import Row, fetch_all
from emails.choices import BreakerState, LimitScope, LimitWindow
from emails.facts.approvals import IS_AWAITING
from emails.models import Mailbox
from emails.pacing.breaker import Breaker
from emails.pacing.ledger import count_usage, read_caps
from emails.pacing.limits import Candidate, Cap, Usage
from emails.pacing.slots import planned_slot
from emails.pacing.windows import find_opening
from emails.sending.final_check import is_inbox_stale
from emails.sending.lane_plan import Waiting, plan_queue
from sequences.models.time_off import list_time_off
from sequences.models.workspace import HOLIDAY_COLUMNS

COUNTED_AT_MOST = 10_000
# planning a queue takes time that grows with the square of its length
_MOST_PLANNED, _LEAST_PLANNED = 300, 10


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """`planned_at`: when it is sent if nothing else is queued; None while it is paused."""

    id: int
    enrollment_id: int
    recipient: str
    priority: int
    is_first_touch: bool
    due_at: datetime
    queued_at: datetime
    planned_at: datetime | None
    held_by: str


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane now. `queue_length` stops counting at 10,000. Times are UTC."""

    mailbox_id: int
    address: str
    status: str
    status_reason: str
    breaker: Breaker
    breaker_error: str
    next_slot_at: datetime | None
    held_by: str
    held_until: datetime | None
    inbox_read_at: datetime | None
    is_inbox_stale: bool
    leased_by: str
    queue_length: int
    in_hand: int
    unknown: int
    usages: tuple[Usage, ...]
    queue: tuple[QueuedMessage, ...]


_QUEUE = f"""
SELECT m.id, m.enrollment_id, m.mailbox_id, m.message_id AS header_id, m.recipient, m.recipient_domain, m.priority,
       m.is_first_touch, m.owner_id, m.due_at, m.queued_at, m.send_after_at, m.held_by,
       (m.is_answer OR (e.status = 'active' AND s.status = 'active' AND NOT {IS_AWAITING}))
           AND w.sending_paused_at IS NULL AS may_leave,
       s.window::text AS window, coalesce(t.skip_weekends, false) AS skip_weekends,
       c.timezone AS contact_timezone, a.timezone AS account_timezone, b.timezone AS mailbox_timezone,
       w.timezone AS workspace_timezone, {HOLIDAY_COLUMNS},
       {list_time_off("b.owner_id", "w.id")} AS time_off
FROM unnest(%(mailboxes)s::bigint[]) AS x(id)
CROSS JOIN LATERAL (
    SELECT n.* FROM emails_emailmessage n WHERE n.mailbox_id = x.id AND n.status = 'queued'
    ORDER BY n.lane_order_at, n.id LIMIT %(limit)s) m
-- looked up one by one: the planner cannot know how few the lateral rows are
CROSS JOIN LATERAL (SELECT i.* FROM sequences_enrollment i WHERE i.id = m.enrollment_id LIMIT 1) e
CROSS JOIN LATERAL (SELECT i.* FROM sequences_contact i WHERE i.id = e.contact_id LIMIT 1) c
JOIN sequences_sequence s ON s.id = e.sequence_id
JOIN sequences_workspace w ON w.id = e.workspace_id
JOIN emails_mailbox b ON b.id = m.mailbox_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN sequences_step t ON t.id = m.step_id
LEFT JOIN emails_approval ap ON ap.message_id = m.id
ORDER BY m.lane_order_at, m.id
"""
_COUNTS = """
SELECT b.id,
       (SELECT count(*) FROM (SELECT 1 FROM emails_emailmessage m WHERE m.mailbox_id = b.id AND m.status = 'queued'
                              LIMIT %(most)s) q) AS queued,
       (SELECT count(*) FROM emails_emailmessage m WHERE m.mailbox_id = b.id AND m.status = 'sending') AS in_hand,
       (SELECT count(*) FROM emails_emailmessage m WHERE m.workspace_id = b.workspace_id AND m.mailbox_id = b.id
                                                     AND m.status = 'unknown') AS unknown
FROM emails_mailbox b WHERE b.id = ANY(%(ids)s)
"""
_CAPS = """
SELECT b.id AS lane, l.scope, l."window", l.maximum, l.first_touch_only,
       CASE l.scope WHEN 'mailbox' THEN l.mailbox_id WHEN 'user' THEN l.user_id ELSE l.workspace_id END::text AS target
FROM emails_mailbox b
JOIN emails_sendlimit l ON l.workspace_id = b.workspace_id
     AND (l.scope = 'workspace' OR l.mailbox_id = b.id OR l.user_id = b.owner_id)
WHERE b.id = ANY(%(ids)s)
ORDER BY b.id, l.id
"""


def read_lane(mailbox: Mailbox, now: datetime, limit: int = 50) -> LaneView:
    """The lane with the first `limit` messages of its queue."""
    rows = fetch_all(_QUEUE, {"mailboxes": [mailbox.pk], "limit": limit, "now": now})
    candidates = [_candidate(row, mailbox) for row in rows] or [_lane_itself(mailbox)]
    caps = [*read_caps(candidates), *_ramp_caps([mailbox])]
    usages = count_usage(caps, mailbox.workspace_id, now)
    planned = _plan(mailbox, rows, usages, now)
    queue = tuple(_queued(row, planned.get(row["id"])) for row in rows)
    return _view(mailbox, _counts([mailbox.pk])[mailbox.pk], usages, queue, now)


def read_lanes(mailboxes: Sequence[Mailbox], now: datetime) -> list[LaneView]:
    """Each lane with its usage, without its queue."""
    counts = _counts([mailbox.pk for mailbox in mailboxes])
    caps = _caps_of_lanes([mailbox.pk for mailbox in mailboxes])
    usages: dict[tuple[int, Cap], Usage] = {}
    # a lane shares caps with others of its workspace: each is counted once
    for workspace_id in sorted({mailbox.workspace_id for mailbox in mailboxes}):
        shown = [mailbox.pk for mailbox in mailboxes if mailbox.workspace_id == workspace_id]
        distinct = list(dict.fromkeys(cap for pk in shown for cap in caps[pk]))
        usages |= {(workspace_id, usage.cap): usage for usage in count_usage(distinct, workspace_id, now)}
    return [
        _view(mailbox, counts[mailbox.pk], [usages[mailbox.workspace_id, cap] for cap in caps[mailbox.pk]], (), now)
        for mailbox in mailboxes
    ]


def read_planned_times(mailbox_ids: Sequence[int], now: datetime) -> dict[int, datetime]:
    """When the queued emails of these mailboxes are sent, by enrollment: the first of each queue, 300 in total.

    Two statements, and two more for each workspace.
    """
    mailboxes = list(Mailbox.objects.filter(pk__in=mailbox_ids).order_by("pk"))
    if not mailboxes:
        return {}
    limit = max(_LEAST_PLANNED, _MOST_PLANNED // len(mailboxes))
    rows_of: dict[int, list[Row]] = {mailbox.pk: [] for mailbox in mailboxes}
    for row in fetch_all(_QUEUE, {"mailboxes": list(rows_of), "limit": limit, "now": now}):
        rows_of[row["mailbox_id"]].append(row)
    planned: dict[int, datetime] = {}
    for workspace_id in sorted({mailbox.workspace_id for mailbox in mailboxes}):
        own = [mailbox for mailbox in mailboxes if mailbox.workspace_id == workspace_id and rows_of[mailbox.pk]]
        candidates = [_candidate(row, mailbox) for mailbox in own for row in rows_of[mailbox.pk]]
        usages = count_usage([*read_caps(candidates), *_ramp_caps(own)], workspace_id, now)
        for mailbox in own:
            times = _plan(mailbox, rows_of[mailbox.pk], usages, now)
            planned |= {row["enrollment_id"]: times[row["id"]] for row in rows_of[mailbox.pk] if row["id"] in times}
    return planned


def _ramp_caps(mailboxes: Sequence[Mailbox]) -> list[Cap]:
    return [
        Cap(LimitScope.MAILBOX, str(mailbox.pk), LimitWindow.DAY, mailbox.ramp_allowance, is_ramp=True)
        for mailbox in mailboxes
        if mailbox.ramp_enabled and mailbox.ramp_day is not None
    ]


def _caps_of_lanes(ids: Sequence[int]) -> dict[int, list[Cap]]:
    """What holds whole lanes; caps of recipient domains hold single messages."""
    caps: dict[int, list[Cap]] = {pk: [] for pk in ids}
    for row in fetch_all(_CAPS, {"ids": list(ids)}):
        scope = LimitScope(row["scope"])
        caps[row["lane"]].append(
            Cap(scope, row["target"], LimitWindow(row["window"]), row["maximum"], row["first_touch_only"])
        )
    return caps


def _counts(ids: Sequence[int]) -> dict[int, Row]:
    return {row["id"]: row for row in fetch_all(_COUNTS, {"ids": list(ids), "most": COUNTED_AT_MOST})}


def _plan(mailbox: Mailbox, rows: Sequence[Row], usages: Sequence[Usage], now: datetime) -> dict[int, datetime]:
    starts = [now, mailbox.next_slot_at, mailbox.breaker_until]
    waiting = [
        Waiting(_candidate(row, mailbox), row["header_id"], row["send_after_at"], partial(_opens_at, row))
        for row in rows
        if row["may_leave"]
    ]
    if mailbox.status != "active":
        return {}
    return plan_queue(
        waiting,
        usages,
        max(start for start in starts if start is not None),
        lambda at, header_id: planned_slot(at, header_id, mailbox.gap_seconds, mailbox.jitter_seconds),
    )


def _opens_at(row: Row, at: datetime) -> datetime:
    move = find_opening(row, at)
    return move.until if move else at


def _candidate(row: Row, mailbox: Mailbox) -> Candidate:
    return Candidate(
        row["id"], mailbox.pk, mailbox.workspace_id, row["owner_id"], row["recipient_domain"], row["is_first_touch"]
    )


def _lane_itself(mailbox: Mailbox) -> Candidate:
    """Stands for the lane itself where its queue is empty."""
    return Candidate(0, mailbox.pk, mailbox.workspace_id, mailbox.owner_id, "", is_first_touch=False)


def _queued(row: Row, planned_at: datetime | None) -> QueuedMessage:
    return QueuedMessage(
        id=row["id"],
        enrollment_id=row["enrollment_id"],
        recipient=row["recipient"],
        priority=row["priority"],
        is_first_touch=row["is_first_touch"],
        due_at=row["due_at"],
        queued_at=row["queued_at"],
        planned_at=planned_at,
        held_by=row["held_by"],
    )


def _view(
    mailbox: Mailbox, counts: Row, usages: Sequence[Usage], queue: tuple[QueuedMessage, ...], now: datetime
) -> LaneView:
    is_held = mailbox.lane_held_by != "" and mailbox.lane_at is not None and mailbox.lane_at > now
    return LaneView(
        mailbox_id=mailbox.pk,
        address=mailbox.address,
        status=mailbox.status,
        status_reason=mailbox.status_reason,
        breaker=Breaker(
            BreakerState(mailbox.breaker_state), mailbox.breaker_failures, mailbox.breaker_trips, mailbox.breaker_until
        ),
        breaker_error=mailbox.breaker_error,
        next_slot_at=mailbox.next_slot_at,
        held_by=mailbox.lane_held_by if is_held else "",
        held_until=mailbox.lane_at if is_held else None,
        inbox_read_at=mailbox.inbox_read_at,
        is_inbox_stale=is_inbox_stale(mailbox.inbound, mailbox.inbox_read_at, now),
        leased_by=mailbox.leased_by if mailbox.leased_until is not None and mailbox.leased_until > now else "",
        queue_length=counts["queued"],
        in_hand=counts["in_hand"],
        unknown=counts["unknown"],
        usages=tuple(usages),
        queue=queue,
    )
