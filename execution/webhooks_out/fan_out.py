"""From facts to deliveries: every fact once per subscription, whatever number of processes read it.

Facts are read by the time at which they were stored. Each scan goes back further than any transaction lasts, so that a
later scan finds a fact that was committed late. The unique (subscription, fact) makes a second scan harmless.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from common.db import execute, fetch_all
from execution.models import WebhookSubscription
from execution.webhooks_out.events import ALL, COMPLETED, EXECUTED, EXTERNAL, LOGGED, STORED

GIVES_UP_AFTER = timedelta(hours=24)
# Longer than any transaction that stores facts.
_OVERLAP = timedelta(minutes=10)
# Characters of a reply's text; the API has all of it.
_TEXT_SENT = 10_000

# The row is locked, so that one executor scans for it and the others skip it.
_SUBSCRIBED = """
SELECT id, workspace_id, events, scanned_at, created_at FROM execution_webhooksubscription
WHERE is_active ORDER BY scanned_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED
"""
_ABOUT = """
    'enrollment', f.enrollment_id, 'contact', jsonb_build_object('id', c.id, 'email', c.email),
    'sequence', CASE WHEN s.id IS NULL THEN NULL ELSE jsonb_build_object('id', s.id, 'name', s.name) END,
    'step', CASE WHEN f.step_number IS NULL THEN NULL ELSE jsonb_build_object('number', f.step_number) END
"""
_FACTS = f"""
names AS (SELECT * FROM jsonb_each_text(%(names)s::jsonb) AS n(word, event)),
facts AS (
    SELECT 'log:' || l.id AS fact, n.event, l.at, l.at AS stored_at, l.enrollment_id, NULL::bigint AS contact_id,
           l.step_number,
           jsonb_build_object('message', l.message, 'error', l.error, 'actor', l.actor) AS details
    FROM execution_executionlog l
    JOIN names n ON n.word = CASE WHEN l.action = 'executed' THEN 'executed:' || l.step_type ELSE l.action END
    WHERE l.at > %(since)s AND l.at <= %(until)s AND l.workspace_id = %(workspace)s
  UNION ALL
    SELECT 'done:' || e.id || ':' || e.visit, %(completed)s, max(l.at), max(l.at), e.id, NULL, NULL, '{{}}'::jsonb
    FROM execution_executionlog l JOIN sequences_enrollment e ON e.id = l.enrollment_id
    WHERE l.at > %(since)s AND l.at <= %(until)s AND l.workspace_id = %(workspace)s AND e.status = 'completed'
      AND l.at = e.completed_at
    GROUP BY e.id, e.visit
  UNION ALL
    SELECT 'event:' || v.id, n.event, v.occurred_at, v.recorded_at, v.enrollment_id, NULL, NULL,
           jsonb_build_object('message', v.message_id, 'detail', v.detail, 'bounce_type', v.bounce_type)
               || CASE WHEN y.id IS NULL THEN '{{}}'::jsonb
                       ELSE jsonb_build_object('reply', jsonb_build_object(
                           'id', y.id, 'intent', y.intent, 'text', left(y.text, {_TEXT_SENT}))) END
    FROM emails_emailevent v LEFT JOIN emails_reply y ON y.event_id = v.id JOIN names n ON n.word = 'event:' || v.type
    WHERE v.recorded_at > %(since)s AND v.recorded_at <= %(until)s AND v.workspace_id = %(workspace)s
      AND (v.verdict = 'human' OR v.type NOT IN ('opened', 'clicked')) AND v.enrollment_id IS NOT NULL
  UNION ALL
    SELECT 'external:' || x.id, %(external)s, x.occurred_at, x.recorded_at, NULL, x.contact_id, NULL,
           jsonb_build_object('id', x.event_key, 'type', x.type, 'actor', x.actor)
    FROM emails_externalevent x
    WHERE x.recorded_at > %(since)s AND x.recorded_at <= %(until)s AND x.workspace_id = %(workspace)s
)
INSERT INTO execution_webhookdelivery (workspace_id, subscription_id, fact, event, payload, state, attempts,
                                       next_attempt_at, give_up_at, response, created_at)
SELECT %(workspace)s, %(subscription)s, f.fact, f.event,
       jsonb_build_object('event', f.event, 'workspace', %(workspace)s::bigint, 'details', f.details,
                          'occurred_at', to_char(f.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), {_ABOUT}),
       'pending', 0, %(now)s, %(give_up)s, '', %(now)s
FROM facts f
LEFT JOIN sequences_enrollment e ON e.id = f.enrollment_id
JOIN sequences_contact c ON c.id = coalesce(f.contact_id, e.contact_id)
LEFT JOIN sequences_sequence s ON s.id = e.sequence_id
WHERE f.stored_at >= %(from)s AND (%(events)s::text[] @> ARRAY['{ALL}'] OR f.event = ANY(%(events)s::text[]))
ORDER BY f.at, f.fact
"""
_NEW = f"WITH {_FACTS} ON CONFLICT (subscription_id, fact) DO NOTHING"
_AGAIN = f"""
WITH {_FACTS} LIMIT %(most)s
ON CONFLICT (subscription_id, fact) DO UPDATE
SET state = 'pending', attempts = 0, next_attempt_at = %(now)s, give_up_at = %(give_up)s, lease_token = NULL,
    leased_until = NULL, delivered_at = NULL
RETURNING id, event
"""
_SCANNED = "UPDATE execution_webhooksubscription SET scanned_at = %(now)s WHERE id = %(id)s"
_NAMES = json.dumps(
    {action.value: event for action, event in LOGGED.items()}
    | {f"executed:{kind.value}": event for kind, event in EXECUTED.items()}
    | {f"event:{kind.value}": event for kind, event in STORED.items()}
)


def fan_out(now: datetime) -> int:
    """Queue the facts that active subscriptions have not received. Returns how many deliveries are new.

    Call inside a transaction.
    """
    new = 0
    for row in fetch_all(_SUBSCRIBED, {}):
        new += execute(
            _NEW,
            {
                "names": _NAMES,
                "completed": COMPLETED,
                "external": EXTERNAL,
                "now": now,
                "until": now,
                "since": row["scanned_at"] - _OVERLAP,
                "from": row["created_at"],
                "workspace": row["workspace_id"],
                "subscription": row["id"],
                "events": row["events"],
                "give_up": now + GIVES_UP_AFTER,
            },
        )
        execute(_SCANNED, {"id": row["id"], "now": now})
    return new


def queue_again(
    subscription: WebhookSubscription, events: Sequence[str], since: datetime, until: datetime, most: int, now: datetime
) -> Counter[str]:
    """Queue the facts stored from `since` to `until`, whether or not they were delivered. Returns how many of an event.

    At most `most`, the oldest first. A fact that has a delivery keeps it, and so its id.
    """
    rows = fetch_all(
        _AGAIN,
        {
            "names": _NAMES,
            "completed": COMPLETED,
            "external": EXTERNAL,
            "now": now,
            "until": until,
            "since": since - timedelta(microseconds=1),
            "from": since,
            "workspace": subscription.workspace_id,
            "subscription": subscription.pk,
            "events": list(events),
            "give_up": now + GIVES_UP_AFTER,
            "most": most,
        },
    )
    return Counter(row["event"] for row in rows)
