"""Large imports by the API: 202 and an address where their progress is read; small ones are answered at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from sequences.models import Contact, ContactImport, Workspace
from tests.support.imports import make_csv, run_imports, store_file

pytestmark = pytest.mark.django_db
ROWS = 2_001


def upload(api: APIClient, content: bytes, query: str = "", **fields: Any) -> Any:
    file = SimpleUploadedFile("people.csv", content)
    return api.post(f"/api/contacts/import{query}", {"file": file, **fields}, format="multipart")


def test_a_small_file_is_answered_at_once(api: APIClient, workspace: Workspace) -> None:
    answer = upload(api, make_csv(3, bad=(1,)))
    assert (answer.status_code, answer.json()["created"]) == (200, 2)
    assert not ContactImport.objects.exists()
    rehearsed = upload(api, make_csv(3, first=10), "?dry_run=1")
    assert (rehearsed.status_code, rehearsed.json()["is_dry_run"], rehearsed.json()["created"]) == (200, True, 3)
    assert Contact.objects.count() == 2


def test_a_large_file_is_accepted_and_its_progress_read(api: APIClient, workspace: Workspace) -> None:
    answer = upload(api, make_csv(ROWS, bad=(4,)))
    shown = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, shown["url"])
    assert (shown["state"], shown["rows"], shown["done"], shown["is_dry_run"]) == ("waiting", None, 0, False)
    assert not Contact.objects.exists()
    run_imports()
    read = api.get(shown["url"]).json()
    assert (read["state"], read["rows"], read["done"], read["created"], read["updated"], read["rejected"]) == (
        "done", ROWS, ROWS, ROWS - 1, 0, 1,
    )  # fmt: skip
    rejects: Any = api.get(f"{shown['url']}/rejects")
    assert rejects.headers["Content-Type"].startswith("text/csv")
    lines = b"".join(rejects.streaming_content).decode().splitlines()
    assert lines[0] == "email,first_name,seats,rejected_reason"
    assert lines[1].startswith("no-address,P4,4,row 6: ")
    page = api.get(f"/api/contacts?contact_import={shown['id']}&page_size=1&ordering=id").json()
    assert page["results"][0]["email"] == "p0@x.example"
    assert api.get(f"/api/contacts?contact_import={shown['id'] + 1}").json()["results"] == []


@pytest.mark.parametrize("query", ["?dry_run=1", ""])
def test_a_large_dry_run_is_counted_and_stores_no_contact(api: APIClient, workspace: Workspace, query: str) -> None:
    answer = upload(api, make_csv(ROWS), query, **({} if query else {"dry_run": "true"}))
    assert (answer.status_code, answer.json()["is_dry_run"]) == (202, True)
    run_imports()
    read = api.get(answer.json()["url"]).json()
    assert (read["state"], read["created"], read["is_dry_run"]) == ("done", ROWS, True)
    assert not Contact.objects.exists()


def test_a_large_file_is_stored_once_for_an_idempotency_key(api: APIClient, workspace: Workspace) -> None:
    answers = []
    for _ in range(2):
        file = SimpleUploadedFile("people.csv", make_csv(ROWS))
        answers.append(
            api.post("/api/contacts/import", {"file": file}, format="multipart", headers={"Idempotency-Key": "april"})
        )
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"] == ContactImport.objects.get().pk


def test_a_large_file_that_cannot_be_used_is_refused_at_once(api: APIClient, workspace: Workspace) -> None:
    answer = upload(api, make_csv(ROWS).replace(b"email", b"where"))
    assert answer.status_code == 400
    assert "the column email is missing" in str(answer.json())
    assert not ContactImport.objects.exists()


def test_imports_of_another_workspace_do_not_exist(
    api: APIClient, stranger_api: APIClient, workspace: Workspace
) -> None:
    stored = store_file(workspace, make_csv(2))
    run_imports()
    assert [row["id"] for row in api.get("/api/contact-imports").json()["results"]] == [stored.pk]
    assert stranger_api.get("/api/contact-imports").json()["results"] == []
    for path in ("", "/rejects"):
        assert stranger_api.get(f"/api/contact-imports/{stored.pk}{path}").status_code == 404
    assert stranger_api.get(f"/api/contacts?contact_import={stored.pk}").json()["results"] == []
    assert upload(stranger_api, make_csv(ROWS), workspace=workspace.pk).status_code in {400, 404}
