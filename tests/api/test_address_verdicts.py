"""`/api/address-verdicts`: what a provider says of an address, of one's own workspace and in a person's data."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import AddressVerdict, MailDomain
from execution.maintenance.erase_contact import erase_contact, export_contact
from sequences.models import Workspace
from tests.factories import NOW, ContactFactory

URL = "/api/address-verdicts"


@pytest.fixture
def bob(workspace: Workspace) -> Any:
    return ContactFactory(workspace=workspace, email="Bob@prospect.example")


def verdict(**more: Any) -> dict[str, Any]:
    return {"email": "bob@Prospect.example", "state": "bad", "detail": "no mailbox", "provider": "ZeroBounce", **more}


def test_a_verdict_replaces_the_one_before_unless_it_is_older(api: APIClient, bob: Any) -> None:
    rehearsed = api.post(f"{URL}?dry_run=1", verdict(), format="json")
    assert (rehearsed.status_code, rehearsed.json()["is_dry_run"], AddressVerdict.objects.count()) == (200, True, 0)
    made = api.post(URL, verdict(), format="json")
    assert made.status_code == 201, made.json()
    assert made.json() == {
        "workspace": bob.workspace_id, "contact": bob.pk, "email": "bob@prospect.example", "state": "bad",
        "detail": "no mailbox", "provider": "ZeroBounce", "checked_at": "2026-03-02T10:00:00Z",
        "valid_until": "2026-05-31T10:00:00Z", "recorded_at": "2026-03-02T10:00:00Z", "actor": made.json()["actor"],
    }  # fmt: skip
    older = api.post(URL, verdict(state="good", checked_at="2026-03-01T10:00:00Z"), format="json")
    assert (older.status_code, older.json()["state"]) == (201, "bad")
    api.post(URL, {"contact": bob.pk, "state": "good"}, format="json")
    assert [row["state"] for row in api.get(URL, {"contact": bob.pk}).json()["results"]] == ["good"]
    assert api.get(URL, {"state": "bad"}).json()["results"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (verdict(state="risky"), "state"),
        (verdict(email="eve@prospect.example"), "email"),
        (verdict(contact=1), "contact"),
        (verdict(checked_at="2031-01-01T00:00:00Z"), "checked_at"),
        (verdict(detail="x" * 151), "detail"),
        (verdict(verdict="bad"), "verdict"),
        ({"state": "bad"}, "contact"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(api: APIClient, bob: Any, body: Any, field: str) -> None:
    refused = api.post(URL, body, format="json")
    assert refused.status_code == 400
    assert field in str(refused.json())
    assert not AddressVerdict.objects.exists()


def test_strangers_neither_report_nor_read(api: APIClient, stranger_api: APIClient, bob: Any) -> None:
    assert stranger_api.post(URL, verdict(), format="json").status_code == 400
    api.post(URL, verdict(), format="json")
    assert stranger_api.get(URL).json()["results"] == []


def test_it_is_part_of_a_persons_data(api: APIClient, bob: Any) -> None:
    api.post(URL, verdict(), format="json")
    assert export_contact(bob, NOW)["address_verdicts"][0]["detail"] == "no mailbox"
    erase_contact(bob, actor="ann", reason="asked", now=NOW)
    left = AddressVerdict.objects.get()
    assert (left.email, left.detail) == ("", "")
    assert api.post(URL, {"contact": bob.pk, "state": "good"}, format="json").status_code == 400


def test_the_page_of_a_contact_shows_it_where_addresses_are_checked(workspace: Workspace, sdr: Any, bob: Any) -> None:
    client = Client()
    client.force_login(sdr)
    page = reverse("admin:sequences_contact_change", args=[bob.pk])
    MailDomain.objects.create(domain="prospect.example", state="bad", detail="null MX", checked_at=NOW, valid_until=NOW)
    assert "Takes no email" not in client.get(page).content.decode()
    Workspace.objects.update(verify_addresses=True)
    shown = client.get(page).content.decode()
    assert "Takes no email: null MX, checked" in shown
    assert "by DNS" in shown
