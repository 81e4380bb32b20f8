"""Contacts who opted out in another tool are suppressed by every way in, and what is unclear is never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import Suppression
from sequences.contacts.opt_outs import OptOutReader, UnclearFlagError
from sequences.models import Contact, Enrollment, Workspace
from tests.factories import NOW, EnrollmentFactory, MembershipFactory, WorkspaceFactory
from tests.support.admin_pages import log_in_root
from tests.support.imports import run_imports, store_file

TSV = "Email\tOpt-Out\tName\n"


@pytest.mark.parametrize(
    ("column", "cell", "kind"),
    [
        ("Opted Out", "TRUE", "unsubscribed"), ("opted_out", "1", "unsubscribed"),
        ("Email Opt Out", " Ja ", "unsubscribed"),
        ("Unsubscribed from all email", "true", "unsubscribed"), ("HasOptedOutOfEmail", "x", "unsubscribed"),
        ("Do Not Contact", "Yes", "unsubscribed"), ("Opted Out", "2026-01-02T03:04:05Z", "unsubscribed"),
        ("Opted Out", "1/12/2026 8:00 AM", "unsubscribed"), ("Unsubscribed At", "last week", "unsubscribed"),
        ("Email hard bounce reason", "UNKNOWN_USER", "bounced"), ("Global Bounce", "TRUE", "bounced"),
        ("Portal Spam Report", "TRUE", "complained"), ("Stage", "Do Not Contact", "unsubscribed"),
        ("state", "emailsUnsubscribed", "unsubscribed"), ("Lead Status", "BOUNCED", "bounced"),
        ("Opted Out", "FALSE", None), ("Opted Out", "", None), ("Opted Out", "'-", None), ("Opted Out", "n", None),
        ("Opted Out", "Opted in", None), ("Unsubscribed At", "null", None), ("State", "Ohio", None),
        ("Stage", "Not interested", None), ("Email Status", "Verified", None), ("Do Not Call", "TRUE", None),
        ("Notes", "unsubscribed", None),
    ],
)  # fmt: skip
def test_what_a_cell_says(column: str, cell: str, kind: str | None) -> None:
    found = OptOutReader(["Email", column]).read(["bob@x.example", cell])
    assert (found and found.kind) == kind


@pytest.mark.parametrize("cell", ["maybe", "2", "SMS only", "?"])
def test_an_unclear_flag_is_not_guessed(cell: str) -> None:
    with pytest.raises(UnclearFlagError, match="neither yes nor no"):
        OptOutReader(["Opted Out"]).read([cell])
    assert OptOutReader(["Opted Out"], left_out=[0]).read([cell]) is None


def upload(api: APIClient, text: str, query: str = "", **fields: Any) -> Any:
    file = SimpleUploadedFile("people.csv", text.encode())
    return api.post(f"/api/contacts/import{query}", {"file": file, **fields}, format="multipart")


@pytest.mark.django_db
def test_the_api_suppresses_and_ends_what_runs() -> None:
    member = MembershipFactory(role="sdr")
    enrollment = EnrollmentFactory(
        workspace=member.workspace, sequence__workspace=member.workspace, contact__workspace=member.workspace,
        contact__email="bob@x.example",
    )  # fmt: skip
    other = WorkspaceFactory()
    api = APIClient()
    api.force_authenticate(member.user)
    text = f"{TSV}BOB@x.example\tyes\tBob\nann@x.example\tno\tAnn\nkim@x.example\tperhaps\tKim\n"
    rehearsed = upload(api, text, "?dry_run=1").json()
    assert (rehearsed["opted_out"], Suppression.objects.count()) == (1, 0)
    answer = upload(api, text).json()
    assert (answer["created"], answer["updated"], answer["opted_out"]) == (1, 1, 1)
    assert [row["row"] for row in answer["rejected"]] == [4]
    assert answer["warnings"] == [{"row": 2, "reason": "Opt-Out is 'yes': must not be mailed"}]
    found = Suppression.objects.get()
    assert (found.email, found.reason, found.workspace) == ("bob@x.example", "unsubscribed", member.workspace)
    assert not Suppression.objects.filter(workspace=other).exists()
    enrollment.refresh_from_db()
    assert enrollment.next_step_at is not None
    assert upload(api, text).json()["opted_out"] == 1
    assert Suppression.objects.count() == 1


@pytest.mark.django_db
def test_a_column_can_be_named_or_left_out() -> None:
    member = MembershipFactory(role="sdr")
    api = APIClient()
    api.force_authenticate(member.user)
    text = "Email,Raus,Opted Out\nbob@x.example,ja,perhaps\n"
    answer = upload(api, text, mapping='{"Raus": "opted_out_of_email", "Opted Out": ""}').json()
    assert (answer["created"], answer["opted_out"]) == (1, 1)


@pytest.mark.django_db
def test_a_stored_import_suppresses_too(workspace_of_files: Workspace) -> None:
    rows = ("bob@x.example\t1", "bob@x.example\t0", "ann@x.example\t", "none\ttrue", "ANN@x.example\tx")
    content = TSV + "".join(f"{row}\tJo\n" for row in rows)
    stored = store_file(workspace_of_files, content.encode())
    run_imports()
    stored.refresh_from_db()
    assert (stored.state, stored.created, stored.rejected) == ("done", 2, 3)
    assert sorted(str(row) for row in Suppression.objects.all()) == ["ann@x.example", "bob@x.example"]
    assert {row.actor for row in Suppression.objects.all()} == {stored.created_by}
    assert not Enrollment.objects.exists()
    assert Contact.objects.count() == 2
    assert stored.created_at == NOW


@pytest.mark.django_db
def test_the_desk_suppresses_too(workspace_of_files: Workspace) -> None:
    client = log_in_root()
    url = reverse("admin:sequences_contact_changelist") + "import/"
    file = SimpleUploadedFile("people.csv", f"{TSV}bob@x.example\tyes\tBob\n".encode())
    first = client.post(url, {"workspace": workspace_of_files.pk, "file": file})
    form = {"workspace": workspace_of_files.pk, "name": "people.csv", "content": first.context["content"]}
    form |= {"column_0": "email", "column_1": "opt_out", "column_2": "first_name"}
    assert "Opt-Out is &#x27;yes&#x27;: must not be mailed" in client.post(url, form).content.decode()
    assert not Suppression.objects.exists()
    stored = client.post(url, {**form, "store": "1"}).content.decode()
    assert "1 of the file must not be mailed: they are on the suppression list." in stored
    assert str(Suppression.objects.get()) == "bob@x.example"


@pytest.fixture
def workspace_of_files() -> Workspace:
    made: Workspace = WorkspaceFactory()
    return made
