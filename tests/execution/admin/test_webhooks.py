"""Outgoing webhooks in the admin: created with the secret shown once, tested, redelivered."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import ping
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
