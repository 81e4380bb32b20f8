"""`/api/external-events`: stored once, of one's own workspace, in the feed, in webhooks and in a person's data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import ExternalEvent
from execution.maintenance.erase_contact import erase_contact, export_contact
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.fan_out import fan_out
from sequences.models import Workspace
from tests.factories import NOW, ContactFactory, EnrollmentFactory, SequenceFactory

URL = "/api/external-events"
AT = "2026-03-02T09:00:00Z"


@pytest.fixture
def bob(workspace: Workspace) -> Any:
    return ContactFactory(workspace=workspace, email="bob@prospect.example")


def event(**more: Any) -> dict[str, Any]:
    return {"id": "crm-1", "type": "meeting_booked", "email": "Bob@Prospect.example", "occurred_at": AT, **more}


def test_an_event_is_stored_once_and_wakes_its_contact(api: APIClient, bob: Any, sdr: Any) -> None:
    sequence = SequenceFactory(workspace=bob.workspace, goal={"event": "meeting_booked"})
    waiting = EnrollmentFactory(sequence=sequence, contact=bob, wake_at=None)
    rehearsed = api.post(f"{URL}?dry_run=1", event(), format="json")
    assert (rehearsed.status_code, rehearsed.json()["is_dry_run"], ExternalEvent.objects.count()) == (200, True, 0)
    made = api.post(URL, event(), format="json")
    assert made.status_code == 201, made.json()
    assert made.json() == {
        "id": "crm-1", "workspace": bob.workspace_id, "type": "meeting_booked", "contact": bob.pk,
        "email": bob.email, "occurred_at": AT, "recorded_at": "2026-03-02T10:00:00Z", "actor": made.json()["actor"],
        "enrollments": [waiting.pk],
    }  # fmt: skip
    waiting.refresh_from_db()
    assert waiting.wake_at == NOW
    again = api.post(URL, {"id": "crm-1", "type": "meeting_booked", "contact": bob.pk}, format="json")
    assert (again.status_code, again.json()) == (200, made.json())
    assert [row["id"] for row in api.get(URL, {"contact": bob.pk}).json()["results"]] == ["crm-1"]
    assert api.get(URL, {"type": "other"}).json()["results"] == []


@pytest.mark.parametrize(
    "other", [{"type": "meeting_moved"}, {"occurred_at": "2026-03-01T09:00:00Z"}, {"email": "eve@prospect.example"}]
)
def test_the_id_of_another_event_is_refused(api: APIClient, bob: Any, other: dict[str, str]) -> None:
    ContactFactory(workspace=bob.workspace, email="eve@prospect.example")
    api.post(URL, event(), format="json")
    refused = api.post(URL, event(**other), format="json")
    assert (refused.status_code, ExternalEvent.objects.count()) == (409, 1)
    assert "crm-1" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"type": "Meeting booked"}, "type"),
        ({"type": ""}, "type"),
        ({"email": "stranger@prospect.example"}, "email"),
        ({"email": "x", "contact": 1}, "contact"),
        ({"occurred_at": "2026-03-02T10:06:00Z"}, "occurred_at"),
        ({"occurred_at": "soon"}, "occurred_at"),
        ({"id": "x" * 201}, "id"),
        ({"kind": "x"}, "kind"),
    ],
)
def test_bad_input_is_named_and_stores_nothing(api: APIClient, bob: Any, wrong: dict[str, Any], named: str) -> None:
    refused = api.post(URL, event(**wrong), format="json")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [named])
    assert not ExternalEvent.objects.exists()


def test_other_workspaces_have_their_own_contacts_and_ids(api: APIClient, stranger_api: APIClient, bob: Any) -> None:
    api.post(URL, event(), format="json")
    for named in ({"contact": bob.pk}, {"email": bob.email}):
        body = {"id": "crm-1", "type": "meeting_booked", **named}
        assert stranger_api.post(URL, body, format="json").status_code == 400
    assert stranger_api.get(URL).json()["results"] == []
    assert stranger_api.get("/api/events", {"type": "external_event.recorded"}).json()["results"] == []


def test_it_is_in_the_feed_the_webhooks_and_the_timeline(api: APIClient, bob: Any, sdr: Any) -> None:
    WebhookSubscription.objects.create(
        workspace=bob.workspace, url="http://127.0.0.1:9/", events=["*"], created_at=NOW, scanned_at=NOW
    )
    api.post(URL, event(), format="json")
    (row,) = api.get("/api/events").json()["results"]
    assert (row["type"], row["contact"]) == ("external_event.recorded", bob.pk)
    assert row["details"] == {"id": "crm-1", "type": "meeting_booked"}
    with transaction.atomic():
        assert fan_out(NOW + timedelta(minutes=1)) == 1
    sent = WebhookDelivery.objects.get()
    assert (sent.event, sent.payload["contact_email"]) == ("external_event.recorded", bob.email)
    assert (sent.payload["sequence"], sent.payload["details"]["type"]) == (None, "meeting_booked")
    desk = Client()
    desk.force_login(sdr)
    page = desk.get(reverse("admin:sequences_contact_change", args=[bob.pk])).content.decode()
    assert "External event · meeting_booked" in page


def test_it_is_exported_and_erased_with_the_person(api: APIClient, bob: Any) -> None:
    api.post(URL, event(id="bob@prospect.example/1"), format="json")
    assert "bob@prospect.example/1" in str(export_contact(bob, NOW))
    erase_contact(bob, actor="ada", reason="asked", now=NOW)
    assert "bob" not in ExternalEvent.objects.get().event_key
    refused = api.post(URL, {"type": "meeting_booked", "contact": bob.pk}, format="json")
    assert refused.status_code == 400 and "erased" in str(refused.json())
