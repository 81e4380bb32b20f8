"""Facts from outside: store each once, suppress the addresses it stops, wake the enrollments it concerns. Moves none.

One transaction, in this order:

1. Insert the events; those that are known already are skipped.
2. Mark the contacts whose scores change (their rows are locked).
3. Lock the enrollments concerned in id order.
4. Store suppressions; resolve messages of unknown outcome, which the event proves to be sent.
5. Wake the enrollments, stop mailboxes that bounce too often, notify the engine.

So the final check before sending either sees the fact or holds the locks and comes first. A change of a contact locks
in the same order: contacts, then enrollments.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from common.text import storable_text
from emails.choices import BounceType, EventType, SuppressionReason, Verdict
from emails.facts.evidence import IS_UNRESOLVED, Proof, resolve_locked
from emails.facts.replies import WrittenMail, store_replies
from emails.facts.scores import mark_scores_due
from emails.facts.scoring import OPT_OUTS, POINTS
from emails.facts.suppressions import suppress_addresses
from emails.pacing.health import measure_health
from sequences.enrollment_sql import LIVE, locking, wake_enrollments

_SUPPRESSES = {
    EventType.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED,
    EventType.COMPLAINED: SuppressionReason.COMPLAINED,
    EventType.BOUNCED: SuppressionReason.BOUNCED,
    EventType.LEFT_COMPANY: SuppressionReason.LEFT_COMPANY,
}
_STOPPING = frozenset(
    {
        EventType.REPLIED,
        EventType.HAND_WRITTEN,
        EventType.AUTO_REPLIED,
        EventType.UNSUBSCRIBED,
        EventType.COMPLAINED,
        EventType.BOUNCED,
        EventType.LEFT_COMPANY,
    }
)
# A machine wrote them, and they concern the contact all the same.
_BY_MACHINES = frozenset({EventType.AUTO_REPLIED, EventType.LEFT_COMPANY})


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One fact. `provider` and `provider_event_id` name it for good: the same pair again is the same fact.

    What is known of message, contact and mailbox may be partial; the rest is taken from the message. `written`: the
    mail, where a person wrote it.
    """

    type: EventType
    provider: str
    provider_event_id: str
    occurred_at: datetime
    message_pk: int | None = None
    contact_id: int | None = None
    mailbox_id: int | None = None
    bounce_type: str = ""
    verdict: Verdict = Verdict.HUMAN
    verdict_reason: str = ""
    confidence: int | None = None
    rules_version: int = 0
    until_at: datetime | None = None
    detail: str = ""
    payload: Mapping[str, object] = field(default_factory=dict)
    written: WrittenMail | None = None


