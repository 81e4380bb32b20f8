"""`/api/webhooks`: subscribed to by managers, their secret shown once, their deliveries read and repeated."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from execution.models import ControlLog, WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import ping
from sequences.models import Workspace
from tests.factories import NOW, EnrollmentFactory, ExecutionLogFactory

URL = "/api/webhooks"
OWN_SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four bytes").decode()
BODY = {"url": "http://127.0.0.1:9/hook", "events": ["email.replied", "enrollment.exited"]}


def test_a_subscription_is_made_changed_and_removed(admin_api: APIClient, workspace: Workspace) -> None:
    made = admin_api.post(URL, BODY)
    assert made.status_code == 201, made.json()
    secret, path = made.json()["secret"], f"{URL}/{made.json()['id']}"
    assert secret.startswith("whsec_")
    assert "secret" not in admin_api.get(path).json()
    assert secret not in str(WebhookSubscription.objects.values())
    changed = admin_api.patch(path, {"events": ["*"], "is_active": False, "secret": OWN_SECRET})
    assert (changed.json()["events"], changed.json()["is_active"]) == (["*"], False)
    assert WebhookSubscription.objects.get().secret == {"secret": OWN_SECRET}
    assert admin_api.delete(path).status_code == 204
    assert not WebhookSubscription.objects.exists()
    log = ControlLog.objects.filter(target="webhook").order_by("pk")
    assert [row.action for row in log] == ["created", "edited", "deleted"]
    assert {change["field"] for change in log[1].changes} == {"events", "is_active", "secret"}
    assert "another secret" not in str(log.values())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BODY, "url": "ftp://x.example/"}, "url"),
        ({**BODY, "url": "http://nowhere.invalid/"}, "url"),
        ({**BODY, "events": ["email.eaten"]}, "events"),
        ({**BODY, "events": []}, "events"),
        ({**BODY, "secret": "another secret, long enough"}, "secret"),
        ({**BODY, "secret": "whsec_c2hvcnQ="}, "secret"),
        ({**BODY, "secret": "whsec_" + "A" * 88}, "secret"),
        ({**BODY, "secret": "whsec_" + "A" * 31 + "-"}, "secret"),
        ({"events": ["*"]}, "url"),
    ],
)
def test_an_unknown_event_is_refused(admin_api: APIClient, body: dict[str, Any], field: str) -> None:
    answer = admin_api.post(URL, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@override_settings(PRIVATE_NETWORKS=())
def test_a_private_address_is_refused_in_production(admin_api: APIClient) -> None:
    answer = admin_api.post(URL, BODY)
    assert "private network" in answer.json()["errors"]["url"][0]


def test_members_read_and_only_managers_write(api: APIClient, admin_api: APIClient) -> None:
    pk = admin_api.post(URL, BODY).json()["id"]
    assert api.get(URL).json()["results"][0]["id"] == pk
    assert api.post(URL, BODY).status_code == 403
    delivery = ping(WebhookSubscription.objects.get(), NOW)
    for method, path in (
        ("patch", f"{URL}/{pk}"), ("delete", f"{URL}/{pk}"), ("post", f"{URL}/{pk}/test"),
        ("post", f"{URL}/{pk}/deliveries/{delivery.pk}/redeliver"), ("post", f"{URL}/{pk}/rotate-secret"),
        ("post", f"{URL}/{pk}/replay"),
    ):  # fmt: skip
        assert getattr(api, method)(path, {}).status_code == 403


def test_deliveries_are_read_and_repeated(admin_api: APIClient, stranger_api: APIClient) -> None:
    pk = admin_api.post(URL, BODY).json()["id"]
    sent = admin_api.post(f"{URL}/{pk}/test")
    assert (sent.status_code, sent.json()["event"], sent.json()["state"]) == (202, "ping", "pending")
    WebhookDelivery.objects.update(state="failed", next_attempt_at=None, attempts=30)
    path = f"{URL}/{pk}/deliveries"
    assert [row["attempts"] for row in admin_api.get(f"{path}?state=failed").json()["results"]] == [30]
    assert admin_api.get(f"{path}?state=pending").json()["results"] == []
    assert admin_api.get(f"{path}?state=eaten").status_code == 400
    again = f"{path}/{sent.json()['id']}/redeliver"
    assert stranger_api.post(again).status_code == 404
    assert admin_api.post(again).json()["state"] == "pending"
    assert admin_api.post(f"{path}/{10**9}/redeliver").status_code == 404


def test_a_rotated_secret_is_shown_once(admin_api: APIClient, stranger_api: APIClient) -> None:
    made = admin_api.post(URL, BODY).json()
    path = f"{URL}/{made['id']}/rotate-secret"
    assert stranger_api.post(path).status_code == 404
    tried = admin_api.post(f"{path}?dry_run=1").json()
    assert (tried["is_dry_run"], tried["secret"]) == (True, None)
    assert WebhookSubscription.objects.get().secret == {"secret": made["secret"]}
    answer = admin_api.post(path)
    assert answer.status_code == 200
    stored = WebhookSubscription.objects.get().secret
    assert stored["secret"] == answer.json()["secret"] != made["secret"]
    assert [each["secret"] for each in stored["previous"]] == [made["secret"]]
    row = ControlLog.objects.filter(target="webhook").latest("pk")
    assert (row.action, row.changes[0]["field"]) == ("edited", "secret")


def test_events_are_replayed_by_time_and_kind(
    admin_api: APIClient, stranger_api: APIClient, workspace: Workspace
) -> None:
    pk = admin_api.post(URL, {**BODY, "events": ["enrollment.paused", "enrollment.exited"]}).json()["id"]
    enrollment, hour = EnrollmentFactory(workspace=workspace), timedelta(hours=1)
    now = timezone.now()
    for action, at in (("paused", now - 3 * hour), ("exited", now - hour), ("skipped", now - hour)):
        ExecutionLogFactory(enrollment=enrollment, workspace=workspace, action=action, at=at)
    path = f"{URL}/{pk}/replay"
    since, middle = (now - 4 * hour).isoformat(), (now - 2 * hour).isoformat()
    assert stranger_api.post(path, {"since": since}).status_code == 404
    tried = admin_api.post(path, {"since": since, "dry_run": True})
    assert tried.json() == {
        "is_dry_run": True, "queued": 2, "by_event": {"enrollment.exited": 1, "enrollment.paused": 1},
    }  # fmt: skip
    assert not WebhookDelivery.objects.exists()
    assert admin_api.post(path, {"since": since, "until": middle}).json()["by_event"] == {"enrollment.paused": 1}
    WebhookDelivery.objects.update(state="delivered", attempts=3)
    kept = WebhookDelivery.objects.get().pk
    again = admin_api.post(path, {"since": since, "events": ["enrollment.paused"]})
    assert (again.status_code, again.json()["queued"]) == (202, 1)
    row = WebhookDelivery.objects.get()
    assert (row.pk, row.state, row.attempts) == (kept, "pending", 0)
    for body, field in (
        ({}, "since"), ({"since": "soon"}, "since"), ({"since": (now + hour).isoformat()}, "since"),
        ({"since": middle, "until": since}, "until"), ({"since": since, "events": ["email.eaten"]}, "events"),
        ({"since": since, "events": ["email.opened"]}, "events"), ({"since": since, "events": []}, "events"),
    ):  # fmt: skip
        refused = admin_api.post(path, body)
        assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    WebhookSubscription.objects.update(is_active=False)
    assert admin_api.post(path, {"since": since}).status_code == 409
