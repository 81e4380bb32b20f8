"""Judges visits once it is known what else came to the same email, and again when the rules have changed.

Whoever turns out to be a person wakes the enrollment; nothing is moved here. Safe to run anywhere, any number at once.
Order of locks: the visits, the contacts, the enrollments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from emails.choices import Verdict
from emails.facts.scores import mark_scores_due
from emails.tracking.visits import (
    BURST,
    HONEYPOT_REACH,
    RULES_VERSION,
    SETTLES_AFTER,
    Judgement,
    Surroundings,
    Visit,
    judge_visit,
)
from sequences.enrollment_sql import wake_enrollments

_BATCH = 500
_COLUMNS = """
SELECT v.id, v.enrollment_id, v.contact_id, v.occurred_at, v.verdict, v.verdict_reason, v.confidence, v.rules_version,
       v.payload ->> 'user_agent' AS user_agent, v.payload ->> 'method' AS method,
       v.payload ? 'honeypot' AS is_honeypot, m.handed_over_at, greatest(links.number, 1) AS links_at_once,
       links.touched_honeypot
FROM chosen JOIN emails_emailevent v ON v.id = chosen.id
LEFT JOIN emails_emailmessage m ON m.id = v.message_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT x.detail) FILTER (
               WHERE NOT x.payload ? 'honeypot'
                 AND x.occurred_at BETWEEN v.occurred_at - %(burst)s AND v.occurred_at + %(burst)s) AS number,
           coalesce(bool_or(x.payload ? 'honeypot'), false) AS touched_honeypot
    FROM emails_emailevent x
    WHERE x.message_id = v.message_id AND x.type = 'clicked'
      AND x.occurred_at BETWEEN v.occurred_at - %(reach)s AND v.occurred_at + %(reach)s
) links
ORDER BY v.id
"""
_PENDING = f"""
WITH chosen AS (
    SELECT id FROM emails_emailevent WHERE verdict = 'pending' AND occurred_at <= %(before)s
    ORDER BY occurred_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
{_COLUMNS}
"""
# Of whom retention has let go nothing is left to judge by: what was found then stays.
_CAN_BE_JUDGED_AGAIN = """
    type IN ('opened', 'clicked') AND verdict <> 'pending' AND rules_version < %(version)s AND payload <> '{}'
"""
_OLDER = f"""
WITH chosen AS (
    SELECT id FROM emails_emailevent
    WHERE id > %(after)s AND {_CAN_BE_JUDGED_AGAIN}
      AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
      AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
    ORDER BY id LIMIT %(limit)s FOR UPDATE)
{_COLUMNS}
"""
_REOPEN = """
UPDATE emails_emailevent SET verdict = 'pending'
WHERE message_id = %(message)s AND type IN ('opened', 'clicked') AND verdict = 'human' AND occurred_at >= %(since)s
RETURNING contact_id
"""
_STORE = """
UPDATE emails_emailevent v
SET verdict = r.verdict, verdict_reason = r.reason, confidence = r.confidence, rules_version = %(version)s
FROM unnest(%(ids)s::bigint[], %(verdicts)s::text[], %(reasons)s::text[], %(confidences)s::smallint[])
     AS r(id, verdict, reason, confidence)
WHERE v.id = r.id
"""
_COUNT_OLDER = f"""
SELECT count(*) AS number FROM emails_emailevent
WHERE {_CAN_BE_JUDGED_AGAIN}
  AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
  AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
"""


@dataclass(slots=True)
class Rejudged:
    """What judging again came to; `changes` counts by "human → machine" and the like."""

    judged: int = 0
    woken: int = 0
    changes: Counter[str] = field(default_factory=Counter)


def settle_visits(now: datetime) -> int:
    """Judge what has been pending for long enough. Returns how many turned out to be people."""
    people = 0
    while True:
        with transaction.atomic():
            rows = fetch_all(_PENDING, {**_spans(), "before": now - SETTLES_AFTER, "limit": _BATCH})
            judged = [_judge(row) for row in rows]
            _store(rows, judged)
            humans = [row for row, found in zip(rows, judged, strict=True) if found.verdict is Verdict.HUMAN]
            mark_scores_due([row["contact_id"] for row in humans if row["contact_id"]], now)
            _wake([row["enrollment_id"] for row in humans], now)
        people += len(humans)
        if len(rows) < _BATCH:
            return people


def reopen_visits(message_id: int, now: datetime) -> None:
    """Have the email's latest visits judged once more: somebody followed the link that no reader sees."""
    with transaction.atomic():
        rows = fetch_all(_REOPEN, {"message": message_id, "since": now - HONEYPOT_REACH})
        mark_scores_due([row["contact_id"] for row in rows if row["contact_id"]], now + SETTLES_AFTER)


def next_settling_at() -> datetime | None:
    """When the next visit can be judged; None when none waits."""
    row = fetch_all("SELECT min(occurred_at) AS at FROM emails_emailevent WHERE verdict = 'pending'", {})[0]
    return row["at"] + SETTLES_AFTER if row["at"] else None


def count_older(since: datetime | None, workspace_id: int | None) -> int:
    """How many visits were judged by older rules."""
    params = {"version": RULES_VERSION, "since": since, "workspace": workspace_id}
    number: int = fetch_all(_COUNT_OLDER, params)[0]["number"]
    return number


def rejudge_batch(
    total: Rejudged, after: int, *, since: datetime | None, workspace_id: int | None, now: datetime, keeps: bool
) -> tuple[int, int]:
    """Judge the next visits that older rules have judged, from the id `after`. Returns (how many, the last id).

    Each batch is kept by itself, so whoever is stopped goes on where it was. `keeps` false: only `total` learns of it.
    """
    with transaction.atomic():
        params = {
            **_spans(),
            "after": after,
            "since": since,
            "workspace": workspace_id,
            "version": RULES_VERSION,
            "limit": _BATCH,
        }
        rows = fetch_all(_OLDER, params)
        judged = [_judge(row) for row in rows]
        changed = [
            (row, found) for row, found in zip(rows, judged, strict=True) if found.verdict.value != row["verdict"]
        ]
        if keeps:
            _store(rows, judged)
            mark_scores_due([row["contact_id"] for row, _ in changed if row["contact_id"]], now)
            _wake([row["enrollment_id"] for row, _ in changed], now)
    total.judged += len(rows)
    total.woken += len({row["enrollment_id"] for row, _ in changed if row["enrollment_id"]})
    total.changes.update(f"{row['verdict']} → {found.verdict}" for row, found in changed)
    return len(rows), rows[-1]["id"] if rows else after


def _spans() -> dict[str, object]:
    return {"burst": BURST, "reach": HONEYPOT_REACH}


def _judge(row: Row) -> Judgement:
    if row["is_honeypot"]:
        return Judgement(Verdict.MACHINE, "followed the link that no reader sees", 99)
    # what was stored before the method was kept says so in its reason
    was_head = row["verdict_reason"].startswith("asked for the headers")
    method = row["method"] or ("HEAD" if was_head else "GET")
    visit = Visit(method, row["user_agent"] or "", row["occurred_at"], row["handed_over_at"])
    return judge_visit(visit, Surroundings(row["links_at_once"], row["touched_honeypot"]))


def _store(rows: Sequence[Row], judged: Sequence[Judgement]) -> None:
    if rows:
        execute(
            _STORE,
            {
                "version": RULES_VERSION,
                "ids": [row["id"] for row in rows],
                "verdicts": [found.verdict.value for found in judged],
                "reasons": [found.reason for found in judged],
                "confidences": [found.confidence for found in judged],
            },
        )


def _wake(enrollments: Sequence[int | None], now: datetime) -> None:
    if wake_enrollments([each for each in enrollments if each is not None], now):
        notify_engine()
