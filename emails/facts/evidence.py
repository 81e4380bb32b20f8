"""Resolve messages of unknown outcome by evidence: an event that names a message proves that it was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from common.db import fetch_all
from common.notify import notify_engine
from sequences.enrollment_sql import count_sent, lock_enrollments

# `m` is the message. While a worker holds its lease, that worker records the result.
IS_UNRESOLVED = "(m.status = 'unknown' OR (m.status = 'sending' AND m.leased_until <= %(now)s))"

_LEFT = f"""
UPDATE emails_emailmessage m
SET status = 'sent', sent_at = coalesce(m.handed_over_at, r.occurred_at), error = '', lease_token = NULL,
    leased_until = NULL, resolved_by = r.source, resolved_at = %(now)s, resolution = r.reason
FROM (
    SELECT DISTINCT ON (message) message, occurred_at, source, reason
    FROM unnest(%(messages)s::bigint[], %(occurred)s::timestamptz[], %(sources)s::text[], %(reasons)s::text[])
         AS given(message, occurred_at, source, reason)
    ORDER BY message, occurred_at
) r
WHERE m.id = r.message AND {IS_UNRESOLVED}
RETURNING m.enrollment_id, m.is_answer
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence that a message was sent: when, from which source (`imap`, `tracking`, a provider), and what it is."""

    message_pk: int
    occurred_at: datetime
    source: str
    reason: str


def resolve_proven(proofs: Sequence[tuple[int, Proof]], now: datetime) -> int:
    """Lock the enrollments, mark their messages of unknown outcome as sent, notify the engine. Returns how many.

    `proofs` are pairs of an enrollment's id and the proof.
    """
    if not proofs:
        return 0
    with transaction.atomic():
        lock_enrollments([enrollment_id for enrollment_id, _ in proofs])
        marked = resolve_locked([proof for _, proof in proofs], now)
        if marked:
            notify_engine()
    return marked


def resolve_locked(proofs: Sequence[Proof], now: datetime) -> int:
    """Mark those of unknown outcome as sent, at the time of their attempt, and wake. Returns how many.

    The caller has locked the enrollments of these messages, in id order.
    """
    if not proofs:
        return 0
    left = fetch_all(
        _LEFT,
        {
            "now": now,
            "messages": [proof.message_pk for proof in proofs],
            "occurred": [proof.occurred_at for proof in proofs],
            "sources": [f"evidence:{proof.source}" for proof in proofs],
            "reasons": [proof.reason[:200] for proof in proofs],
        },
    )
    count_sent(Counter(row["enrollment_id"] for row in left if not row["is_answer"]), now)
    return len(left)
