"""Rows that are named by id, or by name or address: when enrolling and in the filters of lists."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from sequences.models import Enrollment
from tests.api.conftest import join
from tests.factories import ContactFactory, MailboxFactory, SequenceFactory, WorkspaceFactory

URL = "/api/sequence-enrollments"


@pytest.mark.parametrize("named", ["id", "name"])
def test_rows_are_named_by_id_or_by_what_people_call_them(
    manager_api: APIClient, enrollment: Enrollment, named: str
) -> None:
    sequence, mailbox = enrollment.sequence, MailboxFactory(workspace=enrollment.workspace)
    owner = join(enrollment.workspace)
    contact = ContactFactory(workspace=enrollment.workspace)
    by_name = {"sequence": sequence.name.upper(), "mailbox": mailbox.address.upper(), "owner": owner.email.upper()}
    by_id = {"sequence": sequence.pk, "mailbox": mailbox.pk, "owner": owner.pk}
    chosen: dict[str, Any] = by_id if named == "id" else by_name
    answer = manager_api.post(URL, {**chosen, "contacts": [contact.pk]}, format="json")
    assert answer.status_code == 201, answer.json()
    made = Enrollment.objects.get(contact=contact)
    assert (made.sequence, made.mailbox, made.owner) == (sequence, mailbox, owner)
    for name, value in chosen.items():
        rows = manager_api.get(URL, {name: value}).json()["results"]
        assert made.pk in {row["id"] for row in rows}, name
        assert {row[name] for row in rows} == {by_id[name]}


def test_rows_of_other_workspaces_have_no_name(manager_api: APIClient, enrollment: Enrollment) -> None:
    foreign = {
        "sequence": SequenceFactory(name="Theirs").name,
        "mailbox": MailboxFactory(address="theirs@elsewhere.example").address,
        "owner": join(WorkspaceFactory(), email="bob@elsewhere.example").email,
    }
    for name, value in foreign.items():
        listed = manager_api.get(URL, {name: value})
        assert listed.status_code == 400
        assert listed.json()["errors"][name] == [f"There is no {name} named {value!r}."]
        body = {"sequence": enrollment.sequence.pk, "emails": ["a@b.example"], name: value}
        assert manager_api.post(URL, body, format="json").status_code == 400
