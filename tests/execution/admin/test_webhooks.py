"""Outgoing webhooks in the admin: created with the secret shown once, tested, redelivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import ping, subscribe
from tests import factories
from tests.support.admin_pages import log_in_root, shown_messages

pytestmark = pytest.mark.django_db


def test_a_webhook_is_made_and_changed_and_its_secret_shown_once() -> None:
    client, workspace = log_in_root(), factories.WorkspaceFactory()
    form = {"workspace": workspace.pk, "url": "http://127.0.0.1:9/", "events": ["email.replied"], "is_active": "on"}
    answer = client.post(reverse("admin:execution_webhooksubscription_add"), form)
    made = WebhookSubscription.objects.get()
    assert (made.events, made.is_active) == (["email.replied"], True)
    assert any(made.secret["secret"] in text for text in shown_messages(answer))
    page = reverse("admin:execution_webhooksubscription_change", args=[made.pk])
    assert client.post(page, {"url": made.url, "events": ["*"]}).status_code == 302
    kept: Any = WebhookSubscription.objects.get()
    assert (kept.events, kept.is_active, kept.secret) == (["*"], False, made.secret)
    refused = client.post(page, {"url": "http://nowhere.invalid/", "events": ["*"]})
    assert "is not known" in refused.content.decode()


def test_a_test_is_sent_and_a_failed_delivery_is_repeated() -> None:
    client, workspace, now = log_in_root(), factories.WorkspaceFactory(), timezone.now()
    webhook = WebhookSubscription.objects.create(
        workspace=workspace, url="http://127.0.0.1:9/", events=["*"], created_at=now, scanned_at=now
    )
    url = reverse("admin:execution_webhooksubscription_change", args=[webhook.pk]).replace("/change/", "/ping/")
    assert client.post(url).status_code == 302
    assert WebhookDelivery.objects.get().event == "ping"
    failed = ping(webhook, now)
    WebhookDelivery.objects.filter(pk=failed.pk).update(state="failed", next_attempt_at=None)
    data = {"action": "redeliver_selected", "_selected_action": [failed.pk], "apply": 1}
    client.post(reverse("admin:execution_webhookdelivery_changelist"), data)
    failed.refresh_from_db()
    assert failed.state == "pending"


def test_a_secret_is_rotated_events_are_replayed_and_the_state_says_why() -> None:
    client, workspace, now = log_in_root(), factories.WorkspaceFactory(), timezone.now()
    webhook = subscribe(workspace, {"url": "http://127.0.0.1:9/", "events": ["*"]}, actor="ada", now=now)
    factories.ExecutionLogFactory(
        enrollment=factories.EnrollmentFactory(workspace=workspace), workspace=workspace, action="paused",
        at=now - timedelta(hours=1),
    )  # fmt: skip
    page = reverse("admin:execution_webhooksubscription_change", args=[webhook.pk])
    answer = client.post(page.replace("/change/", "/rotate_secret/"))
    secret = WebhookSubscription.objects.get().secret["secret"]
    assert secret != webhook.secret["secret"]
    assert any(secret in text for text in shown_messages(answer))
    replay = page.replace("/change/", "/replay/")
    since = timezone.localtime(now - timedelta(hours=2))
    form = {"since_0": f"{since:%Y-%m-%d}", "since_1": f"{since:%H:%M:%S}", "apply": 1}
    assert client.post(replay, {**form, "since_0": "2999-01-01"}).status_code == 200
    assert not WebhookDelivery.objects.exists()
    assert client.post(replay, form).status_code == 302
    assert WebhookDelivery.objects.get().event == "enrollment.paused"
    WebhookSubscription.objects.update(is_active=False, disabled_at=now, disabled_reason="The endpoint answered 410")
    assert "The endpoint answered 410" in client.get(page).content.decode()
    assert "Off" in client.get(reverse("admin:execution_webhooksubscription_changelist")).content.decode()
    assert any("it is switched off" in text for text in shown_messages(client.post(replay, form)))
