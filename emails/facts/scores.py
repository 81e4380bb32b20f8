"""The scores of contacts and accounts: computed again when a fact comes, and once a day while they are not zero.

A contact whose score is to be computed has a `score_due_at`; so a crash between a fact and its score loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from emails.choices import EventType
from emails.facts.scoring import HALF_LIFE, MOST, OPT_OUTS, POINTS, Fact, Part, weigh
from sequences.enrollment_sql import wake_where

_BATCH = 500
_AGES_EVERY = timedelta(days=1)
_HALF_LIFE_SECONDS = int(HALF_LIFE.total_seconds())
_KINDS = {"types": [type_.value for type_ in POINTS], "opt_outs": sorted(type_.value for type_ in OPT_OUTS)}
_WORTH = " ".join(f"WHEN '{type_}' THEN {points}" for type_, points in POINTS.items())

_IS_OPT_OUT = """
v.type = 'replied' AND EXISTS (
    SELECT 1 FROM emails_emailevent o
    WHERE o.contact_id = v.contact_id AND o.type = ANY(%(opt_outs)s) AND o.message_id IS NOT DISTINCT FROM v.message_id)
"""
_MARK = """
UPDATE sequences_contact SET score_due_at = %(now)s
WHERE id IN (SELECT id FROM sequences_contact WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE)
"""
_DUE = """
SELECT id FROM sequences_contact WHERE score_due_at <= %(now)s ORDER BY score_due_at LIMIT %(limit)s
"""
# Enrollments that wait for the score, at a split or by their goal, must be evaluated again. Their rows are locked after
# the contacts', as by transactions that change a contact.
_WAIT_FOR_SCORE = """
e.contact_id = ANY(%(ids)s::bigint[]) AND (
    e.status = 'active'
    AND e.current_step_id IN (SELECT id FROM sequences_step WHERE condition_type = 'engagement_score')
    OR e.sequence_id IN (SELECT id FROM sequences_sequence WHERE goal ? 'score'))
"""
_COMPUTE = f"""
WITH due AS (
    SELECT id, account_id, engagement_score FROM sequences_contact
    WHERE id = ANY(%(ids)s) AND score_due_at <= %(now)s ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), found AS (
    SELECT d.id, d.account_id, d.engagement_score AS old,
           least({MOST}, round(coalesce(sum((CASE f.type {_WORTH} END) * power(
               0.5, greatest(extract(epoch FROM %(now)s - f.at), 0) / {_HALF_LIFE_SECONDS})), 0)))::int AS new
    FROM due d
    LEFT JOIN LATERAL (
        SELECT v.type, v.message_id, max(v.occurred_at) AS at FROM emails_emailevent v
        WHERE v.contact_id = d.id AND v.type = ANY(%(types)s) AND v.verdict = 'human' AND NOT ({_IS_OPT_OUT})
        GROUP BY v.type, v.message_id
    ) f ON true
    GROUP BY d.id, d.account_id, d.engagement_score
)
UPDATE sequences_contact c
SET engagement_score = found.new, score_due_at = CASE WHEN found.new > 0 THEN %(next)s::timestamptz END
FROM found WHERE c.id = found.id
RETURNING c.id, found.account_id, found.old, found.new
"""
_LOCK_ACCOUNTS = "SELECT id FROM sequences_account WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"
_ACCOUNTS = f"""
UPDATE sequences_account a SET engagement_score = r.score
FROM (SELECT account_id, least({MOST}, sum(engagement_score))::int AS score FROM sequences_contact
      WHERE account_id = ANY(%(ids)s) GROUP BY account_id) r
WHERE a.id = r.account_id AND a.engagement_score <> r.score
"""
_FACTS = f"""
SELECT v.type, max(v.occurred_at) AS at FROM emails_emailevent v
WHERE v.contact_id = %(contact)s AND v.type = ANY(%(types)s) AND v.verdict = 'human' AND NOT ({_IS_OPT_OUT})
GROUP BY v.type, v.message_id
"""


def mark_scores_due(contact_ids: Sequence[int], now: datetime) -> None:
    """A fact came that may change their score. Call in the transaction that stores it."""
    if contact_ids:
        execute(_MARK, {"ids": sorted(set(contact_ids)), "now": now})


def refresh_scores(now: datetime) -> int:
    """Compute what is due. Returns how many scores have changed."""
    changed = 0
    while True:
        ids = [row["id"] for row in fetch_all(_DUE, {"now": now, "limit": _BATCH})]
        if not ids:
            return changed
        with transaction.atomic():
            rows = fetch_all(_COMPUTE, {"ids": ids, "now": now, "next": now + _AGES_EVERY, **_KINDS})
            moved = [row for row in rows if row["old"] != row["new"]]
            _refresh_accounts(moved)
            if moved and wake_where(_WAIT_FOR_SCORE, {"ids": [row["id"] for row in moved]}, now):
                notify_engine()
        changed += len(moved)
        if not rows:
            # another process computes them
            return changed


def explain_score(contact_id: int, now: datetime) -> list[Part]:
    """What the contact's score is made of, the weightiest part first."""
    rows = fetch_all(_FACTS, {"contact": contact_id, **_KINDS})
    return weigh([Fact(EventType(row["type"]), row["at"]) for row in rows], now)


def _refresh_accounts(moved: Sequence[Row]) -> None:
    accounts = sorted({row["account_id"] for row in moved if row["account_id"] is not None})
    if accounts:
        execute(_LOCK_ACCOUNTS, {"ids": accounts})
        execute(_ACCOUNTS, {"ids": accounts})
