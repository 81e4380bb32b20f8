"""Tells owners of new replies by email, through the mail settings of the alerts: at once, once a day, or not at all.

The member who covers for an owner who is away gets the notice instead, as that member has chosen for their own.

A reply is marked before its email is sent, so that no mail server that is down causes a second one: the list of replies
is complete anyway.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from common.db import Row, execute, fetch_all
from sequences.choices import label_of
from sequences.models.time_off import find_cover

log = logging.getLogger(__name__)

_AT_A_TIME = 200
_SHOWN = 20
_TEXT_SHOWN = 300
_DIGEST_EVERY = timedelta(days=1)
# An inbox that is read for the first time holds older replies.
_NEWER_THAN = timedelta(days=3)

# The replies of users with a daily digest stay unmarked until it is due, and are not claimed before.
_CLAIM = f"""
WITH due AS (
    SELECT r.id, u.id AS owner, u.email AS owner_email,
           u.is_active AND u.email <> '' AND NOT r.is_handled AND r.received_at > %(newer)s
               AND coalesce(n.reply_notices, 'at_once') <> 'off' AS is_told
    FROM emails_reply r
    LEFT JOIN sequences_enrollment e ON e.id = r.enrollment_id
    LEFT JOIN emails_mailbox b ON b.id = r.mailbox_id
    LEFT JOIN LATERAL (SELECT coalesce(e.owner_id, b.owner_id) AS id) o ON true
    LEFT JOIN auth_user u ON u.id = coalesce({find_cover("o.id", "r.workspace_id")}, o.id)
    LEFT JOIN sequences_usersettings n ON n.user_id = u.id
    WHERE r.notified_at IS NULL
      AND (n.reply_notices IS DISTINCT FROM 'daily' OR n.digest_sent_at IS NULL OR n.digest_sent_at <= %(digest)s)
    ORDER BY r.recorded_at LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED
), marked AS (
    UPDATE emails_reply SET notified_at = %(now)s FROM due WHERE emails_reply.id = due.id
    RETURNING emails_reply.id, due.owner, due.owner_email, due.is_told, emails_reply.intent, emails_reply.subject,
              emails_reply.text, emails_reply.contact_id, emails_reply.received_at
)
SELECT m.*, c.email AS contact, trim(c.first_name || ' ' || c.last_name) AS name
FROM marked m JOIN sequences_contact c ON c.id = m.contact_id
WHERE m.is_told ORDER BY m.owner, m.received_at, m.id
"""
_DIGESTED = """
UPDATE sequences_usersettings SET digest_sent_at = %(now)s
WHERE user_id = ANY(%(users)s::int[]) AND reply_notices = 'daily'
"""


def notify_owners(now: datetime) -> int:
    """Email the owners of replies that were not yet notified. Returns how many emails were tried."""
    asked = {"now": now, "newer": now - _NEWER_THAN, "digest": now - _DIGEST_EVERY, "limit": _AT_A_TIME}
    with transaction.atomic():
        rows = fetch_all(_CLAIM, asked)
        if rows:
            execute(_DIGESTED, {"now": now, "users": sorted({row["owner"] for row in rows})})
    by_owner: dict[str, list[Row]] = {}
    for row in rows:
        by_owner.setdefault(row["owner_email"], []).append(row)
    for address, replies in by_owner.items():
        _send(address, replies)
    return len(by_owner)


def _send(address: str, replies: Sequence[Row]) -> None:
    first = replies[0]
    subject = (
        f"Reply of {first['name'] or first['contact']}: {label_of(first['intent']).lower()}"
        if len(replies) == 1
        else f"{len(replies)} new replies"
    )
    parts = [_describe(row) for row in replies[:_SHOWN]]
    if len(replies) > _SHOWN:
        parts.append(f"And {len(replies) - _SHOWN} more: {_link('admin:emails_reply_changelist')}")
    try:
        EmailMessage(subject=" ".join(subject.split())[:150], body="\n\n".join(parts) + "\n", to=[address]).send()
    except (OSError, smtplib.SMTPException) as error:
        log.error("an owner could not be told of %d replies: %s", len(replies), type(error).__name__)


def _describe(row: Row) -> str:
    text = " ".join(row["text"].split())
    shown = f"{text[:_TEXT_SHOWN]}…" if len(text) > _TEXT_SHOWN else text
    who = f"{row['name']} ({row['contact']})" if row["name"] else row["contact"]
    return f"{who} · {label_of(row['intent'])}\n{shown}\n{_link('admin:emails_reply_change', row['id'])}"


def _link(name: str, *args: object) -> str:
    return settings.PUBLIC_BASE_URL.rstrip("/") + reverse(name, args=args)
