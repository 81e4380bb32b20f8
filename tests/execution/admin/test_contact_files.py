"""Importing contacts in the admin: columns are mapped, the result is checked, then stored; the file is chosen once."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sequences.contacts.csv_reader import CellsFile
from sequences.models import ColumnChoice, Contact, ContactImport, Enrollment
from tests import factories
from tests.support.admin_pages import log_in_root, log_in_staff
from tests.support.imports import make_csv, run_imports, store_file

pytestmark = pytest.mark.django_db

TEXT = "Where;Called;Plan\nbob@prospect.example;Bob;pro\nno-address;No;x\neve@prospect.example;Eve;max\n"


@pytest.fixture
def client() -> Client:
    return log_in_root()


def url() -> str:
    return reverse("admin:sequences_contact_changelist") + "import/"


def read(client: Client, workspace: Any, text: str | bytes = TEXT) -> Any:
    file = SimpleUploadedFile("people.csv", text if isinstance(text, bytes) else text.encode())
    return client.post(url(), {"workspace": workspace.pk, "file": file})


def test_columns_are_mapped_the_outcome_is_shown_and_only_then_stored(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    first = read(client, workspace)
    assert "the column email is missing" in first.context["problem"]
    assert first.context["rows"][0] == ["bob@prospect.example", "Bob", "pro"]
    form = {"workspace": workspace.pk, "name": "people.csv", "content": first.context["content"]}
    form |= {"column_0": "email", "column_1": "first_name", "column_2": "plan"}
    checked = client.post(url(), form)
    assert "2 would be created, 0 would be updated, 1 rejected." in checked.content.decode()
    assert not Contact.objects.exists()

    stored = client.post(url(), {**form, "store": "1"})
    assert "2 created, 0 updated, 1 rejected." in stored.content.decode()
    assert "Download the rejected rows" in stored.content.decode()
    bob = Contact.objects.get(email="bob@prospect.example")
    assert (bob.first_name, bob.fields, bob.workspace) == ("Bob", {"plan": "pro"}, workspace)


def test_a_column_can_be_left_out_and_a_known_one_is_guessed(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    first = read(client, workspace, "email,secret\nbob@prospect.example,x\n")
    assert first.context["imported"].created == 1
    form = {"workspace": workspace.pk, "name": "x.csv", "content": first.context["content"], "store": "1"}
    client.post(url(), {**form, "column_0": "email", "column_1": ""})
    assert Contact.objects.get().fields == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"email,{'x' * 200_000}\na@x.example,1\n", "row 1: the header cell 2 has 200,000 characters"),
        (f"email,note\na@x.example,{'x' * 200_000}\n", "cell 2 has 200,000 characters: at most 131,072 can be read"),
        (b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)), "is a workbook of a spreadsheet"),
        ("\n\n", "row 1: has no header"),
    ],
)
def test_a_file_that_is_not_csv_is_refused_in_plain_words(client: Client, text: str | bytes, message: str) -> None:
    page = read(client, factories.WorkspaceFactory(), text)
    assert page.status_code == 200
    assert message in page.content.decode()


@pytest.mark.parametrize(
    "text", ["email,name\nbob@x.example,Ren\xe9\n".encode("latin-1"), b'email,name\nbob@x.example,"Bob\n']
)
def test_another_file_is_asked_for_where_no_choice_of_columns_would_help(client: Client, text: bytes) -> None:
    page = read(client, factories.WorkspaceFactory(), text)
    assert "people.csv: row 2: " in page.content.decode()
    assert 'name="file"' in page.content.decode()
    assert "Check again" not in page.content.decode()


@pytest.mark.parametrize(
    "text", ["email,first_name\rbob@x.example,Bob\r", "sep=;\nemail;first_name\nbob@x.example;Bob\n"]
)
def test_old_line_ends_and_the_separator_line_of_excel_are_read(client: Client, text: str) -> None:
    page = read(client, factories.WorkspaceFactory(), text)
    assert page.context["columns"] == ["email", "first_name"]
    assert page.context["rows"] == [["bob@x.example", "Bob"]]
    assert page.context["imported"].created == 1


@pytest.mark.parametrize("content", ["", "%%%", "AAAA"])
def test_a_damaged_upload_is_asked_for_again(client: Client, content: str) -> None:
    workspace = factories.WorkspaceFactory()
    page = client.post(url(), {"workspace": workspace.pk, "name": "x.csv", "content": content, "store": "1"})
    assert page.status_code == 200
    assert not Contact.objects.exists()


def test_another_workspace_cannot_be_imported_into() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    page = read(log_in_staff(own), other, "email\nbob@prospect.example\n")
    assert "Select a valid choice" in page.content.decode()


def test_contacts_are_exported_from_ones_own_workspaces() -> None:
    own = factories.WorkspaceFactory()
    contact, foreign = factories.ContactFactory(workspace=own), factories.ContactFactory()
    answer: Any = log_in_staff(own).get(url().replace("/import/", "/export/"))
    text = b"".join(answer.streaming_content).decode()
    assert (contact.email in text, foreign.email in text) == (True, False)


def test_a_changed_contact_wakes_branches_that_wait_for_its_fields(client: Client) -> None:
    split: Any = factories.SplitStepFactory(
        condition_type="contact_field", condition_config={"field": "title", "operator": "is_set"}
    )
    row = factories.EnrollmentFactory(sequence=split.sequence, wake_at=None)
    page = reverse("admin:sequences_contact_change", args=[row.contact_id])
    assert client.post(page, {"email": row.contact.email, "title": "CTO", "fields": "{}"}).status_code == 302
    assert Enrollment.objects.get(pk=row.pk).wake_at is not None


def test_selected_contacts_are_enrolled(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    step: Any = factories.StepFactory()
    contacts = [factories.ContactFactory(workspace=step.sequence.workspace) for _ in range(3)]
    page = reverse("admin:sequences_contact_changelist")
    chosen = {"action": "enroll_selected", "_selected_action": [contact.pk for contact in contacts[:2]]}
    asked = client.post(page, chosen)
    assert asked.context["form"].initial["emails"].split() == sorted(contact.email for contact in contacts[:2])
    assert f'action="{reverse("admin:sequences_enrollment_add")}"' in asked.content.decode()
    mailbox = factories.MailboxFactory(workspace=step.sequence.workspace)
    answers = {"sequence": step.sequence.pk, "mailbox": mailbox.pk, "emails": asked.context["form"].initial["emails"]}
    client.post(reverse("admin:sequences_enrollment_add"), answers)
    assert set(Enrollment.objects.values_list("contact", flat=True)) == {contact.pk for contact in contacts[:2]}

    monkeypatch.setattr("execution.admin.contacts.MOST_AT_ONCE", 1)
    assert "These are more than 1, and at most" in client.post(page, chosen, follow=True).content.decode()


def test_the_mapping_is_remembered_for_the_workspace_alone(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    first = read(client, workspace)
    form = {"workspace": workspace.pk, "name": "people.csv", "content": first.context["content"], "store": "1"}
    client.post(url(), {**form, "column_0": "email", "column_1": "first_name", "column_2": ""})
    again = read(client, workspace, "Plan;Called;Where\nmax;Ann;ann@prospect.example\n")
    assert again.context["imported"].created == 1
    assert again.context["mapping_form"].mapping == {"Where": "email", "Called": "first_name", "Plan": ""}
    elsewhere = read(client, factories.WorkspaceFactory())
    assert "the column email is missing" in elsewhere.context["problem"]


def test_a_check_remembers_nothing(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    first = read(client, workspace)
    form = {"workspace": workspace.pk, "name": "people.csv", "content": first.context["content"]}
    client.post(url(), {**form, "column_0": "email", "column_1": "first_name", "column_2": "plan"})
    assert not ColumnChoice.objects.exists()


def test_the_imported_contacts_are_one_click_away(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    factories.ContactFactory(workspace=workspace)
    listing = reverse("admin:sequences_contact_changelist")
    assert list(client.get(listing, {"imported": "last"}).context["cl"].result_list) == []
    first = read(client, workspace, "E-Mail,Full Name\nbob@prospect.example,Bob B.\n")
    form = {"workspace": workspace.pk, "name": "x.csv", "content": first.context["content"], "store": "1"}
    page = client.post(url(), {**form, "column_0": "email", "column_1": ""}).content.decode()
    assert f'href="{listing}?imported=last"' in page
    shown = client.get(listing, {"imported": "last"}).context["cl"].result_list
    assert [row.email for row in shown] == ["bob@prospect.example"]


def test_a_large_file_is_imported_in_the_background_with_its_progress(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    first = read(client, workspace, make_csv(2_001, bad=(4,)))
    assert "imports it in the background" in first.content.decode()
    assert "imported" not in first.context
    form = {"workspace": workspace.pk, "name": "people.csv", "content": first.context["content"]}
    form |= {"column_0": "email", "column_1": "first_name", "column_2": "seats"}
    checked = client.post(url(), {**form, "check": "1"}, follow=True)
    stored = client.post(url(), {**form, "store": "1"}, follow=True)
    for answer in (checked, stored):
        assert 'data-refresh-seconds="3"' in answer.content.decode()
        assert "Waits for an executor" in answer.content.decode()
    run_imports()
    assert "2,000 would be created" in client.get(checked.request["PATH_INFO"]).content.decode()
    page = client.get(stored.request["PATH_INFO"]).content.decode()
    made = ContactImport.objects.get(is_dry_run=False)
    assert "2,000 created, 0 updated, 1 rejected." in page
    assert "data-refresh-seconds" not in page
    rejects: Any = client.get(reverse("admin:sequences_contactimport_send_rejects", args=[made.pk]))
    assert b"no-address,P4,4,row 6: " in b"".join(rejects.streaming_content)
    contacts = client.get(reverse("admin:sequences_contact_changelist"), {"contact_import": made.pk})
    assert contacts.context["cl"].result_count == 2_000


def test_an_sdr_imports_a_large_file_and_sees_imports_of_the_own_workspace_only() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    client = Client()
    user = factories.UserFactory(is_staff=True)
    factories.MembershipFactory(workspace=own, user=user, role="sdr")
    client.force_login(user)
    content = read(client, own, make_csv(2_001)).context["content"]
    form = {"workspace": own.pk, "name": "people.csv", "content": content, "column_0": "email", "store": "1"}
    assert client.post(url(), form, follow=True).status_code == 200
    foreign = store_file(other, make_csv(2))
    shown = client.get(reverse("admin:sequences_contactimport_changelist")).context["cl"].result_list
    assert [row.workspace_id for row in shown] == [own.pk]
    for name in ("change", "send_rejects"):
        page = client.get(reverse(f"admin:sequences_contactimport_{name}", args=[foreign.pk]))
        assert page.status_code in {302, 404}


def test_a_large_file_with_a_header_that_cannot_be_used_is_not_stored(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    first = read(client, workspace, make_csv(2_001).replace(b"email", b"where"))
    assert "the column email is missing" in first.context["problem"]
    form = {"workspace": workspace.pk, "name": "x.csv", "content": first.context["content"], "store": "1"}
    assert "the column email is missing" in client.post(url(), {**form, "column_0": ""}).context["problem"]
    assert not ContactImport.objects.exists()


def test_a_large_file_of_blank_rows_is_not_read_while_its_sender_waits(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = mock.Mock(wraps=CellsFile._read_record, autospec=True)
    monkeypatch.setattr(CellsFile, "_read_record", lambda cells: read(cells))
    first: Any = client.post(
        url(),
        {
            "workspace": factories.WorkspaceFactory().pk,
            "file": SimpleUploadedFile("people.csv", b"email\n" + b",,,,,,,,,\n" * 200_000 + b"bob@prospect.example\n"),
        },
    )
    assert "imports it in the background" in first.content.decode()
    assert first.context["rows"] == []
    assert read.call_count < 100_000
