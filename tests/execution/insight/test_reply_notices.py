"""Owners are told of new replies: at once, once a day, or not at all; each reply once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from emails.models import Reply
from execution.insight.reply_notices import notify_owners
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.fan_out import fan_out
from sequences.models import UserSettings
from tests.factories import NOW, EnrollmentFactory, ReplyFactory, SentMessageFactory, UserFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def make_reply(owner: Any, **values: Any) -> Reply:
    row: Reply = ReplyFactory(message=SentMessageFactory(enrollment=EnrollmentFactory(owner=owner)), **values)
    return row


def test_the_owner_is_told_once_at_once() -> None:
    owner = UserFactory()
    reply = make_reply(owner)
    assert notify_owners(NOW) == 1
    assert notify_owners(NOW) == 0
    assert mail.outbox[0].to == [owner.email]
    assert mail.outbox[0].subject.endswith("interested")
    assert f"/emails/reply/{reply.pk}/change/" in mail.outbox[0].body


def test_a_daily_digest_gathers_and_does_not_keep_others_waiting() -> None:
    daily, other = UserFactory(), UserFactory()
    UserSettings.objects.create(user=daily, reply_notices="daily", digest_sent_at=NOW)
    for _ in range(3):
        make_reply(daily)
    make_reply(other)
    assert notify_owners(NOW + timedelta(hours=1)) == 1
    assert [message.to for message in mail.outbox] == [[other.email]]
    assert notify_owners(NOW + DAY) == 1
    assert mail.outbox[1].subject == "3 new replies"
    make_reply(daily)
    assert notify_owners(NOW + DAY + timedelta(hours=1)) == 0


def test_no_notice_is_sent_when_turned_off_or_for_old_and_handled_replies() -> None:
    silent = UserFactory()
    UserSettings.objects.create(user=silent, reply_notices="off")
    make_reply(silent)
    make_reply(UserFactory(), at=NOW - timedelta(days=5))
    make_reply(UserFactory(), is_handled=True, handled_at=NOW)
    assert notify_owners(NOW) == 0
    assert not Reply.objects.filter(notified_at=None).exists()


def test_the_webhook_event_has_the_replys_id_intent_and_text() -> None:
    reply = make_reply(UserFactory())
    WebhookSubscription.objects.create(
        workspace=reply.workspace,
        url="http://127.0.0.1:9/",
        events=["email.replied"],
        created_at=NOW - DAY,
        scanned_at=NOW - DAY,
    )
    assert fan_out(NOW) == 1
    assert WebhookDelivery.objects.get().payload["details"]["reply"] == {
        "id": reply.pk,
        "intent": "interested",
        "text": reply.text,
    }
