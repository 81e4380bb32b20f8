"""Looks for messages of unknown outcome in the Sent folder: a copy there proves that the message left.

Its absence proves nothing, since many servers keep no copy of what SMTP hands over; then a person decides.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import connection

from common.db import Row, execute, fetch_all
from emails.facts.evidence import Proof, resolve_proven
from emails.inbound.imap import ImapError, open_imap
from emails.models import Mailbox

log = logging.getLogger(__name__)

# the same as the engine's policy: how long evidence is waited for before a person is asked
EVIDENCE_MINUTES = 60
_LOOK_SECONDS = 60
_MESSAGES_PER_LOOK = 20
# all at the same time: one server that does not answer keeps the caller for one timeout, not for one per mailbox
_MAILBOXES_PER_LOOK = 4

_ENSURE = """
INSERT INTO emails_inboxstate (mailbox_id, folder, folders, last_uid, last_error, failures)
SELECT DISTINCT b.id, 'INBOX', '{}'::jsonb, 0, '', 0
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
    ORDER BY s.sent_checked_at NULLS FIRST, s.mailbox_id LIMIT %(limit)s FOR UPDATE OF s SKIP LOCKED)
RETURNING mailbox_id
"""
_UNKNOWN = """
SELECT r.id AS mailbox, m.id, m.enrollment_id, m.message_id
FROM unnest(%(mailboxes)s::bigint[]) AS r(id)
CROSS JOIN LATERAL (
    SELECT * FROM emails_emailmessage x
    WHERE x.mailbox_id = r.id AND x.status = 'unknown' AND x.unknown_at > %(since)s
    ORDER BY x.unknown_at LIMIT %(limit)s
) m
"""


def resolve_unknown_by_evidence(now: datetime) -> int:
    """Search a few Sent folders, each at most once a minute, for what is unknown since less than an hour.

    Returns how many messages turned out to be sent.
    """
    since = now - timedelta(minutes=EVIDENCE_MINUTES)
    execute(_ENSURE, {"since": since})
    before = now - timedelta(seconds=_LOOK_SECONDS)
    claimed = fetch_all(_CLAIM, {"now": now, "before": before, "since": since, "limit": _MAILBOXES_PER_LOOK})
    if not claimed:
        return 0
    mailboxes = list(Mailbox.objects.filter(pk__in=[row["mailbox_id"] for row in claimed]))
    asked = {"mailboxes": [mailbox.pk for mailbox in mailboxes], "since": since, "limit": _MESSAGES_PER_LOOK}
    unknown = fetch_all(_UNKNOWN, asked)
    found = _search_all(mailboxes, unknown)
    proofs = [(row["enrollment_id"], Proof(row["id"], now, "imap", "found in the Sent folder")) for row in found]
    return resolve_proven(proofs, now)


def _search_all(mailboxes: Sequence[Mailbox], unknown: Sequence[Row]) -> list[Row]:
    """Those messages of which a Sent folder has a copy."""
    jobs = [(mailbox, [row for row in unknown if row["mailbox"] == mailbox.pk]) for mailbox in mailboxes]
    if len(jobs) <= 1:
        return [row for mailbox, rows in jobs for row in find_sent_evidence(mailbox, rows)]
    with ThreadPoolExecutor(len(jobs), "evidence") as pool:
        return [row for found in pool.map(_search_in_thread, jobs) for row in found]


def _search_in_thread(job: tuple[Mailbox, list[Row]]) -> list[Row]:
    try:
        return find_sent_evidence(*job)
    finally:
        connection.close()


def find_sent_evidence(mailbox: Mailbox, messages: Sequence[Row]) -> list[Row]:
    """Those of `messages` of which the mailbox's Sent folder has a copy; none when it cannot be searched."""
    try:
        with open_imap(mailbox) as imap:
            folder = imap.find_sent_folder()
            if folder is None:
                return []
            imap.open_folder(folder)
            return [row for row in messages if imap.holds_message(row["message_id"])]
    except ImapError as error:
        log.warning("the Sent folder of mailbox %s was not searched: %s", mailbox.pk, error)
        return []
