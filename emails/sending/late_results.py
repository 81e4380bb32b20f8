"""Results that a worker knows although its lane was taken over: the server's answer is evidence like any other.

A message that was accepted is sent, whatever recovery or a user has made of it in the meantime. One that was certainly
not accepted goes back into the queue, unless it was sent again since. Must not touch the lane, which is another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from common.db import fetch_all
from emails.sending.lanes import Lease, wake_lanes
from emails.sending.results import Result, sent_columns
from emails.transport.send_result import Sent, Unknown
from sequences.enrollment_sql import LIVE, count_sent, lock_where, wake_enrollments

_OF_MESSAGES = "e.id IN (SELECT enrollment_id FROM emails_emailmessage WHERE id = ANY(%(messages)s::bigint[]))"
# Queued after an attempt of unknown outcome: a user had it sent again.
_SENT = """
UPDATE emails_emailmessage m
SET status = 'sent', sent_at = r.at, provider_message_id = r.provider, error = '', error_code = '', error_class = '',
    subject = r.subject, text = r.text, html = r.html, in_reply_to = r.in_reply_to, lease_token = NULL,
    leased_until = NULL, handed_over_at = coalesce(m.handed_over_at, r.at),
    resolved_by = 'evidence:answer', resolved_at = %(now)s,
    resolution = 'the server had accepted it; the answer was recorded late'
FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[], %(providers)s::text[], %(subjects)s::text[], %(texts)s::text[],
            %(htmls)s::text[], %(replies)s::text[]) AS r(id, at, provider, subject, text, html, in_reply_to)
WHERE m.id = r.id
  AND (m.status = 'unknown' OR (m.status = 'sending' AND m.lease_token = %(token)s)
       OR (m.status = 'queued' AND cardinality(m.earlier_handed_over_at) > 0))
RETURNING m.enrollment_id, m.is_answer
"""
_NOT_SENT = f"""
UPDATE emails_emailmessage m
SET status = CASE WHEN m.is_answer OR e.status IN {LIVE} THEN 'queued' ELSE 'withheld' END,
    withheld_reason = CASE WHEN m.is_answer OR e.status IN {LIVE} THEN ''
                           ELSE coalesce(nullif(e.auto_exit_reason, ''), e.status) END,
    error = '', lease_token = NULL, leased_until = NULL, handed_over_at = NULL, unknown_at = NULL,
    attempts = greatest(m.attempts - 1, 0)
FROM sequences_enrollment e
WHERE m.id = ANY(%(ids)s::bigint[]) AND e.id = m.enrollment_id AND cardinality(m.earlier_handed_over_at) = 0
  AND (m.status = 'unknown' OR (m.status = 'sending' AND m.lease_token = %(token)s))
RETURNING m.enrollment_id
"""


def record_late_results(lease: Lease, results: Sequence[Result], now: datetime) -> int:
    """Settle what is known of a chunk whose lease was lost. Call inside a transaction. Returns how many messages."""
    lock_where(_OF_MESSAGES, {"messages": [result.message_pk for result in results]})
    sent = [result for result in results if isinstance(result.answer, Sent)]
    back = [result for result in results if not isinstance(result.answer, Sent | Unknown)]
    left = fetch_all(_SENT, {**sent_columns(sent), "token": lease.token, "now": now}) if sent else []
    count_sent(Counter(row["enrollment_id"] for row in left if not row["is_answer"]), now)
    ids = [result.message_pk for result in back]
    queued = fetch_all(_NOT_SENT, {"ids": ids, "token": lease.token}) if back else []
    if queued:
        wake_enrollments([row["enrollment_id"] for row in queued], now)
        wake_lanes([lease.mailbox_id], now)
    return len(left) + len(queued)
