"""Posts pending deliveries: claimed under a lease, posted outside any transaction, recorded under the same lease.

When a worker dies, another one takes its deliveries after the lease: delivered at least once, with the same id.
"""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from common.db import Row, execute, fetch_all, release_connection
from common.dialler import members_dialler
from common.text import storable_text
from execution.models import WebhookSubscription
from execution.webhooks_out.posting import TIMEOUT_SECONDS, Answer, post
from execution.webhooks_out.signing import sign

_LEASE = timedelta(seconds=6 * TIMEOUT_SECONDS)
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)
_AT_ONCE = 8
# A few of each subscription at a time: one that does not answer does not delay the others.
_EACH = 4

_CLAIM = """
UPDATE execution_webhookdelivery d
SET lease_token = %(token)s, leased_until = %(until)s, attempts = d.attempts + 1
WHERE d.id IN (
    SELECT p.id FROM execution_webhooksubscription s
    CROSS JOIN LATERAL (
        SELECT x.id, x.next_attempt_at FROM execution_webhookdelivery x
        WHERE x.subscription_id = s.id AND x.state = 'pending' AND x.next_attempt_at <= %(now)s
          AND (x.leased_until IS NULL OR x.leased_until <= %(now)s)
        ORDER BY x.next_attempt_at, x.id LIMIT %(each)s FOR UPDATE SKIP LOCKED
    ) p
    WHERE s.is_active ORDER BY p.next_attempt_at LIMIT %(most)s
)
RETURNING d.id, d.subscription_id, d.event, d.payload, d.attempts, d.give_up_at
"""
_RECORD = """
UPDATE execution_webhookdelivery
SET state = %(state)s, next_attempt_at = %(next)s, lease_token = NULL, leased_until = NULL,
    status_code = %(code)s, response = %(response)s, delivered_at = %(delivered)s
WHERE id = %(id)s AND lease_token = %(token)s AND state = 'pending'
"""


def deliver_pending(now: datetime) -> int:
    """Post some of the due deliveries. Returns how many were tried, accepted or not."""
    token = uuid.uuid4()
    with transaction.atomic():
        rows = fetch_all(
            _CLAIM,
            {"token": token, "until": now + _LEASE, "now": now, "each": _EACH, "most": _AT_ONCE * _EACH},
        )
        subscriptions = WebhookSubscription.objects.in_bulk({row["subscription_id"] for row in rows})
    if not rows:
        return 0
    calls = [(row, subscriptions[row["subscription_id"]], now) for row in rows]
    release_connection()
    with ThreadPoolExecutor(_AT_ONCE, "webhooks") as pool:
        for row, answer in zip(rows, pool.map(_call, calls), strict=True):
            execute(_RECORD, {**_next_state(row, answer, now), "id": row["id"], "token": token})
    return len(rows)


def _call(given: tuple[Row, WebhookSubscription, datetime]) -> Answer:
    row, subscription, now = given
    body = json.dumps({"id": row["id"], **row["payload"]}, ensure_ascii=False).encode()
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Sequence-Executor",
        "X-Event": row["event"],
        "X-Delivery": str(row["id"]),
        "X-Timestamp": timestamp,
        "X-Signature": sign((subscription.secret or {}).get("secret", ""), timestamp, body),
    }
    return post(subscription.url, body, headers, members_dialler())


def _next_state(row: Row, answer: Answer, now: datetime) -> dict[str, Any]:
    text = storable_text(answer.text)[:500]
    result = {"state": "pending", "next": None, "code": answer.status_code, "response": text, "delivered": None}
    if answer.is_accepted:
        return result | {"state": "delivered", "delivered": now}
    next_at = now + min(_FIRST_PAUSE * 2 ** min(row["attempts"] - 1, 20), _LONGEST_PAUSE)
    return result | ({"next": next_at} if next_at < row["give_up_at"] else {"state": "failed"})