_INSERT = """
INSERT INTO emails_emailevent (
    workspace_id, message_id, enrollment_id, contact_id, mailbox_id, type, bounce_type, provider, provider_event_id,
    occurred_at, recorded_at, until_at, verdict, verdict_reason, confidence, rules_version, detail, payload)
SELECT coalesce(m.workspace_id, c.workspace_id, b.workspace_id), m.id, m.enrollment_id, coalesce(m.contact_id, c.id),
       coalesce(m.mailbox_id, b.id), r.type, r.bounce_type, r.provider, r.event, least(r.occurred_at, %(now)s), %(now)s,
       r.until_at, r.verdict, r.reason, r.confidence, r.rules_version,
       CASE WHEN k.erased_at IS NULL THEN r.detail ELSE '' END,
       CASE WHEN k.erased_at IS NULL THEN r.payload::jsonb ELSE '{}' END
FROM unnest(%(messages)s::bigint[], %(contacts)s::bigint[], %(mailboxes)s::bigint[], %(types)s::text[],
            %(bounces)s::text[], %(providers)s::text[], %(events)s::text[], %(occurred)s::timestamptz[],
            %(until)s::timestamptz[], %(verdicts)s::text[], %(reasons)s::text[], %(confidences)s::smallint[],
            %(rules)s::smallint[], %(details)s::text[], %(payloads)s::text[])
     AS r(message, contact, mailbox, type, bounce_type, provider, event, occurred_at, until_at, verdict, reason,
          confidence, rules_version, detail, payload)
LEFT JOIN emails_emailmessage m ON m.id = r.message
LEFT JOIN sequences_contact c ON c.id = r.contact
LEFT JOIN emails_mailbox b ON b.id = r.mailbox
LEFT JOIN sequences_contact k ON k.id = coalesce(m.contact_id, c.id)
WHERE coalesce(m.workspace_id, c.workspace_id, b.workspace_id) IS NOT NULL
ON CONFLICT (provider, provider_event_id) DO NOTHING
RETURNING id, workspace_id, message_id, enrollment_id, contact_id, mailbox_id, type, bounce_type, verdict, occurred_at,
          provider, provider_event_id, detail
"""
# An address bounces, a contact opts out: with the address that was written to, and with the current one.
_RECIPIENTS = """
SELECT v.id, a.email
FROM emails_emailevent v
LEFT JOIN emails_emailmessage m ON m.id = v.message_id
LEFT JOIN sequences_contact c ON c.id = v.contact_id
CROSS JOIN LATERAL (VALUES (m.recipient), (CASE WHEN v.type <> 'bounced' OR m.id IS NULL THEN c.email END)) AS a(email)
WHERE v.id = ANY(%(ids)s) AND a.email IS NOT NULL
"""
# A union, since an OR over these would read all live enrollments for each event.
_CONCERNED = f"""
e.id IN (
    SELECT unnest(%(enrollments)s::bigint[])
    UNION
    SELECT x.id FROM sequences_enrollment x
    WHERE x.contact_id = ANY(%(contacts)s) AND x.status IN {LIVE}
    UNION
    SELECT x.id FROM sequences_contact c
    JOIN sequences_workspace w ON w.id = c.workspace_id AND w.account_reply_policy <> 'ignore'
    JOIN sequences_contact k ON k.account_id = c.account_id
    JOIN sequences_enrollment x ON x.contact_id = k.id AND x.status IN {LIVE}
    WHERE c.id = ANY(%(replied)s)
    UNION
    SELECT m.enrollment_id FROM emails_emailmessage m WHERE m.id = ANY(%(messages)s) AND {IS_UNRESOLVED})
"""
_LOCK = locking(_CONCERNED, "e.id, e.resumed_at")
# `now` is when reading the inbox began. An enrollment resumed since then must not treat the fact as older than that.
_RECORD_AFTER = """
UPDATE emails_emailevent SET recorded_at = %(resumed)s::timestamptz + interval '1 microsecond'
WHERE id = ANY(%(ids)s) AND recorded_at <= %(resumed)s
"""


def record_events(events: Sequence[NewEvent], now: datetime) -> int:
    """Store facts; what is known already is left alone. Returns how many are new."""
    if not events:
        return 0
    # the same facts in two transactions wait for each other in one order only
    ordered = sorted(events, key=lambda event: (event.provider, event.provider_event_id))
    with transaction.atomic():
        new = fetch_all(_INSERT, _columns(ordered, now))
        if not new:
            return 0
        _store_replies(new, ordered, now)
        messages = [row["message_id"] for row in new if row["message_id"]]
        mark_scores_due(
            [
                row["contact_id"]
                for row in new
                if row["type"] in POINTS.keys() | OPT_OUTS and row["verdict"] == Verdict.HUMAN and row["contact_id"]
            ],
            now,
        )
        locked = fetch_all(_LOCK, {**_concerned(new), "messages": messages, "now": now})
        _record_after_resumes(new, locked, now)
        _suppress(new, now)
        resolve_locked([_proof(row) for row in new if row["message_id"]], now)
        wake_enrollments([row["id"] for row in locked], now)
        _stop_unhealthy_mailboxes(new, now)
        if locked:
            notify_engine()
    return len(new)


def _store_replies(new: Sequence[Row], events: Sequence[NewEvent], now: datetime) -> None:
    written = {(event.provider, _event_id(event)): event.written for event in events if event.written}
    found = [(row, written.get((row["provider"], row["provider_event_id"]))) for row in new]
    store_replies([(row, mail) for row, mail in found if mail is not None], now)


def _event_id(event: NewEvent) -> str:
    return storable_text(event.provider_event_id)[:255]


