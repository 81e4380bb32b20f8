"""Emails that wait for an approval: render them as they will leave, store an approval or a text of their own.

Inside the caller's transaction, which holds the locks of the enrollments. Must not decide who may approve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.db import execute, fetch_all
from emails.facts.approvals import withdraw_approvals
from emails.rendering.compose import Composed, compose_unapproved
from emails.sending.lanes import wake_lanes

_APPROVE = """
INSERT INTO emails_approval (message_id, workspace_id, subject, body, edited_by, approved_by, approved_at, digest,
                             step_hash, mailbox_id, recipient)
SELECT m.id, m.workspace_id, '', '', '', %(actor)s, %(now)s, r.digest, t.content_hash, m.mailbox_id, m.recipient
FROM unnest(%(ids)s::bigint[], %(digests)s::text[]) AS r(id, digest)
JOIN emails_emailmessage m ON m.id = r.id AND m.status = 'queued'
JOIN sequences_step t ON t.id = m.step_id
ON CONFLICT (message_id) DO UPDATE
SET approved_by = excluded.approved_by, approved_at = excluded.approved_at, digest = excluded.digest,
    step_hash = excluded.step_hash, mailbox_id = excluded.mailbox_id, recipient = excluded.recipient, outdated_at = NULL
"""
_KEEP_TEXTS = """
UPDATE emails_emailmessage m
SET subject = r.subject, text = r.text, html = r.html, send_after_at = %(now)s, held_by = ''
FROM unnest(%(ids)s::bigint[], %(subjects)s::text[], %(texts)s::text[], %(htmls)s::text[]) AS r(id, subject, text, html)
WHERE m.id = r.id AND m.status = 'queued' RETURNING m.mailbox_id
"""
_EDIT = """
INSERT INTO emails_approval (message_id, workspace_id, subject, body, edited_by, edited_at, approved_by, digest,
                             recipient)
SELECT m.id, m.workspace_id, %(subject)s, %(body)s, %(actor)s, %(now)s, '', '', ''
FROM emails_emailmessage m WHERE m.id = %(id)s AND m.status = 'queued'
ON CONFLICT (message_id) DO UPDATE
SET subject = excluded.subject, body = excluded.body, edited_by = excluded.edited_by, edited_at = excluded.edited_at
"""


@dataclass(frozen=True, slots=True)
class HeldEmail:
    """An email as it will leave if it is approved now. `digest` names exactly this one; `error`: it cannot leave."""

    digest: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    error: str = ""


def render_held(message_ids: Sequence[int], now: datetime) -> dict[int, HeldEmail]:
    """By message. Those that were deleted are left out."""
    found = {}
    for item in compose_unapproved(message_ids, now):
        if isinstance(item, Composed):
            email = item.rendered
            found[item.message_pk] = HeldEmail(item.digest, email.subject, email.text, email.html)
        else:
            found[item.message_pk] = HeldEmail(error=item.refused.error if item.refused else "it cannot be rendered")
    return found


def store_approvals(emails: Mapping[int, HeldEmail], actor: str, now: datetime) -> None:
    """These emails, queued, leave as they are given here or not at all."""
    if not emails:
        return
    ids, held = list(emails), list(emails.values())
    digests = [email.digest for email in held]
    execute(_APPROVE, {"ids": ids, "digests": digests, "actor": actor[:200], "now": now})
    rows = fetch_all(
        _KEEP_TEXTS,
        {
            "ids": ids,
            "now": now,
            "subjects": [email.subject for email in held],
            "texts": [email.text for email in held],
            "htmls": [email.html for email in held],
        },
    )
    wake_lanes([row["mailbox_id"] for row in rows], now)


def store_edit(message_id: int, subject: str, body: str, actor: str, now: datetime) -> HeldEmail:
    """Subject and body (Liquid, as in a step) of this email alone. It waits for an approval again.

    Returns it rendered; the caller rolls back when it has an error.
    """
    execute(_EDIT, {"id": message_id, "subject": subject, "body": body, "actor": actor[:200], "now": now})
    withdraw_approvals([message_id], now)
    return render_held([message_id], now)[message_id]
