"""Resolve messages of unknown outcome: they were sent, or they must be sent again. Wakes; moves no enrollment."""

from __future__ import annotations

from datetime import datetime

from common.db import fetch_all
from emails.choices import STEP_REMOVED, STEP_SKIPPED
from emails.sending.lanes import wake_lanes
from sequences.enrollment_sql import LIVE, count_sent, lock_where, wake_enrollments

_OF_MESSAGE = "e.id IN (SELECT enrollment_id FROM emails_emailmessage WHERE id = %(message)s)"
_SENT = """
UPDATE emails_emailmessage
SET status = 'sent', sent_at = handed_over_at, error = '', resolved_by = %(actor)s, resolved_at = %(now)s,
    resolution = %(resolution)s
WHERE id = %(message)s AND status = 'unknown'
RETURNING enrollment_id, is_answer
"""
_AGAIN = f"""
UPDATE emails_emailmessage m
SET status = CASE WHEN m.is_answer OR (e.current_step_id = m.step_id AND e.visit = m.visit) THEN 'queued'
                  ELSE 'withheld' END,
    withheld_reason = CASE WHEN m.is_answer OR (e.current_step_id = m.step_id AND e.visit = m.visit) THEN ''
                           WHEN EXISTS (SELECT 1 FROM sequences_step t WHERE t.id = m.step_id) THEN %(skipped)s
                           ELSE %(removed)s END,
    send_after_at = %(now)s, held_by = '', error = '', resolved_by = %(actor)s,
    resolved_at = %(now)s, resolution = %(resolution)s,
    earlier_handed_over_at = m.earlier_handed_over_at || m.handed_over_at, handed_over_at = NULL
FROM sequences_enrollment e
WHERE m.id = %(message)s AND m.status = 'unknown'
  AND e.id = m.enrollment_id AND (m.is_answer OR e.status IN {LIVE})
RETURNING m.enrollment_id, m.mailbox_id
"""


def mark_sent(message_id: int, actor: str, reason: str, now: datetime) -> bool:
    """The message was sent. Call inside a transaction. False when its outcome is known already."""
    lock_where(_OF_MESSAGE, {"message": message_id})
    resolution = reason or "marked as sent"
    rows = fetch_all(_SENT, {"message": message_id, "actor": actor, "now": now, "resolution": resolution[:200]})
    for row in rows:
        if not row["is_answer"]:
            count_sent({row["enrollment_id"]: 1}, now)
    return bool(rows)


def send_again(message_id: int, actor: str, reason: str, now: datetime) -> bool:
    """Queue it once more, with the same Message-ID. The unconfirmed attempt still counts against the caps.

    An email whose step has been removed or skipped is withheld instead: its enrollment continues without it.

    Call inside a transaction. False when its outcome is known already, or when its enrollment has ended.
    """
    lock_where(_OF_MESSAGE, {"message": message_id})
    resolution = reason or "sent again"
    params = {"message": message_id, "actor": actor, "now": now, "resolution": resolution[:200]}
    rows = fetch_all(_AGAIN, {**params, "removed": STEP_REMOVED, "skipped": STEP_SKIPPED})
    for row in rows:
        wake_enrollments([row["enrollment_id"]], now)
        wake_lanes([row["mailbox_id"]], now)
    return bool(rows)
