"""Render a chunk's messages from fresh data, just before they are sent. Reads only."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.db import Row, fetch_all
from emails.choices import ErrorClass
from emails.models import status_of
from emails.rendering.answers import answer_thread, render_answer
from emails.rendering.merge_fields import PERSON_COLUMNS, PERSON_JOINS, MergeFields, local_time, sender_name
from emails.rendering.mime import build_mime
from emails.rendering.render import (
    Frame,
    RenderedEmail,
    Template,
    Tracking,
    render_email,
    thread_headers,
    unsubscribe_headers,
)
from emails.tracking import links as tracking
from emails.tracking.bounce_addresses import bounce_address
from emails.transport.send_result import Envelope, Refused
from sequences.choices import BodyFormat
from sequences.content.variants import ARM_JOIN, TEXT_HASH
from sequences.liquid.templating import TemplateError, render


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to leave, and what is kept of it.

    `digest` of one that needs an approval: all that its recipient gets, and the text of the step it was written in.
    """

    message_pk: int
    envelope: Envelope
    rendered: RenderedEmail
    in_reply_to: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Uncomposed:
    """A message that was not rendered: it never reached the network.

    `refused` None: its text was edited after the final check, which has to compare it again. `is_outdated`: it is not
    the email that was approved any more.
    """

    message_pk: int
    refused: Refused | None
    trace: str
    is_outdated: bool = False


_CONTENT = f"""
SELECT m.id AS message_pk, m.message_id, m.recipient, m.is_answer, m.queued_at, t.id AS step_id,
       CASE WHEN ap.edited_at IS NULL THEN coalesce(arm.subject, t.subject) ELSE ap.subject END AS subject,
       CASE WHEN ap.edited_at IS NULL THEN coalesce(arm.body, t.body) ELSE ap.body END AS body,
       s.requires_approval AND NOT m.is_answer AS needs_approval, ap.digest AS approved_digest,
       t.content_hash AS step_hash,
       t.format AS body_format,
       t.id IS NOT NULL AND m.content_hash IS NOT NULL AND m.content_hash IS DISTINCT FROM {TEXT_HASH} AS was_edited,
       b.transport_options->'bounce_token' = 'true' AS has_bounce_token,
       b.signature, w.postal_address, coalesce(s.track_opens, w.track_opens) AS tracks_opens,
       coalesce(s.track_clicks, w.track_clicks) AS tracks_clicks,
       thread.ids AS thread_ids, thread.subjects AS thread_subjects, thread.replies AS thread_replies,
       thread.templates AS thread_templates, y.body AS answer, r.subject AS reply_subject, r.header_id AS reply_id,
       r.answered_ids, r.sender_name, z.address AS answer_address, z.display_name AS answer_name,
       z.signature AS answer_signature, {PERSON_COLUMNS}
FROM emails_emailmessage m
JOIN sequences_enrollment e ON e.id = m.enrollment_id
{PERSON_JOINS}
JOIN sequences_sequence s ON s.id = e.sequence_id
LEFT JOIN sequences_step t ON t.id = m.step_id
{ARM_JOIN}
LEFT JOIN emails_approval ap ON ap.message_id = m.id
LEFT JOIN emails_mailbox z ON z.id = m.mailbox_id
LEFT JOIN emails_answer y ON y.message_id = m.id
LEFT JOIN emails_reply r ON r.id = y.reply_id
LEFT JOIN LATERAL (
    SELECT array_agg(CASE WHEN p.provider_message_id LIKE '<%%@%%>' THEN p.provider_message_id ELSE p.message_id END
                     ORDER BY p.visit) AS ids,
           array_agg(p.subject ORDER BY p.visit) AS subjects, array_agg(p.in_reply_to ORDER BY p.visit) AS replies,
           array_agg(coalesce(v.value->>'subject', s.subject, '') ORDER BY p.visit) AS templates
    FROM emails_emailmessage p LEFT JOIN sequences_step s ON s.id = p.step_id
    LEFT JOIN LATERAL jsonb_array_elements(s.variants) v ON v.value->>'key' = p.variant
    WHERE p.enrollment_id = m.enrollment_id AND p.visit < m.visit AND {status_of("p")} = 'sent' AND NOT p.is_answer
) thread ON true
WHERE m.id = ANY(%(messages)s::bigint[])
"""


def compose(message_ids: Sequence[int], now: datetime) -> list[Composed | Uncomposed]:
    """In the order given. A message that cannot be rendered becomes `Uncomposed`; the others are not affected.

    A message that was deleted with its contact is left out.
    """
    rows = {row["message_pk"]: row for row in fetch_all(_CONTENT, {"messages": list(message_ids)})}
    found = [rows[message_pk] for message_pk in message_ids if message_pk in rows]
    return [
        Uncomposed(row["message_pk"], None, "") if row["was_edited"] else _check_approved(row, _compose_one(row, now))
        for row in found
    ]


def compose_unapproved(message_ids: Sequence[int], now: datetime) -> list[Composed | Uncomposed]:
    """The same emails before they are approved, as they will leave: only the Date header is that of the sending."""
    rows = {row["message_pk"]: row for row in fetch_all(_CONTENT, {"messages": list(message_ids)})}
    return [_compose_one(rows[message_pk], now) for message_pk in message_ids if message_pk in rows]


