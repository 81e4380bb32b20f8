"""P9: another workspace's rows do not exist, by any address, verb, filter or body; nor anything without a login."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import EmailMessage, Mailbox
from execution.models import ExecutionLog
from sequences.models import Enrollment, Workspace
from tasks_app.models import Task
from tests.api.conftest import log_in
from tests.factories import (
    ContactFactory,
    MailboxFactory,
    SequenceFactory,
    StepFactory,
    UserFactory,
)

LISTS = [
    "sequence-enrollments", "sequences", "contacts", "accounts", "mailboxes", "messages", "suppressions",
    "suppression-changes", "tasks", "dead-letters",
]  # fmt: skip
ACTIONS = [
    ("get", "sequence-enrollments", "logs", {}),
    ("post", "sequence-enrollments", "pause", {}),
    ("post", "sequence-enrollments", "resume", {}),
    ("post", "sequence-enrollments", "skip-step", {}),
    ("post", "sequence-enrollments", "exit", {}),
    ("post", "sequence-enrollments", "retry", {}),
    ("get", "sequence-enrollments", "why", {}),
    ("post", "accounts", "release", {}),
    ("get", "contacts", "engagement", {}),
    ("get", "mailboxes", "lane", {}),
    ("post", "mailboxes", "test", {}),
    ("post", "mailboxes", "pause", {}),
    ("post", "mailboxes", "resume", {}),
    ("put", "mailboxes", "", {"gap_seconds": 7}),
    ("patch", "mailboxes", "", {"gap_seconds": 7}),
    ("delete", "mailboxes", "", {}),
    ("post", "messages", "resolve", {"as": "sent"}),
    ("post", "tasks", "complete", {}),
    ("delete", "suppressions", "", {"reason": "x"}),
]


def snapshot() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values()) for model in (Enrollment, EmailMessage, Mailbox, Task, ExecutionLog)
    ]


@pytest.mark.parametrize("name", LISTS)
def test_foreign_rows_are_neither_listed_nor_shown(stranger_api: APIClient, ids: dict[str, int], name: str) -> None:
    assert stranger_api.get(f"/api/{name}").json()["results"] == []
    answer = stranger_api.get(f"/api/{name}/{ids[name]}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", LISTS)
def test_members_see_them(api: APIClient, ids: dict[str, int], name: str) -> None:
    assert ids[name] in [row["id"] for row in api.get(f"/api/{name}").json()["results"]]
    assert api.get(f"/api/{name}/{ids[name]}").json()["id"] == ids[name]


@pytest.mark.parametrize(("method", "name", "verb", "body"), ACTIONS)
def test_foreign_rows_cannot_be_acted_on(
    stranger_api: APIClient, ids: dict[str, int], method: str, name: str, verb: str, body: dict[str, Any]
) -> None:
    before = snapshot()
    path = f"/api/{name}/{ids[name]}" + (f"/{verb}" if verb else "")
    assert getattr(stranger_api, method)(path, body).status_code == 404
    assert snapshot() == before


@pytest.mark.parametrize("name", LISTS)
def test_filters_find_nothing_foreign(
    stranger_api: APIClient, ids: dict[str, int], workspace: Workspace, name: str
) -> None:
    assert stranger_api.get(f"/api/{name}?workspace={workspace.pk}").json()["results"] == []


def test_bodies_name_nothing_foreign(stranger_api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    own = Workspace.objects.exclude(pk=enrollment.workspace_id).get()
    sequence = SequenceFactory(workspace=own)
    StepFactory(sequence=sequence)
    contact, mailbox = ContactFactory(workspace=own), MailboxFactory(workspace=own)
    body = {"sequence": sequence.pk, "contacts": [contact.pk], "mailbox": mailbox.pk}
    url = "/api/sequence-enrollments"
    assert stranger_api.post(url, {**body, "sequence": enrollment.sequence_id}).status_code == 400
    assert stranger_api.post(url, {**body, "mailbox": enrollment.mailbox_id}).status_code == 400
    assert stranger_api.post(url, {**body, "owner": sdr.pk}).status_code == 400
    left = stranger_api.post(url, {**body, "contacts": [enrollment.contact_id]}).json()
    assert left["enrolled"] == []
    assert enrollment.contact.email not in str(left)
    left = stranger_api.post(
        url, {"sequence": sequence.pk, "emails": [enrollment.contact.email], "mailbox": mailbox.pk}
    ).json()
    assert left["skipped"][0]["reason"].startswith("is not a contact of this workspace")
    new = {"address": "new@sender.example", "smtp_host": "smtp.example"}
    assert stranger_api.post("/api/mailboxes", {**new, "workspace": enrollment.workspace_id}).status_code == 400
    assert stranger_api.post("/api/mailboxes", {**new, "owner": sdr.pk}).status_code == 400
    assert Enrollment.objects.count() == 1


def test_a_login_without_a_workspace_sees_nothing_and_a_superuser_all(ids: dict[str, int]) -> None:
    for name in LISTS:
        assert log_in(UserFactory()).get(f"/api/{name}").json()["results"] == []
    root = log_in(UserFactory(is_superuser=True))
    for name in LISTS:
        assert root.get(f"/api/{name}/{ids[name]}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("get", f"/api/{name}") for name in LISTS],
        *[("get", f"/api/{name}/1") for name in LISTS],
        *[(method, f"/api/{name}/1" + (f"/{verb}" if verb else "")) for method, name, verb, _ in ACTIONS],
        ("post", "/api/sequence-enrollments"),
        ("post", "/api/mailboxes"),
        *[("get", f"/api/sequence-executor/{verb}") for verb in ("status", "queue")],
        *[("post", f"/api/sequence-executor/{verb}") for verb in ("pause", "resume")],
    ],
)
def test_nothing_without_a_login(db: None, method: str, path: str) -> None:
    for headers in ({}, {"HTTP_AUTHORIZATION": "Token nonsense"}):
        client = APIClient()
        client.credentials(**headers)
        answer = getattr(client, method)(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Token"
        assert answer.headers["Content-Type"] == "application/problem+json"
