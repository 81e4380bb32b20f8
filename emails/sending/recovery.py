"""Recovery after a worker died: messages marked `sending` whose lease has expired.

Such a message may have been sent, since no result was recorded. It becomes `unknown`, waits for evidence or a user, and
is never sent again automatically.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from common.db import execute, fetch_all
from sequences.enrollment_sql import lock_enrollments, wake_enrollments

_EXPIRED = """
SELECT m.id, m.enrollment_id FROM emails_emailmessage m
WHERE m.status = 'sending' AND m.leased_until <= %(now)s ORDER BY m.enrollment_id LIMIT %(limit)s
"""
_MARK_UNKNOWN = """
UPDATE emails_emailmessage
SET status = 'unknown', unknown_at = %(now)s, lease_token = NULL, leased_until = NULL,
    error = 'the worker stopped while it was sending the message'
WHERE id = ANY(%(messages)s) AND status = 'sending' AND leased_until <= %(now)s
RETURNING enrollment_id
"""
_FREE = """
UPDATE emails_mailbox SET lease_token = NULL, leased_until = NULL, leased_by = '', lane_at = %(now)s
WHERE id IN (SELECT id FROM emails_mailbox WHERE leased_until <= %(now)s ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
"""
_BATCH = 1000


def recover_expired(now: datetime) -> int:
    """Free lanes whose lease has expired and mark what they were sending as `unknown`. Returns how many messages."""
    with transaction.atomic():
        expired = fetch_all(_EXPIRED, {"now": now, "limit": _BATCH})
        unknown = []
        if expired:
            lock_enrollments([row["enrollment_id"] for row in expired])
            unknown = fetch_all(_MARK_UNKNOWN, {"now": now, "messages": [row["id"] for row in expired]})
        wake_enrollments([row["enrollment_id"] for row in unknown], now)
        execute(_FREE, {"now": now})
    return len(unknown)
