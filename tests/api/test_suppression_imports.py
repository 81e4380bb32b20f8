"""Large imports of suppressions: kept by the API and the desk, carried out by executors, in batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import Suppression, SuppressionChange
from execution.maintenance.erase_contact import erase_contact
from sequences.contacts import stored_imports
from sequences.models import ContactImport, Enrollment, Workspace
from tests.api.conftest import join
from tests.factories import NOW, ContactFactory
from tests.support.imports import run_imports

pytestmark = pytest.mark.django_db
LINES = 2_002


def make_list(header: str = "email,reason,note\n", rows: int = LINES) -> bytes:
    """Row 5 of the entries cannot be used, the rest are `p0`, `p1` …"""
    lines = [f"broken{n}@" if n == 5 else f"p{n}@x.example" for n in range(rows)]
    return (header + "\n".join(lines) + "\n").encode()


def upload(api: APIClient, content: bytes, query: str = "", **fields: Any) -> Any:
    file = SimpleUploadedFile("list.csv", content)
    return api.post(f"/api/suppressions/import{query}", {"file": file, **fields}, format="multipart")


@pytest.mark.parametrize("header", ["email,reason,note\n", ""])
def test_a_large_list_is_accepted_imported_and_its_progress_read(
    api: APIClient, enrollment: Enrollment, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_imports, "BATCH_ROWS", 500)
    address = enrollment.contact.email
    answer = upload(api, make_list(header) + f"{address}\n".encode(), reason="unsubscribed")
    shown = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, shown["url"])
    assert (shown["state"], shown["reason"], shown["done"]) == ("waiting", "unsubscribed", 0)
    assert shown["url"] == f"/api/suppression-imports/{shown['id']}"
    assert not Suppression.objects.exists()
    assert run_imports() == LINES + 1
    read = api.get(shown["url"]).json()
    assert (read["state"], read["rows"], read["done"], read["created"], read["known"], read["rejected"]) == (
        "done", LINES + 1, LINES + 1, LINES, 0, 1,
    )  # fmt: skip
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"unsubscribed"}
    assert SuppressionChange.objects.filter(actor=shown["created_by"]).count() == LINES
    enrollment.refresh_from_db()
    assert enrollment.wake_at is not None and enrollment.wake_at <= NOW + timedelta(minutes=1)
    rejects: Any = api.get(f"{shown['url']}/rejects")
    line = b"".join(rejects.streaming_content).decode().splitlines()[1]
    assert line.startswith("broken5@,") and f"row {7 if header else 6}: " in line
    again = upload(api, make_list(header)).json()
    run_imports()
    assert api.get(again["url"]).json()["known"] == LINES - 1
    assert api.get("/api/contact-imports").json()["results"] == []


def test_a_large_dry_run_and_a_file_of_no_use_store_nothing(api: APIClient, workspace: Workspace) -> None:
    tried = upload(api, make_list(), "?dry_run=1").json()
    broken = upload(api, make_list() + b'"open@x.example\n').json()
    assert upload(api, make_list("name,city\n")).status_code == 400
    run_imports()
    read = api.get(tried["url"]).json()
    assert (read["state"], read["is_dry_run"], read["created"]) == ("done", True, LINES - 1)
    failed = api.get(broken["url"]).json()
    assert (failed["state"], failed["done"]) == ("failed", 0)
    assert "a quotation mark is never closed" in failed["problem"]
    assert not Suppression.objects.exists() and not SuppressionChange.objects.exists()


def test_erasing_a_person_leaves_no_row_of_an_import(api: APIClient, workspace: Workspace) -> None:
    person = ContactFactory(workspace=workspace, email="p5@x.example", first_name="Quintus")
    text = make_list("").replace(b"broken5@", b"p5@x.example,Quintus")
    asked = upload(api, b"p5@x.example\n" + text).json()
    run_imports()
    erase_contact(person, actor="ada", reason="asked", now=NOW)
    rejects: Any = api.get(f"{asked['url']}/rejects")
    assert b"p5@" not in b"".join(rejects.streaming_content)
    assert "p5@x" not in str(list(ContactImport.objects.defer("content").values("columns", "file_name", "problem")))


def test_the_desk_checks_and_imports_a_large_list_in_the_background(workspace: Workspace) -> None:
    client = Client()
    client.force_login(join(workspace, is_staff=True))
    url = reverse("admin:emails_suppression_import_file")
    form: dict[str, Any] = {"workspace": workspace.pk, "reason": "manual"}
    first: Any = client.post(url, {**form, "file": SimpleUploadedFile("list.csv", make_list())})
    assert "imports it in the background" in first.content.decode()
    carried = dict(first.context["carried"])
    checked: Any = client.post(url, {**carried, "check": "1"}, follow=True)
    stored: Any = client.post(url, {**carried, "store": "1"}, follow=True)
    assert [row.is_dry_run for row in ContactImport.objects.order_by("pk")] == [True, False]
    run_imports()
    for answer, text in ((checked, "would be created"), (stored, "created")):
        page = client.get(answer.request["PATH_INFO"]).content.decode()
        assert f"2,001 {text}, 0 " in page
        assert "already on the list, 1 rejected." in page
    refused = client.post(url, {**form, "file": SimpleUploadedFile("list.csv", make_list("name,city\n"))})
    assert "neither email nor domain is a column" in refused.content.decode()
