"""From facts to deliveries: every fact once per subscription, whatever number of processes read it.

Facts are read by the time at which they were stored. Each scan goes back further than any transaction lasts, so that a
later scan finds a fact that was committed late. The unique (subscription, fact) makes a second scan harmless. What is
delivered is the object that the feed has of the fact (`execution.webhooks_out.payloads`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from common.db import Row, execute, fetch_all
from execution.models import WebhookSubscription
from execution.webhooks_out.events import ALL, COMPLETED, DELIVERED_CONTROLS, EXECUTED, EXTERNAL, LOGGED, STORED
from execution.webhooks_out.payloads import make_payloads

GIVES_UP_AFTER = timedelta(hours=24)
# Longer than any transaction that stores facts.
_OVERLAP = timedelta(minutes=10)
_BATCH = 1_000

# The row is locked, so that one executor scans for it and the others skip it.
_SUBSCRIBED = """
SELECT id, workspace_id, events, scanned_at, created_at FROM execution_webhooksubscription
WHERE is_active ORDER BY scanned_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED
"""
# `source` and `id` name the row of the feed.
_FACTS = f"""
WITH names AS (SELECT * FROM jsonb_each_text(%(names)s::jsonb) AS n(word, event)),
facts AS (
    SELECT 'log' AS source, l.id, 'log:' || l.id AS fact, n.event, l.at, l.at AS stored_at
    FROM execution_executionlog l
    JOIN names n ON n.word = CASE WHEN l.action = 'executed' THEN 'executed:' || l.step_type ELSE l.action END
    WHERE l.at > %(since)s AND l.at <= %(until)s AND l.workspace_id = %(workspace)s
  UNION ALL
    SELECT CASE WHEN bool_or(l.action = 'completed') THEN 'log' ELSE 'done' END,
           coalesce(max(l.id) FILTER (WHERE l.action = 'completed'), max(l.id)),
           'done:' || e.id || ':' || e.visit, '{COMPLETED}', max(l.at), max(l.at)
    FROM execution_executionlog l JOIN sequences_enrollment e ON e.id = l.enrollment_id
    WHERE l.at > %(since)s AND l.at <= %(until)s AND l.workspace_id = %(workspace)s AND e.status = 'completed'
      AND l.at = e.completed_at
    GROUP BY e.id, e.visit
  UNION ALL
    SELECT 'event', v.id, 'event:' || v.id, n.event, v.occurred_at, v.recorded_at
    FROM emails_emailevent v JOIN names n ON n.word = 'event:' || v.type
    WHERE v.recorded_at > %(since)s AND v.recorded_at <= %(until)s AND v.workspace_id = %(workspace)s
      AND (v.verdict = 'human' OR v.type NOT IN ('opened', 'clicked')) AND v.enrollment_id IS NOT NULL
  UNION ALL
    SELECT CASE WHEN c.workspace_id IS NULL THEN 'executor' ELSE 'control' END, c.id, 'control:' || c.id, n.event,
           c.at, c.at
    FROM execution_controllog c JOIN names n ON n.word = 'control:' || c.target || '.' || c.action
    WHERE c.at > %(since)s AND c.at <= %(until)s AND (c.workspace_id = %(workspace)s OR c.workspace_id IS NULL)
  UNION ALL
    SELECT 'suppression', x.id, 'suppression:' || x.id, 'suppression.' || x.action, x.at, x.at
    FROM emails_suppressionchange x
    WHERE x.at > %(since)s AND x.at <= %(until)s AND x.workspace_id = %(workspace)s
  UNION ALL
    SELECT 'external', y.id, 'external:' || y.id, '{EXTERNAL}', y.occurred_at, y.recorded_at
    FROM emails_externalevent y
    WHERE y.recorded_at > %(since)s AND y.recorded_at <= %(until)s AND y.workspace_id = %(workspace)s
  UNION ALL
    SELECT 'outcome', z.id, 'outcome:' || z.id, 'email.' || z.status, z.at, z.at
    FROM emails_emailoutcome z
    WHERE z.at > %(since)s AND z.at <= %(until)s AND z.workspace_id = %(workspace)s
)
SELECT f.source, f.id, f.fact, f.event FROM facts f
WHERE f.stored_at >= %(from)s AND (%(events)s::text[] @> ARRAY['{ALL}'] OR f.event = ANY(%(events)s::text[]))
"""
_NEW = f"""
{_FACTS} AND NOT EXISTS (SELECT 1 FROM execution_webhookdelivery d
                         WHERE d.subscription_id = %(subscription)s AND d.fact = f.fact)
