"""Deliveries by Standard Webhooks, verified by its library; what a subscriber's answers do to its subscription."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from execution.insight.alerts import find_troubles
from execution.models import ControlLog, WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import change_subscription, ping, rotate_secret, subscribe
from execution.webhooks_out.outcome import LONGEST_RETRY_AFTER, OFF_AFTER, read_retry_after
from execution.webhooks_out.posting import Answer
from execution.webhooks_out.round import deliver_webhooks
from execution.webhooks_out.signing import is_standard, make_secret
from tests.factories import NOW, WorkspaceFactory
from tests.fakes.receiver import Receiver

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def listen(receiver: Receiver, **values: Any) -> WebhookSubscription:
    given = {"url": receiver.url, "events": ["*"], **values}
    return subscribe(WorkspaceFactory(), given, actor="ada", now=timezone.now())


def verifies(secret: str | bytes, call: Any) -> bool:
    try:
        Webhook(secret).verify(call.body, call.headers)
    except WebhookVerificationError:
        return False
    return True


def deliver(subscription: WebhookSubscription, now: datetime) -> WebhookDelivery:
    row = ping(subscription, now)
    deliver_webhooks(now)
    row.refresh_from_db()
    return row


def test_the_librarys_receiver_verifies_what_is_delivered() -> None:
    with Receiver(answers=[500, 200]) as receiver:
        subscription = listen(receiver)
        row = deliver(subscription, timezone.now())
        WebhookDelivery.objects.update(next_attempt_at=timezone.now())
        deliver_webhooks(timezone.now())
    secret = subscription.secret["secret"]
    assert is_standard(secret)
    assert [verifies(secret, call) for call in receiver.calls] == [True, True]
    assert [call.headers["webhook-id"] for call in receiver.calls] == [row.payload["id"]] * 2
    assert not verifies(make_secret(), receiver.calls[0])
    assert "X-Signature" not in receiver.calls[0].headers


def test_a_rotated_secret_and_the_one_before_sign_for_a_day() -> None:
    with Receiver() as receiver:
        subscription = listen(receiver)
        old, now = subscription.secret["secret"], timezone.now()
        new = rotate_secret(subscription, actor="ada", now=now - timedelta(hours=23, minutes=59))
        deliver(subscription, now)
        deliver(subscription, now + timedelta(minutes=2))
    assert [(verifies(old, call), verifies(new, call)) for call in receiver.calls] == [(True, True), (False, True)]
    assert [call.headers["webhook-signature"].count("v1,") for call in receiver.calls] == [2, 1]


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_" + "A-_b" * 10 + "AAA", "whsec_" + "A+/b" * 10 + "AAA="),
        ("a text of one's own", b"a text of one's own"),
    ],
)
def test_a_secret_from_before_the_standard_keeps_its_signature_until_it_is_rotated(
    secret: str, key: str | bytes
) -> None:
    with Receiver() as receiver:
        subscription = listen(receiver)
        subscription.secret = {"secret": secret}
        subscription.save()
        deliver(subscription, timezone.now())
        rotate_secret(subscription, actor="ada", now=timezone.now() - 2 * DAY)
        deliver(subscription, timezone.now())
    assert receiver.calls[0].headers["X-Signature"].startswith("sha256=")
    assert verifies(key, receiver.calls[0])
    assert "X-Signature" not in receiver.calls[1].headers


def test_retry_after_is_honoured_for_all_deliveries_of_the_subscription() -> None:
    with Receiver(answers=[503], retry_after="900") as receiver:
        subscription = listen(receiver)
        row = deliver(subscription, NOW)
        assert row.next_attempt_at == NOW + timedelta(minutes=15)
        ping(subscription, NOW)
        assert deliver_webhooks(NOW + timedelta(minutes=14)) == 0
        receiver.answers[:] = [200]
        assert deliver_webhooks(NOW + timedelta(minutes=15)) == 2
    stored = WebhookSubscription.objects.get()
    assert (stored.failing_since, stored.held_until, stored.is_active) == (None, None, True)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("30", timedelta(seconds=30)),
        (format_datetime(NOW.astimezone(UTC) + timedelta(seconds=90), usegmt=True), timedelta(seconds=90)),
        ("999999999999999", LONGEST_RETRY_AFTER),
        (format_datetime(NOW.astimezone(UTC) - DAY, usegmt=True), timedelta()),
        ("-5", timedelta()),
        ("", timedelta()),
        ("soon", timedelta()),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date_and_bounded(text: str, asked: timedelta) -> None:
    assert read_retry_after(Answer(503, "", text), NOW) == asked


def test_a_subscriber_that_is_gone_is_switched_off() -> None:
    with Receiver(answers=[410]) as receiver:
        subscription = listen(receiver)
        row = deliver(subscription, NOW)
        assert (row.state, row.status_code) == ("failed", 410)
        stored = WebhookSubscription.objects.get()
        assert (stored.is_active, stored.disabled_at) == (False, NOW)
        assert "410 Gone" in stored.disabled_reason
        assert [(trouble.key, trouble.workspace_id) for trouble in find_troubles(NOW)] == [
            (f"webhook:{subscription.pk}:off", subscription.workspace_id)
        ]
        entry = ControlLog.objects.latest("pk")
        assert (entry.actor, entry.reason) == ("engine", stored.disabled_reason)
        again = change_subscription(stored, {"is_active": True}, actor="ada", now=NOW)
        assert (again.disabled_at, again.disabled_reason, find_troubles(NOW)) == (None, "", [])


def test_a_subscriber_that_fails_for_days_is_switched_off() -> None:
    with Receiver(answers=[500]) as receiver:
        subscription = listen(receiver)
        deliver(subscription, NOW)
        deliver(subscription, NOW + OFF_AFTER - timedelta(minutes=1))
        assert WebhookSubscription.objects.get().is_active
        deliver(subscription, NOW + OFF_AFTER)
    stored = WebhookSubscription.objects.get()
    assert (stored.is_active, stored.failing_since) == (False, NOW)
    assert "500" in stored.disabled_reason
    calls = len(receiver.calls)
    ping(subscription, NOW + OFF_AFTER)
    assert deliver_webhooks(NOW + OFF_AFTER + DAY) == 0
    assert len(receiver.calls) == calls


def test_one_success_resets_the_count() -> None:
    with Receiver(answers=[500, 200, 500]) as receiver:
        subscription = listen(receiver)
        deliver(subscription, NOW)
        deliver(subscription, NOW + timedelta(seconds=5))
        deliver(subscription, NOW + OFF_AFTER)
    assert WebhookSubscription.objects.get().is_active
