"""Looks for messages of unknown outcome in the Sent folder: a copy there proves that the message left.

Its absence proves nothing, since many servers keep no copy of what SMTP hands over; then a person decides.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from emails.inbound.imap import ImapError, open_imap
from emails.models import Mailbox
from emails.resolving import mark_sent
from sequences.db import Row, execute, fetch_all
from sequences.wakeup import notify_engine

log = logging.getLogger(__name__)

# the same as the engine's policy: how long evidence is waited for before a person is asked
EVIDENCE_MINUTES = 60
_LOOK_SECONDS = 60
_MESSAGES_PER_LOOK = 20

_ENSURE = """
INSERT INTO emails_inboxstate (mailbox_id, folder, last_uid, last_error, failures)
SELECT DISTINCT b.id, 'INBOX', 0, '', 0
FROM emails_emailmessage m JOIN emails_mailbox b ON b.id = m.mailbox_id
WHERE m.status = 'unknown' AND m.unknown_at > %(since)s AND b.inbound = 'imap'
  AND NOT EXISTS (SELECT 1 FROM emails_inboxstate s WHERE s.mailbox_id = b.id)
ON CONFLICT (mailbox_id) DO NOTHING
"""
_CLAIM = """
UPDATE emails_inboxstate SET sent_checked_at = %(now)s
WHERE mailbox_id IN (
    SELECT s.mailbox_id FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
    WHERE b.inbound = 'imap' AND (s.sent_checked_at IS NULL OR s.sent_checked_at <= %(before)s)
      AND EXISTS (SELECT 1 FROM emails_emailmessage m
                  WHERE m.mailbox_id = b.id AND m.status = 'unknown' AND m.unknown_at > %(since)s)
    FOR UPDATE OF s SKIP LOCKED)
RETURNING mailbox_id
"""
_UNKNOWN = """
SELECT id, message_id FROM emails_emailmessage
WHERE mailbox_id = %(mailbox)s AND status = 'unknown' AND unknown_at > %(since)s ORDER BY unknown_at LIMIT %(limit)s
"""


def resolve_unknown_by_evidence(now: datetime) -> int:
    """Search the Sent folders, each at most once a minute, for what is unknown since less than an hour.

    Returns how many messages turned out to be sent.
    """
    since = now - timedelta(minutes=EVIDENCE_MINUTES)
    execute(_ENSURE, {"since": since})
    claimed = fetch_all(_CLAIM, {"now": now, "before": now - timedelta(seconds=_LOOK_SECONDS), "since": since})
    found = 0
    for mailbox in Mailbox.objects.filter(pk__in=[row["mailbox_id"] for row in claimed]).order_by("pk"):
        unknown = fetch_all(_UNKNOWN, {"mailbox": mailbox.pk, "since": since, "limit": _MESSAGES_PER_LOOK})
        found += _mark(_search_sent(mailbox, unknown), now)
    return found


def _search_sent(mailbox: Mailbox, unknown: list[Row]) -> list[int]:
    """The ids of those messages of which the Sent folder has a copy."""
    try:
        with open_imap(mailbox) as imap:
            folder = imap.find_sent_folder()
            if folder is None:
                return []
            imap.open_folder(folder)
            return [row["id"] for row in unknown if imap.holds_message(row["message_id"])]
    except ImapError as error:
        log.warning("the Sent folder of mailbox %s was not searched: %s", mailbox.pk, error)
        return []


def _mark(message_ids: list[int], now: datetime) -> int:
    if not message_ids:
        return 0
    with transaction.atomic():
        marked = sum(mark_sent(pk, "evidence:imap", "found in the Sent folder", now) for pk in message_ids)
        notify_engine()
    return marked
