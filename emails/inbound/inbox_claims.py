"""Which inboxes are due, and the lease on one: each is read by one process at a time, which keeps where it stopped."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.db import Row, execute, fetch_all
from common.fair_share import UNLIMITED, Shares, Work
from common.share_sql import allowed, fairest_first, share_params

POLL_SECONDS = 60
LONGEST_PAUSE_POLLS = 8
_LEASE_SECONDS = 60
_EXTEND_SECONDS = 10

# Rows for inboxes that are read for the first time.
_ENSURE = """
INSERT INTO emails_inboxstate (mailbox_id, folder, folders, last_uid, last_error, failures)
SELECT b.id, 'INBOX', '{}', 0, '', 0 FROM emails_mailbox b
WHERE b.inbound = 'imap' AND NOT EXISTS (SELECT 1 FROM emails_inboxstate s WHERE s.mailbox_id = b.id)
ON CONFLICT (mailbox_id) DO NOTHING
"""
# What the mailboxes of one IMAP server share.
_HOST = "rtrim(lower(b.imap_host), '.')"
_MAY_BE_READ = """
b.inbound = 'imap' AND (s.leased_until IS NULL OR s.leased_until <= %(now)s)
      AND (%(workspace)s::bigint IS NULL OR b.workspace_id = %(workspace)s)
      AND (%(ids)s::bigint[] IS NULL OR s.mailbox_id = ANY(%(ids)s))
"""
_IS_DUE = f"""
s.checked_at IS NULL OR s.checked_at + make_interval(
                   secs => {POLL_SECONDS} * least(1 << least(s.failures, 10), {LONGEST_PAUSE_POLLS})) <= %(now)s
"""
_CLAIM = f"""
UPDATE emails_inboxstate s SET lease_token = %(token)s, leased_until = %(until)s, checked_at = %(now)s
FROM (
    SELECT s.mailbox_id, s.checked_at, b.workspace_id, {_HOST} AS host
    FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
    WHERE {_MAY_BE_READ} AND {allowed("b.id", _HOST, "b.workspace_id")}
      AND CASE WHEN %(only_due)s::boolean THEN {_IS_DUE} ELSE s.checked_at IS NULL OR s.checked_at <> %(now)s END
    ORDER BY {fairest_first(_HOST, "b.workspace_id")}, s.checked_at NULLS FIRST LIMIT 1 FOR UPDATE OF s SKIP LOCKED) c
WHERE s.mailbox_id = c.mailbox_id
RETURNING s.mailbox_id, s.folder, s.uidvalidity, s.last_uid, s.failures, c.checked_at, c.workspace_id, c.host
"""
_COUNT_DUE = f"""
SELECT count(*) AS due FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
WHERE {_MAY_BE_READ}
  AND (NOT %(only_due)s::boolean OR {_IS_DUE})
"""
_EXTEND = """
UPDATE emails_inboxstate SET leased_until = %(until)s WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
_GIVE_BACK = """
UPDATE emails_inboxstate SET lease_token = NULL, leased_until = NULL, checked_at = %(before)s
WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
_PROGRESS = """
UPDATE emails_inboxstate SET uidvalidity = %(uidvalidity)s, last_uid = %(uid)s
WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
_DONE = """
UPDATE emails_inboxstate SET lease_token = NULL, leased_until = NULL, last_error = %(error)s::text,
    failures = CASE WHEN %(error)s::text = '' THEN 0 ELSE failures + 1 END
WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which inboxes: those due at `now`, or these, of one workspace or of all.

    `only_due`: of these, too, only what is due; else they are read whenever they were read.
    """

    now: datetime
    mailbox_ids: Sequence[int] | None = None
    workspace_id: int | None = None
    only_due: bool = False

    @property
    def params(self) -> dict[str, Any]:
        ids = None if self.mailbox_ids is None else list(self.mailbox_ids)
        only_due = self.only_due or ids is None
        return {"now": self.now, "ids": ids, "workspace": self.workspace_id, "only_due": only_due}


class InboxClaim:
    """The right to read one inbox, and where reading stopped the last time. `row`: of the claim."""

    def __init__(self, row: Row, token: uuid.UUID) -> None:
        self.mailbox_id: int = row["mailbox_id"]
        self.folder: str = row["folder"]
        self.uidvalidity: int | None = row["uidvalidity"]
        self.last_uid: int = row["last_uid"]
        self.failures: int = row["failures"]
        self.token = token
        self.work = Work(row["mailbox_id"], row["host"], row["workspace_id"])
        self._checked_before: datetime | None = row["checked_at"]
        self._began = self._extended = time.monotonic()

    def extend(self, now: datetime) -> None:
        """Keep the lease while reading goes on. `now`: when the poll began."""
        at = time.monotonic()
        if at - self._extended > _EXTEND_SECONDS:
            until = now + timedelta(seconds=at - self._began + _LEASE_SECONDS)
            execute(_EXTEND, {"until": until, "mailbox": self.mailbox_id, "token": self.token})
            self._extended = at

    def give_back(self) -> None:
        """Release it unread: as due as before."""
        execute(_GIVE_BACK, {"before": self._checked_before, "mailbox": self.mailbox_id, "token": self.token})


def ensure_states() -> None:
    """Insert what is missing for inboxes that are read for the first time."""
    execute(_ENSURE, {})


def count_due(asked: Asked) -> int:
    due: int = fetch_all(_COUNT_DUE, asked.params)[0]["due"]
    return due


def claim_inbox(asked: Asked, shares: Shares = UNLIMITED) -> InboxClaim | None:
    """Lease the inbox that is due and most deserves a thread; None when none may start."""
    token = uuid.uuid4()
    until = asked.now + timedelta(seconds=_LEASE_SECONDS)
    rows = fetch_all(_CLAIM, {**asked.params, **share_params(shares), "token": token, "until": until})
    return InboxClaim(rows[0], token) if rows else None


def keep_progress(claim: InboxClaim, uidvalidity: int, last_uid: int) -> None:
    place = {"uidvalidity": uidvalidity, "uid": last_uid}
    execute(_PROGRESS, {**place, "mailbox": claim.mailbox_id, "token": claim.token})


def finish(claim: InboxClaim, error: str) -> None:
    """Release it as read, or with what went wrong."""
    execute(_DONE, {"mailbox": claim.mailbox_id, "token": claim.token, "error": error})
