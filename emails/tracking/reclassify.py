"""Classifies visits once it is known what else came to the same email, and again when the rules have changed.

A visit of a person wakes the enrollment and moves nothing. Any number of processes may run this at once.
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
from common.transaction_ids import CURRENT
from emails.choices import Verdict
from emails.facts.scores import mark_scores_due
from emails.tracking.visits import (
    BURST,
    CLASSIFIED_AFTER,
    HEADERS_REACH,
    RULES_VERSION,
    RUSH,
    NearbyVisits,
    Visit,
    VisitVerdict,
    classify_visit,
)
from sequences.enrollment_sql import wake_enrollments

_BATCH = 500
_COLUMNS = """
SELECT v.id, v.enrollment_id, v.contact_id, v.occurred_at, v.verdict, v.verdict_reason, v.confidence, v.rules_version,
       v.payload ->> 'user_agent' AS user_agent, v.payload ->> 'method' AS method,
       m.handed_over_at, greatest(links.in_burst, 1) AS links_in_burst, greatest(links.in_rush, 1) AS links_in_rush,
       links.agent_asked_for_headers
FROM chosen JOIN emails_emailevent v ON v.id = chosen.id
LEFT JOIN emails_emailmessage m ON m.id = v.message_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT x.detail) FILTER (
               WHERE x.occurred_at BETWEEN v.occurred_at - %(burst)s AND v.occurred_at + %(burst)s) AS in_burst,
           count(DISTINCT x.detail) FILTER (
               WHERE x.occurred_at BETWEEN v.occurred_at - %(rush)s AND v.occurred_at + %(rush)s) AS in_rush,
           coalesce(bool_or(x.payload ->> 'method' = 'HEAD' AND x.payload ->> 'user_agent' <> ''
                            AND x.payload ->> 'user_agent' = v.payload ->> 'user_agent'), false)
               AS agent_asked_for_headers
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
# Retention has removed the user agent of older visits; their verdict stays.
_CAN_BE_RECLASSIFIED = """
    type IN ('opened', 'clicked') AND verdict <> 'pending' AND rules_version < %(version)s AND payload <> '{}'
"""
_OLDER = f"""
WITH chosen AS (
    SELECT id FROM emails_emailevent
    WHERE id > %(after)s AND {_CAN_BE_RECLASSIFIED}
      AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
      AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
    ORDER BY id LIMIT %(limit)s FOR UPDATE)
{_COLUMNS}
"""
# A pending visit is no fact yet: the feed shows it with the transaction that classified it.
_STORE = f"""
UPDATE emails_emailevent v
SET verdict = r.verdict, verdict_reason = r.reason, confidence = r.confidence, rules_version = %(version)s,
    stored_in = CASE WHEN v.verdict = 'pending' THEN {CURRENT} ELSE v.stored_in END
FROM unnest(%(ids)s::bigint[], %(verdicts)s::text[], %(reasons)s::text[], %(confidences)s::smallint[])
     AS r(id, verdict, reason, confidence)
WHERE v.id = r.id
"""
_COUNT_OLDER = f"""
SELECT count(*) AS number FROM emails_emailevent
WHERE {_CAN_BE_RECLASSIFIED}
  AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
  AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
"""


@dataclass(slots=True)
class Reclassified:
    """The result of classifying again; `changes` counts by "human → machine" and the like."""

    classified: int = 0
    woken: int = 0
    changes: Counter[str] = field(default_factory=Counter)


def classify_pending_visits(now: datetime) -> int:
    """Classify what has been pending for long enough. Returns the number of visits by people."""
    people = 0
    while True:
        with transaction.atomic():
            rows = fetch_all(_PENDING, {**_spans(), "before": now - CLASSIFIED_AFTER, "limit": _BATCH})
            classified = [_classify(row) for row in rows]
            _store(rows, classified)
            humans = [row for row, found in zip(rows, classified, strict=True) if found.verdict is Verdict.HUMAN]
            mark_scores_due([row["contact_id"] for row in humans if row["contact_id"]], now)
            _wake([row["enrollment_id"] for row in humans], now)
        people += len(humans)
        if len(rows) < _BATCH:
            return people


def next_classification_at() -> datetime | None:
    """When the next visit can be classified; None when none is pending."""
    row = fetch_all("SELECT min(occurred_at) AS at FROM emails_emailevent WHERE verdict = 'pending'", {})[0]
    return row["at"] + CLASSIFIED_AFTER if row["at"] else None


def count_older(since: datetime | None, workspace_id: int | None) -> int:
    """How many visits were classified by older rules."""
    params = {"version": RULES_VERSION, "since": since, "workspace": workspace_id}
    number: int = fetch_all(_COUNT_OLDER, params)[0]["number"]
    return number


def reclassify_batch(
    total: Reclassified, after: int, *, since: datetime | None, workspace_id: int | None, now: datetime, dry_run: bool
) -> tuple[int, int]:
    """Classify the next visits that older rules have classified, from the id `after`. Returns (how many, the last id).

    Each batch is one transaction, so an interrupted run continues where it was. With `dry_run` only `total` changes.
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
        classified = [_classify(row) for row in rows]
        changed = [
            (row, found) for row, found in zip(rows, classified, strict=True) if found.verdict.value != row["verdict"]
        ]
        if not dry_run:
            _store(rows, classified)
            mark_scores_due([row["contact_id"] for row, _ in changed if row["contact_id"]], now)
            _wake([row["enrollment_id"] for row, _ in changed], now)
    total.classified += len(rows)
    total.woken += len({row["enrollment_id"] for row, _ in changed if row["enrollment_id"]})
    total.changes.update(f"{row['verdict']} → {found.verdict}" for row, found in changed)
    return len(rows), rows[-1]["id"] if rows else after


def _spans() -> dict[str, object]:
    return {"burst": BURST, "rush": RUSH, "reach": HEADERS_REACH}


def _classify(row: Row) -> VisitVerdict:
    # what was stored before the method was kept says so in its reason
    was_head = row["verdict_reason"].startswith("asked for the headers")
    method = row["method"] or ("HEAD" if was_head else "GET")
    visit = Visit(method, row["user_agent"] or "", row["occurred_at"], row["handed_over_at"])
    nearby = NearbyVisits(row["links_in_burst"], row["links_in_rush"], row["agent_asked_for_headers"])
    return classify_visit(visit, nearby)


def _store(rows: Sequence[Row], classified: Sequence[VisitVerdict]) -> None:
    if rows:
        execute(
            _STORE,
            {
                "version": RULES_VERSION,
                "ids": [row["id"] for row in rows],
                "verdicts": [found.verdict.value for found in classified],
                "reasons": [found.reason for found in classified],
                "confidences": [found.confidence for found in classified],
            },
        )


def _wake(enrollments: Sequence[int | None], now: datetime) -> None:
    if wake_enrollments([each for each in enrollments if each is not None], now):
        notify_engine()
