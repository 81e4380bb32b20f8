"""Addresses that members name are shown to others: secrets in them are refused, or left out of what is passed on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from common.db import fetch_all
from common.share_sql import shown_url
from emails.choices import Transport
from execution.insight.progress import read_progress
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import ping
from sequences.models import Workspace
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SECRET = "s3cret-in-a-url"


@pytest.mark.parametrize("name", [f"user:{SECRET}", SECRET, f"user%40x:{SECRET}"])
def test_an_address_with_a_user_or_password_is_refused(admin_api: APIClient, name: str) -> None:
    url = f"https://{name}@10.0.0.1/hook"
    answers = [admin_api.post("/api/webhooks", {"url": url, "events": ["email.replied"]})]
    for option in ("api_url", "endpoint_url", "token_url"):
        body: dict[str, Any] = {"address": "ada@sender.example", "transport": Transport.POSTMARK.value}
        body |= {"credentials": {"server_token": "t"}, "transport_options": {option: url}}
        answers.append(admin_api.post("/api/mailboxes", body))
    for answer in answers:
        assert (answer.status_code, "user name or password" in answer.json()["detail"]) == (400, True)
        assert SECRET not in answer.content.decode()


def test_a_mailbox_keeps_its_address_without_one(admin_api: APIClient) -> None:
    body: dict[str, Any] = {"address": "ada@sender.example", "transport": Transport.POSTMARK.value}
    body |= {"credentials": {"server_token": "t"}, "transport_options": {"api_url": "https://10.0.0.1/v1?x=a@b"}}
    assert admin_api.post("/api/mailboxes", body).status_code == 201


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/hook?token=" + SECRET,
        f"https://10.0.0.1/hook#{SECRET}",
        f"https://u:{SECRET}@10.0.0.1/hook",
        f"https://{SECRET}@10.0.0.1/hook?a=b@c",
    ],
)
def test_alerts_name_an_address_without_its_secrets(workspace: Workspace, url: str) -> None:
    row = WebhookSubscription.objects.create(workspace=workspace, url=url, events=["*"], created_at=NOW, scanned_at=NOW)
    ping(row, NOW)
    WebhookDelivery.objects.update(next_attempt_at=NOW - timedelta(hours=1))
    (standstill,) = read_progress(NOW).standstills
    assert "first https://10.0.0.1/hook" in standstill.text and SECRET not in standstill.text
    assert fetch_all(f"SELECT {shown_url('%(url)s')} AS url", {"url": url})[0]["url"] == "https://10.0.0.1/hook"