def _record_after_resumes(new: Sequence[Row], locked: Sequence[Row], now: datetime) -> None:
    resumed_at = max((row["resumed_at"] for row in locked if row["resumed_at"]), default=None)
    if resumed_at is not None and resumed_at >= now:
        stopping = [row["id"] for row in new if row["type"] in _STOPPING]
        execute(_RECORD_AFTER, {"ids": stopping, "resumed": resumed_at})


def _proof(row: Row) -> Proof:
    return Proof(row["message_id"], row["occurred_at"], row["provider"], f"{row['type']}, which proves it was sent")


def _columns(events: Sequence[NewEvent], now: datetime) -> dict[str, object]:
    return {
        "now": now,
        "messages": [event.message_pk for event in events],
        "contacts": [event.contact_id for event in events],
        "mailboxes": [event.mailbox_id for event in events],
        "types": [event.type.value for event in events],
        "bounces": [str(event.bounce_type) for event in events],
        "providers": [event.provider for event in events],
        "events": [_event_id(event) for event in events],
        "occurred": [event.occurred_at for event in events],
        "until": [event.until_at for event in events],
        "verdicts": [event.verdict.value for event in events],
        "reasons": [event.verdict_reason for event in events],
        "confidences": [event.confidence for event in events],
        "rules": [event.rules_version for event in events],
        "details": [storable_text(event.detail) for event in events],
        "payloads": [json.dumps(_storable(event.payload)) for event in events],
    }


def _storable(value: object) -> object:
    match value:
        case str():
            return storable_text(value)
        case Mapping():
            return {storable_text(str(name)): _storable(item) for name, item in value.items()}
        case list() | tuple():
            return [_storable(item) for item in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def _suppress(new: Sequence[Row], now: datetime) -> None:
    stopping = {
        row["id"]: row
        for row in new
        if row["type"] in _SUPPRESSES
        and not (row["type"] == EventType.BOUNCED and row["bounce_type"] != BounceType.HARD)
    }
    if not stopping:
        return
    entries = []
    for found in fetch_all(_RECIPIENTS, {"ids": list(stopping)}):
        row = stopping[found["id"]]
        reason = _SUPPRESSES[EventType(row["type"])]
        entries.append((row["workspace_id"], found["email"], reason, row["detail"]))
    suppress_addresses(entries, f"event:{new[0]['provider']}", now)


def _concerned(new: Sequence[Row]) -> dict[str, list[int]]:
    """A stop fact concerns all enrollments of the contact, a reply the colleagues' too; a signal only its own."""
    human = [row for row in new if row["verdict"] == Verdict.HUMAN or row["type"] in _BY_MACHINES]
    stopping = [row for row in human if row["type"] in _STOPPING]
    return {
        "enrollments": [row["enrollment_id"] for row in human if row["enrollment_id"]],
        "contacts": [row["contact_id"] for row in stopping if row["contact_id"]],
        "replied": [row["contact_id"] for row in human if row["type"] == EventType.REPLIED and row["contact_id"]],
    }


def _stop_unhealthy_mailboxes(new: Sequence[Row], now: datetime) -> None:
    """Pause mailboxes that bounce too much; measured once per mailbox, not per bounce."""
    blamed = {
        row["mailbox_id"]
        for row in new
        if row["mailbox_id"]
        and (
            row["type"] == EventType.COMPLAINED
            or (row["type"] == EventType.BOUNCED and row["bounce_type"] != BounceType.SOFT)
        )
    }
    for mailbox_id in sorted(blamed):
        stop_unhealthy(mailbox_id, now)


def stop_unhealthy(mailbox_id: int, now: datetime) -> None:
    """Pause a mailbox of whose last messages too many bounced. Call in the transaction that stored the bounce."""
    health = measure_health(mailbox_id)
    if not health.is_broken:
        return
    share = f"{health.bounced} of the last {health.messages} messages bounced or were refused ({health.percent:.1f} %)"
    execute(_PAUSE, {"mailbox": mailbox_id, "reason": share, "now": now})


_PAUSE = """
UPDATE emails_mailbox
SET status = 'paused', status_reason = %(reason)s, status_actor = 'engine', status_at = %(now)s, lane_at = NULL
WHERE id = %(mailbox)s AND status = 'active'
"""
