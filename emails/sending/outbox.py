"""The outbox: the only place that creates messages. Set-based, inside the caller's transaction; sends nothing.

Lock order everywhere: enrollments, then messages, then mailboxes. Callers hold the enrollments' locks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.db import execute, fetch_all
from emails.sending.lane_plan import lane_order
from emails.sending.lanes import wake_lanes

_DRAWN_BYTES = 10


class QueuedEmail(NamedTuple):
    """A message before it is rendered."""

    workspace_id: int
    enrollment_id: int
    step_id: int | None
    visit: int
    mailbox_id: int
    contact_id: int
    owner_id: int | None
    recipient: str
    priority: int
    due_at: datetime
    is_first_touch: bool
    is_answer: bool = False
    variant: str = ""


_INSERT = """
INSERT INTO emails_emailmessage (
    workspace_id, enrollment_id, step_id, visit, mailbox_id, contact_id, owner_id, recipient, recipient_domain,
    is_first_touch, is_answer, status, message_id, priority, due_at, queued_at, lane_order_at, send_after_at, held_by,
    attempts, earlier_handed_over_at, withheld_reason, error_class, error_code, error, error_trace, provider_message_id,
    in_reply_to, subject, text, html, resolved_by, resolution, variant)
SELECT r.workspace, r.enrollment, r.step, r.visit, r.mailbox, r.contact, r.owner, r.recipient, r.domain,
       r.first_touch, r.is_answer, 'queued', '<' || r.token || '@' || split_part(b.address, '@', 2) || '>', r.priority,
       r.due_at, %(now)s, r.lane_order_at, %(now)s, '', 0, '{}', '', '', '', '', '', '', '', '', '', '', '', '',
       r.variant
FROM unnest(%(workspaces)s::bigint[], %(enrollments)s::bigint[], %(steps)s::bigint[], %(visits)s::int[],
            %(mailboxes)s::bigint[], %(contacts)s::bigint[], %(owners)s::int[], %(recipients)s::text[],
            %(domains)s::text[], %(first_touches)s::bool[], %(answers)s::bool[], %(tokens)s::text[],
            %(priorities)s::int[], %(due)s::timestamptz[], %(order)s::timestamptz[],
            %(variants)s::text[])
     AS r(workspace, enrollment, step, visit, mailbox, contact, owner, recipient, domain, first_touch, is_answer, token,
          priority, due_at, lane_order_at, variant)
JOIN emails_mailbox b ON b.id = r.mailbox
ON CONFLICT (enrollment_id, step_id, visit) DO NOTHING
"""
# To the contact's current address: a wrong one may have been corrected.
_REQUEUE = """
UPDATE emails_emailmessage m
SET status = 'queued', send_after_at = %(now)s, held_by = '', withheld_reason = '', error_class = '', failed_at = NULL,
    lease_token = NULL, leased_until = NULL, recipient = c.email,
    recipient_domain = lower(substring(c.email FROM '[^@]*$')), variant = r.variant
FROM unnest(%(ids)s::bigint[], %(variants)s::text[]) AS r(id, variant), sequences_contact c
WHERE m.id = r.id AND m.status IN ('failed', 'withheld') AND c.id = m.contact_id
"""
_WITHDRAW = """
UPDATE emails_emailmessage m SET status = 'withheld', withheld_reason = r.reason
FROM unnest(%(enrollments)s::bigint[], %(reasons)s::text[]) AS r(enrollment, reason)
WHERE m.enrollment_id = r.enrollment AND m.status = 'queued' AND NOT m.is_answer
"""


def queue_answer(answer: QueuedEmail, now: datetime) -> int:
    """Store a user's answer to a reply, first in its lane, and wake the lane. Returns the message's id."""
    rows = fetch_all(f"{_INSERT} RETURNING id", _columns([answer], now))
    wake_lanes([answer.mailbox_id], now)
    return int(rows[0]["id"])


def queue_emails(emails: Sequence[QueuedEmail], now: datetime) -> None:
    """Store messages with their Message-IDs (RFC 5322 section 3.6.4) and wake their lanes. Twice is once."""
    if not emails:
        return
    execute(_INSERT, _columns(emails, now))
    wake_lanes([email.mailbox_id for email in emails], now)


def _columns(emails: Sequence[QueuedEmail], now: datetime) -> dict[str, object]:
    return {
        "now": now,
        "workspaces": [email.workspace_id for email in emails],
        "enrollments": [email.enrollment_id for email in emails],
        "steps": [email.step_id for email in emails],
        "visits": [email.visit for email in emails],
        "mailboxes": [email.mailbox_id for email in emails],
        "contacts": [email.contact_id for email in emails],
        "owners": [email.owner_id for email in emails],
        "recipients": [email.recipient for email in emails],
        "domains": [email.recipient.rpartition("@")[2].lower() for email in emails],
        "variants": [email.variant for email in emails],
        "answers": [email.is_answer for email in emails],
        "first_touches": [email.is_first_touch for email in emails],
        "tokens": _tokens(len(emails), now),
        "priorities": [email.priority for email in emails],
        "due": [email.due_at for email in emails],
        "order": [lane_order(email.due_at, email.priority, is_first_touch=email.is_first_touch) for email in emails],
    }


def _tokens(count: int, now: datetime) -> list[str]:
    """Unguessable and unique. They begin with the time, as UUIDs of version 7 do (RFC 9562).

    So those of one time share pages of the index.
    """
    began = f"{int(now.timestamp() * 1000):012x}"
    drawn = os.urandom(_DRAWN_BYTES * count).hex()
    length = 2 * _DRAWN_BYTES
    return [began + drawn[start : start + length] for start in range(0, length * count, length)]


def requeue_emails(variants: Mapping[int, str], now: datetime) -> None:
    """Put failed or withheld messages back: the same rows, the same Message-IDs. The caller wakes the lanes.

    `variants`: by message, the variant of its step that the contact gets.
    """
    if variants:
        ids = sorted(variants)
        execute(_REQUEUE, {"ids": ids, "variants": [variants[each] for each in ids], "now": now})


def withdraw_emails(enrollment_ids: Sequence[int], reasons: Sequence[str]) -> int:
    """Withhold the emails of steps that are queued for these enrollments; a user's answers stay. Returns how many.

    A message being sent cannot be recalled.
    """
    if not enrollment_ids:
        return 0
    return execute(_WITHDRAW, {"enrollments": list(enrollment_ids), "reasons": list(reasons)})