def _check_approved(row: Row, item: Composed | Uncomposed) -> Composed | Uncomposed:
    if not row["needs_approval"] or (isinstance(item, Composed) and item.digest == row["approved_digest"]):
        return item
    # what cannot be rendered any more waits for a user too
    return Uncomposed(row["message_pk"], None, "", is_outdated=True)


def _compose_one(row: Row, now: datetime) -> Composed | Uncomposed:
    try:
        return _build(row, now)
    except (TemplateError, ValueError) as error:
        return Uncomposed(row["message_pk"], Refused(ErrorClass.TEMPLATE, "", str(error)), "")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return Uncomposed(row["message_pk"], Refused(ErrorClass.BUG, "", reason), traceback.format_exc())


def _build(row: Row, now: datetime) -> Composed:
    if row["is_answer"]:
        return _build_answer(row, now)
    if row["step_id"] is None:
        raise TemplateError("the step of this email was deleted before it was sent")
    # an email that was approved must not change with the clock
    written_at = row["queued_at"] if row["needs_approval"] else now
    context = {**MergeFields(row), "now": local_time(row, written_at)}
    thread = _current_thread(row, context)
    is_reply = not row["subject"].strip()
    if is_reply and not thread:
        raise TemplateError("an empty subject replies in an earlier thread, and there is none")
    message_pk = row["message_pk"]
    unsubscribe_url = tracking.unsubscribe_url(message_pk)
    mailto_url = tracking.unsubscribe_mailto(message_pk, row["mailbox_address"])
    name = sender_name(row)
    rendered = render_email(
        Template(
            row["subject"].strip(), row["body"], thread[-1][1] if is_reply else None, BodyFormat(row["body_format"])
        ),
        {**context, "unsubscribe_url": unsubscribe_url},
        Frame(row["signature"], row["postal_address"], unsubscribe_url),
        Tracking(
            tracking.open_pixel_url(message_pk, written_at) if row["tracks_opens"] else None,
            (lambda url: tracking.click_url(message_pk, url, written_at)) if row["tracks_clicks"] else None,
        ),
    )
    thread_ids = [message_id for message_id, _ in thread] if is_reply else []
    headers = {**thread_headers(thread_ids), **unsubscribe_headers(unsubscribe_url, mailto_url)}
    to_name = f"{row['first_name']} {row['last_name']}".strip()
    return _pack(row, rendered, name, to_name, headers, now)


def _build_answer(row: Row, now: datetime) -> Composed:
    """A user's answer in the thread of the reply: without footer, tracking and unsubscribe link."""
    if row["answer"] is None:
        raise TemplateError("the reply that it answers was deleted before it was sent")
    # the enrollment may have another mailbox by now; the thread keeps its own
    thread_mailbox = {"mailbox_address": row["answer_address"], "mailbox_name": row["answer_name"]}
    row = {**row, **thread_mailbox, "has_bounce_token": False}
    context = {**MergeFields(row), "now": local_time(row, now)}
    rendered = render_answer(row["answer"], row["reply_subject"], row["answer_signature"], context)
    headers = thread_headers(answer_thread(row["answered_ids"], row["reply_id"]))
    return _pack(row, rendered, sender_name(row), row["sender_name"], headers, now)


def _pack(
    row: Row, rendered: RenderedEmail, from_name: str, to_name: str, headers: Mapping[str, str], now: datetime
) -> Composed:
    mime = build_mime(
        rendered=rendered,
        from_name=from_name,
        from_address=row["mailbox_address"],
        to_name=to_name,
        to_address=row["recipient"],
        message_id=row["message_id"],
        date=now,
        headers=headers,
    )
    envelope = Envelope(
        message_pk=row["message_pk"],
        message_id=row["message_id"],
        from_address=row["mailbox_address"],
        to_address=row["recipient"],
        mime=mime,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        from_name=from_name,
        to_name=to_name,
        headers=headers,
        envelope_sender=bounce_address(row["mailbox_address"], row["message_pk"]) if row["has_bounce_token"] else "",
    )
    digest = _digest_of(row, envelope) if row["needs_approval"] else ""
    return Composed(row["message_pk"], envelope, rendered, headers.get("In-Reply-To", ""), digest)


def _digest_of(row: Row, envelope: Envelope) -> str:
    parts = [
        str(row["step_hash"]), envelope.message_id, envelope.from_name, envelope.from_address, envelope.to_name,
        envelope.to_address, envelope.subject, envelope.text, envelope.html, sorted(envelope.headers.items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _current_thread(row: Row, context: Mapping[str, object]) -> list[tuple[str, str]]:
    """(Message-ID, subject) of the thread that the previous email belongs to, oldest first.

    A message that is known to be sent although its worker died before recording it has no subject: it is rendered.
    """
    thread: list[tuple[str, str]] = []
    columns = ("thread_ids", "thread_subjects", "thread_replies", "thread_templates")
    for message_id, subject, in_reply_to, template in zip(*(row[name] or [] for name in columns), strict=True):
        is_reply = bool(in_reply_to) if subject else not template.strip()
        if not is_reply:
            thread = []
        thread.append((message_id, subject or _subject_of(template, thread, context)))
    return thread


def _subject_of(template: str, thread: Sequence[tuple[str, str]], context: Mapping[str, object]) -> str:
    if template.strip():
        return render(template, context)
    return thread[-1][1] if thread else ""