ORDER BY f.at, f.fact LIMIT %(most)s
"""
_ALL_OF_PERIOD = f"{_FACTS} ORDER BY f.at, f.fact LIMIT %(most)s"
_STORE = """
INSERT INTO execution_webhookdelivery (workspace_id, subscription_id, fact, event, payload, state, attempts,
                                       next_attempt_at, give_up_at, response, created_at)
SELECT %(workspace)s, %(subscription)s, r.fact, r.event, r.payload::jsonb, 'pending', 0, %(now)s, %(give_up)s, '',
       %(now)s
FROM unnest(%(facts)s::text[], %(named)s::text[], %(payloads)s::text[]) WITH ORDINALITY
     AS r(fact, event, payload, place)
ORDER BY r.place
ON CONFLICT (subscription_id, fact) DO
"""
_STORE_NEW = f"{_STORE} NOTHING"
_STORE_AGAIN = f"""{_STORE} UPDATE
SET state = 'pending', attempts = 0, next_attempt_at = %(now)s, give_up_at = %(give_up)s, lease_token = NULL,
    leased_until = NULL, delivered_at = NULL, payload = excluded.payload
"""
_SCANNED = "UPDATE execution_webhooksubscription SET scanned_at = %(now)s WHERE id = %(id)s"
_NAMES = json.dumps(
    {action.value: event for action, event in LOGGED.items()}
    | {f"executed:{kind.value}": event for kind, event in EXECUTED.items()}
    | {f"event:{kind.value}": event for kind, event in STORED.items()}
    | {f"control:{event}": event for event in DELIVERED_CONTROLS}
)


def fan_out(now: datetime) -> int:
    """Queue the facts that active subscriptions have not received. Returns how many deliveries are new.

    Call inside a transaction.
    """
    new = 0
    for row in fetch_all(_SUBSCRIBED, {}):
        asked = {
            "names": _NAMES,
            "now": now,
            "until": now,
            "since": row["scanned_at"] - _OVERLAP,
            "from": row["created_at"],
            "workspace": row["workspace_id"],
            "subscription": row["id"],
            "events": row["events"],
            "give_up": now + GIVES_UP_AFTER,
            "most": _BATCH,
        }
        while facts := fetch_all(_NEW, asked):
            stored = _store(_STORE_NEW, asked, facts)
            new += stored
            if len(facts) < _BATCH or not stored:
                break
        execute(_SCANNED, {"id": row["id"], "now": now})
    return new


def queue_again(
    subscription: WebhookSubscription, events: Sequence[str], since: datetime, until: datetime, most: int, now: datetime
) -> Counter[str]:
    """Queue the facts stored from `since` to `until`, whether or not they were delivered. Returns how many of an event.

    At most `most`, the oldest first. A fact that has a delivery keeps it, and so its id.
    """
    asked = {
        "names": _NAMES,
        "now": now,
        "until": until,
        "since": since - timedelta(microseconds=1),
        "from": since,
        "workspace": subscription.workspace_id,
        "subscription": subscription.pk,
        "events": list(events),
        "give_up": now + GIVES_UP_AFTER,
        "most": most,
    }
    facts = fetch_all(_ALL_OF_PERIOD, asked)
    for start in range(0, len(facts), _BATCH):
        _store(_STORE_AGAIN, asked, facts[start : start + _BATCH])
    return Counter(fact["event"] for fact in facts)


def _store(statement: str, asked: dict[str, Any], facts: Sequence[Row]) -> int:
    payloads = make_payloads(facts)
    kept = [(fact, payload) for fact, payload in zip(facts, payloads, strict=True) if payload is not None]
    return execute(
        statement,
        {
            **asked,
            "facts": [fact["fact"] for fact, _ in kept],
            "named": [fact["event"] for fact, _ in kept],
            "payloads": [json.dumps(payload, ensure_ascii=False) for _, payload in kept],
        },
    )
