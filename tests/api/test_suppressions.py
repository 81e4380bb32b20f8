"""`/api/suppressions`: adding, removing with a reason, files, and the history."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from emails.facts.suppressions import suppress
from emails.models import Suppression, SuppressionChange
from sequences.models import Workspace
from tests.factories import NOW, MembershipFactory, SuppressionFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


def client_of(workspace: Workspace, role: str) -> APIClient:
    client = APIClient()
    client.force_authenticate(MembershipFactory(workspace=workspace, role=role).user)
    return client


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory()
    return made


def test_an_sdr_adds_and_adding_twice_is_once(workspace: Workspace) -> None:
    client = client_of(workspace, "sdr")
    answers = [client.post("/api/suppressions", {"email": "Jo@X.example", "note": "phoned"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].data == answers[1].data
    row = Suppression.objects.get()
    assert (row.email, row.reason, row.note, row.workspace) == ("jo@x.example", "manual", "phoned", workspace)
    assert client.post("/api/suppressions", {"domain": "big.example", "reason": "bounced"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "a@x.example", "domain": "x.example"}, "email"),
        ({"email": "no-address"}, "email"),
        ({"domain": "-"}, "domain"),
        ({"email": "a@x.example", "reason": "tired"}, "reason"),
        ({"email": "a@x.example", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_what_cannot_be_listed_is_a_400_that_names_the_field(
    workspace: Workspace, body: dict[str, str], field: str
) -> None:
    answer = client_of(workspace, "sdr").post("/api/suppressions", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_only_managers_remove_a_suppression_with_a_reason(workspace: Workspace) -> None:
    suppress(workspace.pk, emails=["jo@x.example"], actor="sam", now=NOW)
    path = f"/api/suppressions/{Suppression.objects.get().pk}"
    assert client_of(workspace, "sdr").delete(path, {"reason": "please"}).status_code == 403
    manager = client_of(workspace, "manager")
    assert manager.delete(path).status_code == 400
    assert manager.delete(path, {"reason": "she asked"}).status_code == 204
    assert manager.delete(path, {"reason": "she asked"}).status_code == 404
    history = manager.get("/api/suppression-changes?action=removed").data["results"]
    assert [(row["email"], row["note"]) for row in history] == [("jo@x.example", "she asked")]


def send(client: APIClient, text: bytes, query: str = "") -> Any:
    file = SimpleUploadedFile("list.csv", text, content_type="text/csv")
    return client.post(f"/api/suppressions/import{query}", {"file": file}, format="multipart")


def test_a_file_is_checked_then_stored(workspace: Workspace) -> None:
    client = client_of(workspace, "sdr")
    text = b"email,reason\njo@x.example,unsubscribed\nnobody@,\n"
    tried = send(client, text, "?dry_run=1")
    assert tried.status_code == 200
    assert (tried.data["created"], [row["row"] for row in tried.data["rejected"]]) == (1, [3])
    assert not Suppression.objects.exists() and not SuppressionChange.objects.exists()
    assert send(client, text).data["created"] == 1
    assert send(client, text).data["known"] == 1
    assert send(client, b"").status_code == 400
    export: Any = client.get("/api/suppressions/export")
    assert b"".join(export.streaming_content).decode().splitlines()[1:] == ["jo@x.example,,unsubscribed,,"]


def test_suppressions_of_another_workspace_are_not_found(workspace: Workspace) -> None:
    other = WorkspaceFactory()
    suppress(other.pk, emails=["jo@x.example"], actor="sam", now=NOW)
    client = client_of(workspace, "admin")
    pk = Suppression.objects.get().pk
    assert client.get(f"/api/suppressions/{pk}").status_code == 404
    assert client.delete(f"/api/suppressions/{pk}", {"reason": "x"}).status_code == 404
    answer = client.post("/api/suppressions", {"email": "b@x.example", "workspace": other.pk})
    assert answer.status_code == 400
    export: Any = client.get("/api/suppressions/export")
    assert b"jo@x.example" not in b"".join(export.streaming_content)
    assert client.get("/api/suppression-changes").data["results"] == []


def test_the_reason_may_be_a_query_parameter(workspace: Workspace) -> None:
    row = SuppressionFactory(workspace=workspace)
    answer = client_of(workspace, "manager").delete(f"/api/suppressions/{row.pk}?reason=she+asked+to+get+our+emails")
    assert answer.status_code == 204
    assert SuppressionChange.objects.latest("id").note == "she asked to get our emails"
