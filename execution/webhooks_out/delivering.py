"""Posts pending deliveries: claimed under a lease, posted outside any transaction, recorded under the same lease.

When a worker dies, another one takes its deliveries after the lease: delivered at least once, with the same id.
"""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import transaction

from common.db import Row, execute, fetch_all, release_connection
from common.dialler import members_dialler
from common.fair_share import UNLIMITED, Shares, Turn, Work
from common.share_sql import allowed, fairest_first, host_of_url, share_params
from execution.models import WebhookSubscription
from execution.webhooks_out.outcome import next_state, record_health
from execution.webhooks_out.posting import TIMEOUT_SECONDS, Answer, post
from execution.webhooks_out.signing import sign

_LEASE = timedelta(seconds=6 * TIMEOUT_SECONDS)
# A receiver that takes longer than this is slow.
SLOW_SECONDS = 2.0
_AT_ONCE = 8

_HOST = host_of_url("s.url")
# The row is chosen first and locked by the update, which looks again: two claims never take the same one.
_CLAIM = f"""
UPDATE execution_webhookdelivery d
SET lease_token = %(token)s, leased_until = %(until)s, attempts = d.attempts + 1
FROM (
    SELECT p.id, s.workspace_id, {_HOST} AS host FROM execution_webhooksubscription s
    CROSS JOIN LATERAL (
        SELECT x.id, x.next_attempt_at FROM execution_webhookdelivery x
        WHERE x.subscription_id = s.id AND x.state = 'pending' AND x.next_attempt_at <= %(now)s
          AND (x.leased_until IS NULL OR x.leased_until <= %(now)s)
        ORDER BY x.next_attempt_at, x.id LIMIT 1
    ) p
    WHERE s.is_active AND coalesce(s.held_until <= %(now)s, true) AND {allowed("s.id", _HOST, "s.workspace_id")}
    ORDER BY {fairest_first(_HOST, "s.workspace_id")}, p.next_attempt_at, p.id LIMIT 1
) c
WHERE d.id = c.id AND d.state = 'pending' AND d.next_attempt_at <= %(now)s
  AND (d.leased_until IS NULL OR d.leased_until <= %(now)s)
RETURNING d.id, d.subscription_id, d.event, d.payload, d.attempts, d.give_up_at, c.workspace_id, c.host
"""
_GIVE_BACK = """
UPDATE execution_webhookdelivery SET lease_token = NULL, leased_until = NULL, attempts = attempts - 1
WHERE id = %(id)s AND lease_token = %(token)s
"""
_RECORD = """
UPDATE execution_webhookdelivery
SET state = %(state)s, next_attempt_at = %(next)s, lease_token = NULL, leased_until = NULL,
    status_code = %(code)s, response = %(response)s, delivered_at = %(delivered)s
WHERE id = %(id)s AND lease_token = %(token)s AND state = 'pending'
"""


class Delivery:
    """A claimed delivery. `row`: of the claim."""

    def __init__(self, row: Row, token: uuid.UUID, subscription: WebhookSubscription, now: datetime) -> None:
        self.work = Work(row["subscription_id"], row["host"], row["workspace_id"])
        self._row = row
        self._token = token
        self._subscription = subscription
        self._now = now

    def run(self, turn: Turn) -> None:
        release_connection()
        self.record(self.post())

    def post(self) -> Answer:
        """Call the endpoint; touches no database."""
        return _call(self._row, self._subscription, self._now)

    def record(self, answer: Answer) -> None:
        state = next_state(self._row, answer, self._now)
        if execute(_RECORD, {**state, "id": self._row["id"], "token": self._token}):
            record_health(self._row["subscription_id"], answer, self._now)

    def give_back(self) -> None:
        execute(_GIVE_BACK, {"id": self._row["id"], "token": self._token})


def claim_delivery(now: datetime, shares: Shares = UNLIMITED) -> Delivery | None:
    """Lease the due delivery that most deserves a thread; None when none may start."""
    token = uuid.uuid4()
    with transaction.atomic():
        rows = fetch_all(_CLAIM, {"token": token, "until": now + _LEASE, "now": now, **share_params(shares)})
        if not rows:
            return None
        subscription = WebhookSubscription.objects.get(pk=rows[0]["subscription_id"])
    return Delivery(rows[0], token, subscription, now)


def deliver_pending(now: datetime) -> int:
    """Post some of the due deliveries at the same time. Returns how many were tried, accepted or not."""
    claimed: list[Delivery] = []
    while len(claimed) < _AT_ONCE and (delivery := claim_delivery(now)) is not None:
        claimed.append(delivery)
    if not claimed:
        return 0
    release_connection()
    with ThreadPoolExecutor(_AT_ONCE, "webhooks") as pool:
        for delivery, answer in zip(claimed, pool.map(Delivery.post, claimed), strict=True):
            delivery.record(answer)
    return len(claimed)


def _call(row: Row, subscription: WebhookSubscription, now: datetime) -> Answer:
    # what was queued before an upgrade has no id of the feed
    payload = {"id": str(row["id"]), **row["payload"]}
    body = json.dumps(payload, ensure_ascii=False)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Sequence-Executor",
        "X-Event": row["event"],
        "X-Delivery": str(row["id"]),
        **sign(subscription.secret or {}, payload["id"], now, body),
    }
    return post(subscription.url, body.encode(), headers, members_dialler())
