"""`/api/messages`: reading, approving, rejecting and editing emails that wait for an approval; and the desk's page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import EmailMessage
from execution.models import ExecutionLog
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tests.api.conftest import join, log_in
from tests.factories import EmailMessageFactory, EnrollmentFactory, SequenceFactory, StepFactory

PAGE = reverse("admin:emails_approvals")


@pytest.fixture
def held(workspace: Workspace, sdr: Any) -> EmailMessage:
    sequence = SequenceFactory(workspace=workspace, requires_approval=True)
    step = StepFactory(sequence=sequence, subject="A question", body="Hello {{ contact.first_name }}.")
    enrollment = EnrollmentFactory(sequence=sequence, owner=sdr, contact__first_name="Bob", wake_at=None)
    message: EmailMessage = EmailMessageFactory(enrollment=enrollment, step=step, owner=sdr, visit=enrollment.visit)
    return message


def read(api: APIClient, held: EmailMessage) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/messages/{held.pk}").json()
    return found


def test_what_was_read_is_approved(api: APIClient, held: EmailMessage, sdr: Any) -> None:
    [shown] = api.get("/api/messages?awaiting_approval=true").json()["results"]
    assert (shown["id"], shown["awaiting_approval"], shown["subject"]) == (held.pk, True, "A question")
    assert "Hello Bob." in shown["text"]
    assert api.get("/api/messages?awaiting_approval=false").json()["results"] == []
    assert shown["approval_hash"] == read(api, held)["approval_hash"] != ""
    body = {"hash": shown["approval_hash"]}
    rehearsed = api.post(f"/api/messages/{held.pk}/approve?dry_run=true", body).json()
    assert (rehearsed["is_dry_run"], read(api, held)["awaiting_approval"]) == (True, True)
    done = api.post(f"/api/messages/{held.pk}/approve", body)
    assert (done.status_code, done.json()["approved_by"], done.json()["awaiting_approval"]) == (200, sdr.email, False)
    assert done.json()["text"] == shown["text"]
    assert api.post(f"/api/messages/{held.pk}/approve", body).status_code == 200
    assert ExecutionLog.objects.filter(action="approved", actor=sdr.email).count() == 1


def test_what_has_changed_since_it_was_read_is_not_approved(api: APIClient, held: EmailMessage) -> None:
    before = read(api, held)["approval_hash"]
    Contact.objects.update(first_name="Robert")
    refused = api.post(f"/api/messages/{held.pk}/approve", {"hash": before})
    assert (refused.status_code, "changed since" in refused.json()["detail"]) == (409, True)
    Sequence.objects.filter(requires_approval=True).update(requires_approval=False)
    assert api.post(f"/api/messages/{held.pk}/approve", {"hash": before}).status_code == 409


def test_only_owner_and_managers_decide(held: EmailMessage, workspace: Workspace, manager_api: APIClient) -> None:
    other = log_in(join(workspace))
    body = {"hash": read(other, held)["approval_hash"]}
    assert other.post(f"/api/messages/{held.pk}/approve", body).status_code == 403
    assert other.post(f"/api/messages/{held.pk}/reject", {"reason": "no"}).status_code == 403
    assert other.post(f"/api/messages/{held.pk}/edit", {"subject": "", "body": "x"}).status_code == 403
    bulk = {"action": "approve", "messages": [{"id": held.pk, **body}]}
    assert other.post("/api/messages/bulk", bulk).json()["refused"][0]["reason"] == "it belongs to another user"
    assert manager_api.post("/api/messages/bulk", bulk).json()["changed_ids"] == [held.pk]


@pytest.mark.parametrize(("then", "status"), [(None, "completed"), ("skip", "completed"), ("exit", "auto_exited")])
def test_a_rejection_needs_a_reason(api: APIClient, held: EmailMessage, then: str | None, status: str) -> None:
    path = f"/api/messages/{held.pk}/reject"
    assert list(api.post(path, {}).json()["errors"]) == ["reason"]
    done = api.post(path, {"reason": "wrong person", **({"then": then} if then else {})})
    assert (done.status_code, done.json()["status"]) == (200, "withheld")
    assert Enrollment.objects.get(pk=held.enrollment_id).status == status
    assert api.post(path, {"reason": "wrong person"}).status_code == 409


def test_a_text_of_its_own_is_validated(api: APIClient, held: EmailMessage) -> None:
    path, before = f"/api/messages/{held.pk}/edit", read(api, held)
    for body in ({"body": "{% if"}, {"body": "{{ contact.nickname }}"}, {}):
        assert list(api.post(path, {"subject": "A", **body}).json()["errors"]) == ["body"]
    assert read(api, held)["approval_hash"] == before["approval_hash"]
    done = api.post(path, {"subject": "For {{ contact.first_name }}", "body": "One line."}).json()
    assert (done["subject"], done["awaiting_approval"]) == ("For Bob", True)
    assert done["approval_hash"] != before["approval_hash"]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "approve", "messages": []},
        {"action": "send", "messages": [{"id": 1, "hash": "x"}]},
        {"action": "reject", "messages": [{"id": 1, "hash": "x"}]},
        {"action": "approve", "messages": [{"id": 1}]},
        {"action": "approve", "messages": [{"id": 1, "hash": "x"}, {"id": 1, "hash": "y"}]},
        {"action": "approve", "messages": [{"id": 1, "hash": "x"}], "all": True},
    ],
)
def test_a_bulk_decision_names_what_was_read(api: APIClient, body: Any) -> None:
    assert api.post("/api/messages/bulk", body).status_code == 400


@pytest.fixture
def desk(sdr: Any) -> Client:
    client = Client()
    client.force_login(sdr)
    return client


def test_the_page_approves_what_it_shows(desk: Client, api: APIClient, held: EmailMessage) -> None:
    page = desk.get(PAGE).content.decode()
    chosen = f"{held.pk}:{read(api, held)['approval_hash']}"
    assert chosen in page
    assert "Hello Bob." in page
    assert "1 email waits for your approval" in desk.get(reverse("admin:index")).content.decode()
    Contact.objects.update(first_name="Robert")
    stale = desk.post(PAGE, {"do": "approve", "emails": [chosen]}, follow=True).content.decode()
    assert "it has changed since it was read" in stale
    bad = desk.post(PAGE, {"do": "edit", "edited": held.pk, "subject": "Hi", "body": "{% if"})
    assert (bad.status_code, "Body:" in bad.content.decode()) == (200, True)
    desk.post(PAGE, {"do": "edit", "edited": held.pk, "subject": "Hi", "body": "Mine."})
    assert read(api, held)["subject"] == "Hi"
    assert "Say why" in desk.post(PAGE, {"do": "skip", "emails": [chosen]}, follow=True).content.decode()
    desk.post(PAGE, {"do": "approve", "emails": [f"{held.pk}:{read(api, held)['approval_hash']}"]})
    assert read(api, held)["approved_by"] != ""
    assert "No emails wait for approval" in desk.get(PAGE).content.decode()


def test_the_page_shows_a_user_only_what_is_theirs_to_decide(workspace: Workspace, held: EmailMessage) -> None:
    client = Client()
    client.force_login(join(workspace))
    assert "No emails wait" in client.get(PAGE).content.decode()
    client.post(PAGE, {"do": "approve", "emails": [f"{held.pk}:x"]})
    client.post(PAGE, {"do": "exit", "reason": "no", "emails": [f"{held.pk}:x"]})
    held.refresh_from_db()
    assert held.status == "queued"
