"""Looks for messages of unknown outcome in the Sent folder: a copy there proves that the message left.

Its absence proves nothing, since many servers keep no copy of what SMTP hands over; then a person decides.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import Row, execute, fetch_all
from common.fair_share import UNLIMITED, Shares, Work
from common.share_sql import allowed, fairest_first, share_params
from emails.facts.evidence import Proof, resolve_proven
from emails.inbound.imap import ImapError, open_imap
from emails.models import Mailbox

log = logging.getLogger(__name__)

# the same as the engine's policy: how long evidence is waited for before a person is asked
EVIDENCE_MINUTES = 60
_LOOK_SECONDS = 60
_MESSAGES_PER_LOOK = 20

_ENSURE = """
INSERT INTO emails_inboxstate (mailbox_id, folder, folders, last_uid, last_error, failures)
SELECT DISTINCT b.id, 'INBOX', '{}'::jsonb, 0, '', 0
FROM emails_emailmessage m JOIN emails_mailbox b ON b.id = m.mailbox_id
WHERE m.status = 'unknown' AND m.unknown_at > %(since)s AND b.inbound = 'imap'
  AND NOT EXISTS (SELECT 1 FROM emails_inboxstate s WHERE s.mailbox_id = b.id)
ON CONFLICT (mailbox_id) DO NOTHING
"""
_HOST = "rtrim(lower(b.imap_host), '.')"
_CLAIM = f"""
UPDATE emails_inboxstate s SET sent_checked_at = %(now)s
FROM (
    SELECT s.mailbox_id, s.sent_checked_at, b.workspace_id, {_HOST} AS host
    FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
    WHERE b.inbound = 'imap' AND (s.sent_checked_at IS NULL OR s.sent_checked_at <= %(before)s)
      AND {allowed("b.id", _HOST, "b.workspace_id")}
      AND EXISTS (SELECT 1 FROM emails_emailmessage m
                  WHERE m.mailbox_id = b.id AND m.status = 'unknown' AND m.unknown_at > %(since)s)
    ORDER BY {fairest_first(_HOST, "b.workspace_id")}, s.sent_checked_at NULLS FIRST, s.mailbox_id
    LIMIT 1 FOR UPDATE OF s SKIP LOCKED) c
WHERE s.mailbox_id = c.mailbox_id
RETURNING s.mailbox_id, c.sent_checked_at, c.workspace_id, c.host
"""
_GIVE_BACK = "UPDATE emails_inboxstate SET sent_checked_at = %(before)s WHERE mailbox_id = %(mailbox)s"
_UNKNOWN = """
SELECT id, enrollment_id, message_id FROM emails_emailmessage
WHERE mailbox_id = %(mailbox)s AND status = 'unknown' AND unknown_at > %(since)s
ORDER BY unknown_at LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class SentSearch:
    """A mailbox whose Sent folder is to be searched now."""

    work: Work
    now: datetime
    checked_before: datetime | None

    def run(self) -> int:
        """Search it. Returns how many messages turned out to be sent."""
        since = self.now - timedelta(minutes=EVIDENCE_MINUTES)
        asked = {"mailbox": self.work.item, "since": since, "limit": _MESSAGES_PER_LOOK}
        unknown = fetch_all(_UNKNOWN, asked)
        found = find_sent_evidence(Mailbox.objects.get(pk=self.work.item), unknown)
        evidence = "found in the Sent folder"
        proofs = [(row["enrollment_id"], Proof(row["id"], self.now, "imap", evidence)) for row in found]
        return resolve_proven(proofs, self.now)

    def give_back(self) -> None:
        execute(_GIVE_BACK, {"mailbox": self.work.item, "before": self.checked_before})


def ensure_searched(now: datetime) -> None:
    """Insert the states of mailboxes whose Sent folder was never searched."""
    execute(_ENSURE, {"since": now - timedelta(minutes=EVIDENCE_MINUTES)})


def claim_sent_search(now: datetime, shares: Shares = UNLIMITED) -> SentSearch | None:
    """The mailbox that most deserves a thread; each at most once a minute, for what is unknown for under an hour."""
    since = now - timedelta(minutes=EVIDENCE_MINUTES)
    before = now - timedelta(seconds=_LOOK_SECONDS)
    rows = fetch_all(_CLAIM, {"now": now, "before": before, "since": since, **share_params(shares)})
    if not rows:
        return None
    row = rows[0]
    return SentSearch(Work(row["mailbox_id"], row["host"], row["workspace_id"]), now, row["sent_checked_at"])


def resolve_unknown_by_evidence(now: datetime) -> int:
    """Search the Sent folders that are due, one after the other. Returns how many messages turned out to be sent."""
    ensure_searched(now)
    resolved = 0
    while (search := claim_sent_search(now)) is not None:
        resolved += search.run()
    return resolved


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
