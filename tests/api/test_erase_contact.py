"""`/api/contacts/:id/erase` and `/export`, the commands and the desk: rights and results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from execution.models import ControlLog
from sequences.choices import Role
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tests.api.conftest import join, log_in
from tests.factories import EnrollmentFactory, MailboxFactory, SendingMessageFactory
from tests.support.admin_pages import log_in_staff
from tests.support.shell import Shell

ADDRESS = "zeb@slate.example"


@pytest.fixture
def admin_api(workspace: Workspace) -> APIClient:
    return log_in(join(workspace, Role.ADMIN))


@pytest.fixture
def contact(sequence: Sequence) -> Contact:
    enrollment = EnrollmentFactory(sequence=sequence, contact__email=ADDRESS, contact__first_name="Zebedee")
    found: Contact = enrollment.contact
    return found


def test_only_an_admin_erases_and_gives_a_reason(
    api: APIClient, manager_api: APIClient, stranger_api: APIClient, admin_api: APIClient, contact: Contact
) -> None:
    url = f"/api/contacts/{contact.pk}/erase"
    others = (api, manager_api, stranger_api)
    assert [each.post(url, {"reason": "asked"}).status_code for each in others] == [403, 403, 404]
    assert list(admin_api.post(url, {}).json()["errors"]) == ["reason"]
    assert list(admin_api.post(url, {"reason": "asked", "dryrun": True}).json()["errors"]) == ["dryrun"]
    assert Contact.objects.get(pk=contact.pk).email == ADDRESS
    answer = admin_api.post(url, {"reason": "asked"})
    assert (answer.status_code, answer.json()["contact"], answer.json()["enrollments_ended"]) == (200, contact.pk, 1)
    assert admin_api.post(url, {"reason": "again"}).json()["rows"] == {}
    assert Contact.objects.get(pk=contact.pk).email == f"erased-{contact.pk}@erased.invalid"


def test_a_dry_run_keeps_the_contact(admin_api: APIClient, contact: Contact) -> None:
    answer = admin_api.post(f"/api/contacts/{contact.pk}/erase?dry_run=1", {"reason": "asked"}).json()
    assert (answer["is_dry_run"], answer["enrollments_ended"]) == (True, 1)
    assert Contact.objects.get(pk=contact.pk).email == ADDRESS
    assert Enrollment.objects.get(contact=contact).status == "active"
    assert not ControlLog.objects.filter(action="erased").exists()


def test_while_an_email_is_being_sent_it_is_a_conflict(admin_api: APIClient, contact: Contact) -> None:
    SendingMessageFactory(enrollment=Enrollment.objects.get(contact=contact))
    answer = admin_api.post(f"/api/contacts/{contact.pk}/erase", {"reason": "asked"})
    assert (answer.status_code, "try again in a minute" in answer.json()["detail"]) == (409, True)


def test_deleting_a_contact_with_a_history_points_to_erasing(manager_api: APIClient, contact: Contact) -> None:
    Enrollment.objects.filter(contact=contact).update(
        status="completed", completed_at=contact.created_at, wake_at=None, next_step_at=None
    )
    answer = manager_api.delete(f"/api/contacts/{contact.pk}")
    assert answer.status_code == 409
    assert f"/api/contacts/{contact.pk}/erase" in answer.json()["detail"]


def test_an_erased_address_is_refused_with_the_reason(
    api: APIClient, admin_api: APIClient, contact: Contact, sequence: Sequence
) -> None:
    admin_api.post(f"/api/contacts/{contact.pk}/erase", {"reason": "asked"})
    assert "was erased" in api.post("/api/contacts", {"email": ADDRESS.upper()}).json()["errors"]["email"][0]
    assert "was erased" in str(api.patch(f"/api/contacts/{contact.pk}", {"title": "CTO"}).json())
    body = {"sequence": sequence.pk, "mailbox": MailboxFactory(workspace=sequence.workspace).pk}
    for named in ({"emails": [ADDRESS]}, {"contacts": [contact.pk]}):
        answer = api.post("/api/sequence-enrollments", {**body, **named}).json()
        assert (answer["enrolled"], [each["code"] for each in answer["skipped"]]) == ([], ["erased"])
    suppressed = api.post("/api/suppressions", {"email": ADDRESS})
    assert (suppressed.status_code, "was erased" in str(suppressed.json()["errors"]["email"])) == (400, True)


def test_a_manager_exports_what_is_stored(api: APIClient, manager_api: APIClient, contact: Contact) -> None:
    url = f"/api/contacts/{contact.pk}/export"
    assert api.get(url).status_code == 403
    data = manager_api.get(url).json()
    assert (data["email"], data["contacts"][0]["first_name"], len(data["enrollments"])) == (ADDRESS, "Zebedee", 1)


def test_the_commands_erase_and_export(shell: Shell, contact: Contact) -> None:
    args = (ADDRESS.upper(), "--workspace", contact.workspace.slug)
    data = shell("export_contact", *args).data
    assert data["contacts"][0]["email"] == ADDRESS
    assert shell("erase_contact", *args, "--dry-run", "--json").data["is_dry_run"] is True
    assert shell("erase_contact", *args, "--reason", "asked", "--json").data["enrollments_ended"] == 1
    assert shell("erase_contact", *args).status == 2


def test_the_desk_asks_before_it_erases(contact: Contact) -> None:
    client: Any = log_in_staff(contact.workspace)
    page = reverse("admin:sequences_contact_change", args=[contact.pk])
    assert "Erase data" in client.get(page).content.decode()
    url, export = (
        reverse(f"admin:sequences_contact_{name}", args=[contact.pk]) for name in ("erase_one", "export_data")
    )
    assert json.loads(client.get(export).content)["email"] == ADDRESS
    assert "cannot be undone" in client.get(url).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 200
    assert Contact.objects.get(pk=contact.pk).email == ADDRESS
    client.post(url, {"reason": "asked"})
    assert Contact.objects.get(pk=contact.pk).erased_at is not None
    assert client.get(page).status_code == 200
