"""The suppression list: one gate, expiry, history, files in and out."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse

from emails.choices import SuppressionReason
from emails.facts.suppression_files import export_suppressions, import_suppressions
from emails.facts.suppressions import (
    Entry,
    expire_suppressions,
    remove_suppressions,
    suppress,
    suppress_addresses,
    suppress_entries,
)
from emails.models import EmailMessage, Suppression, SuppressionChange
from execution.control.enroll import enroll_contacts
from execution.engine.policy import engine_policy
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.contacts.csv_import import import_contacts
from sequences.contacts.csv_reader import CsvFormError
from sequences.contacts.queries import has_address
from sequences.models import Contact, Enrollment, Workspace
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory, WorkspaceFactory
from tests.support.admin_pages import log_in_staff
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db

SAM = "sam@acme.example"
WEEK = timedelta(days=7)


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory()
    return made


def changes() -> list[tuple[str, str]]:
    return list(SuppressionChange.objects.order_by("pk").values_list("action", "note"))


def read(workspace: Workspace, text: str, **options: Any) -> Any:
    return import_suppressions(workspace.pk, "list.csv", io.BytesIO(text.encode()), actor=SAM, now=NOW, **options)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("entry", [{"emails": ["jo@prospect.example"]}, {"domains": ["PROSPECT.example"]}])
def test_a_suppressed_address_gets_no_email_until_expiry(entry: dict[str, Any]) -> None:
    """The engine, the last look and enrolling ask the same list."""
    with MailServer() as server:
        step = StepFactory()
        mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port, gap_seconds=0, jitter_seconds=0)
        who: dict[str, Any] = {"contact__email": "jo@prospect.example", "mailbox": mailbox}
        person = EnrollmentFactory(sequence=step.sequence, **who)
        run_until_idle(Options(policy=engine_policy(), stage="decide"), lambda: NOW)  # type: ignore[arg-type]
        assert EmailMessage.objects.get().status == "queued"
        with transaction.atomic():
            suppress(step.workspace_id, **entry, actor=SAM, expires_at=NOW + WEEK, now=NOW)
        run_until_idle(Options(policy=engine_policy()), lambda: NOW)
        person.refresh_from_db()
        assert (person.status, person.auto_exit_reason) == ("auto_exited", "suppressed")
        assert EmailMessage.objects.get().status == "withheld"
        assert server.message_count == 0

        def enroll(now: Any) -> Any:
            return enroll_contacts(
                sequence=step.sequence,
                contact_ids=[person.contact_id],
                mailbox=mailbox,
                owner=None,
                actor=SAM,
                now=now,
                again="the suppression was for a week",
            )

        just_before, at = NOW + WEEK - timedelta(microseconds=1), NOW + WEEK
        run_until_idle(Options(policy=engine_policy()), lambda: just_before)
        assert "suppressed" in enroll(just_before).skipped[0].reason
        run_until_idle(Options(policy=engine_policy()), lambda: at)
        assert len(enroll(at).enrolled) == 1
        run_until_idle(Options(policy=engine_policy()), lambda: at)
        assert server.message_count == 1
        person.refresh_from_db()
        assert person.status == "auto_exited"
    assert [action for action, _ in changes()] == ["added", "expired"]


def test_an_entry_is_prolonged_and_never_shortened(workspace: Workspace) -> None:
    def add(expires_at: Any) -> tuple[int, int]:
        stored = suppress_entries(workspace.pk, [Entry("jo@x.example", expires_at=expires_at)], actor=SAM, now=NOW)
        return stored.added, stored.extended

    assert add(NOW + WEEK) == (1, 0)
    assert add(NOW + WEEK / 2) == (0, 0)
    assert add(NOW + 2 * WEEK) == (0, 1)
    assert add(None) == (0, 1)
    assert add(NOW + 3 * WEEK) == (0, 0)
    assert Suppression.objects.get().expires_at is None
    assert expire_suppressions(NOW + 100 * WEEK) == 0
    assert [action for action, _ in changes()] == ["added", "extended", "extended"]


def test_removing_a_suppression_is_recorded(workspace: Workspace) -> None:
    suppress(workspace.pk, emails=["jo@x.example"], actor=SAM, now=NOW)
    assert remove_suppressions([Suppression.objects.get().pk], actor=SAM, reason="she asked", now=NOW) == 1
    assert not Suppression.objects.exists()
    assert changes() == [("added", ""), ("removed", "she asked")]
    assert SuppressionChange.objects.last() is not None


def test_a_file_is_read_row_by_row(workspace: Workspace) -> None:
    text = (
        "\ufeffEmail;Domain;Reason;Note;Expires\n"
        "Jo@Prospect.example;;unsubscribed;wrote to us;\n"
        ";BIG.example;;;2026-12-31\n"
        "not an address;;;;\n"
        "a@x.example;x.example;;;\n"
        "b@x.example;;tired;;\n"
        "c@x.example;;;;yesterday\n"
        "d@x.example;;;;2020-01-01\n"
        "d@x.example;;manual;;;more\n"
        ";no domain;;;\n"
    )
    imported = read(workspace, text)
    assert (imported.created, imported.updated, imported.known) == (2, 0, 0)
    assert [rejected.row for rejected in imported.rejected] == [4, 5, 6, 7, 8, 9, 10]
    message = " ".join(rejected.reason for rejected in imported.rejected)
    for part in (
        "neither or both",
        "use one of bounced",
        "is no time",
        "has passed",
        "has 6 cells",
        "no domain is not a domain",
    ):
        assert part in message
    assert imported.rejected[0].reason == "'not an address' is not an email address: write it as in jo@example.com"
    assert list(Suppression.objects.order_by("pk").values_list("email", "domain", "reason")) == [
        ("jo@prospect.example", "", "unsubscribed"), ("", "big.example", "manual"),
    ]  # fmt: skip
    again = read(workspace, text)
    assert (again.created, again.known) == (0, 2)


def test_a_plain_list_of_addresses_is_accepted(workspace: Workspace) -> None:
    imported = read(workspace, "a@x.example\nb@x.example\nx.example\n@y.example\n")
    assert imported.created == 4
    assert set(Suppression.objects.values_list("domain", flat=True)) == {"", "x.example", "y.example"}


def test_a_late_bounce_of_an_address_from_before_it_had_one_form_is_no_error(workspace: Workspace) -> None:
    found = [
        (workspace.pk, address, SuppressionReason.BOUNCED, "")
        for address in ("Jo@ACME.example\u200b", "jo@localhost", "x")
    ]
    assert suppress_addresses(found, "event:imap", NOW) == 1
    assert Suppression.objects.get().email == "jo@acme.example"


def test_an_opt_out_is_not_lost_for_missing_cells_or_another_name_of_its_column(workspace: Workspace) -> None:
    imported = read(
        workspace, "Email Address,Reason,Note,First Name\nhal@x.example,unsubscribed\nivy@x.example\n,manual,none\n"
    )
    assert (imported.created, [row.row for row in imported.rejected]) == (2, [4])
    assert read(workspace, "a@y.example,\nb@y.example,,\n").created == 2
    assert set(Suppression.objects.values_list("email", flat=True)) == {
        "hal@x.example", "ivy@x.example", "a@y.example", "b@y.example",
    }  # fmt: skip


def test_a_broken_row_of_a_list_harms_no_other(workspace: Workspace) -> None:
    imported = read(workspace, 'email,note\nhal@x.example,"he said "no"\nivy@x.example,x"\njoy@x.example,y\n')
    assert [row.row for row in imported.rejected] == [2]
    assert list(Suppression.objects.values_list("email", flat=True)) == ["joy@x.example"]


@pytest.mark.parametrize("text", ["", "name,phone\nx,1\n"])
def test_an_unreadable_file_is_refused_with_the_remedy(workspace: Workspace, text: str) -> None:
    with pytest.raises(CsvFormError, match=r"name the columns|name one of them"):
        read(workspace, text)


def test_an_exported_file_can_be_imported(workspace: Workspace) -> None:
    suppress(workspace.pk, emails=["jo@x.example", "+tag@x.example"], note="=1+1", actor=SAM, now=NOW)
    suppress(workspace.pk, domains=["y.example"], actor=SAM, expires_at=NOW + WEEK, now=NOW)
    text = "".join(export_suppressions(Suppression.objects.all()))
    assert "'=1+1" in text
    other = WorkspaceFactory()
    assert read(other, text).created == 3
    columns = ("email", "domain", "note", "expires_at")
    first, second = (
        sorted(Suppression.objects.filter(workspace=each).values_list(*columns), key=str) for each in (workspace, other)
    )
    assert first == second


def test_backfilling_wakes_enrollments_and_continues_where_it_stopped(
    shell: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    person = EnrollmentFactory(sequence=StepFactory(sequence=SequenceFactory()).sequence, wake_at=None)
    slug, email = person.workspace.slug, person.contact.email
    path = tmp_path / "left.csv"
    path.write_text("email\n" + "".join(f"p{n}@x.example\n" for n in range(1_500)) + f"{email}\n")
    arguments = ("backfill_suppressions", path, "--workspace", slug, "--reason", "unsubscribed", "--json")

    assert shell(*arguments, "--dry-run").data["created"] == 1_501
    assert not Suppression.objects.exists()
    suppress(person.workspace_id, emails=[f"p{n}@x.example" for n in range(1_000)], actor="before", now=NOW)
    assert shell(*arguments).data == {"created": 501, "updated": 0, "known": 1_000, "rejected": []}
    person.refresh_from_db()
    assert person.wake_at is not None
    assert shell(*arguments).data["created"] == 0


def test_backfilling_reports_invalid_arguments(shell: Shell, tmp_path: Path, workspace: Workspace) -> None:
    missing = tmp_path / "none.csv"
    assert "check the path" in one_error(shell("backfill_suppressions", missing, "--workspace", workspace.slug), 2)


def test_the_admin_checks_a_file_before_it_stores_it(workspace: Workspace) -> None:
    client = log_in_staff(workspace)
    url = reverse("admin:emails_suppression_import_file")

    file = SimpleUploadedFile("list.csv", b"email\njo@x.example\nnonsense\n")
    answer = client.post(url, {"workspace": workspace.pk, "reason": "manual", "file": file})
    page = answer.content.decode()
    assert "1 would be added" in page and "Row 3" in page and "rejects.csv" in page
    assert not Suppression.objects.exists()
    carried = {name: str(value) for name, value in answer.context["carried"]}
    assert "was damaged" in client.post(url, {**carried, "content": "x", "store": "1"}).content.decode()
    assert "1 added" in client.post(url, {**carried, "store": "1"}).content.decode()
    assert Suppression.objects.get().email == "jo@x.example"
    export = client.get(reverse("admin:emails_suppression_export_file"))
    assert b"jo@x.example" in b"".join(export.streaming_content)  # type: ignore[attr-defined]


def test_the_admin_removes_a_suppression_only_with_a_reason(workspace: Workspace) -> None:
    client = log_in_staff(workspace)
    suppress(workspace.pk, emails=["jo@x.example"], actor=SAM, now=NOW)
    url = reverse("admin:emails_suppression_remove_one", args=[Suppression.objects.get().pk])
    assert "This field is required" in client.post(url, {"reason": ""}).content.decode()
    assert Suppression.objects.exists()
    client.post(url, {"reason": "she asked"})
    assert not Suppression.objects.exists()
    assert Enrollment.objects.count() == 0


@pytest.mark.parametrize("listed", ["bob@bücher.example", "BOB@xn--bcher-kva.example", "bücher.example"])
@pytest.mark.parametrize("written", ["bob@bücher.example", "bob@xn--bcher-kva.example"])
def test_an_address_in_any_script_is_suppressed_in_every_form(workspace: Workspace, listed: str, written: str) -> None:
    column = "email" if "@" in listed else "domain"
    assert read(workspace, f"{column}\n{listed}\n").created == 1
    import_contacts(workspace.pk, "people.csv", io.BytesIO(f"email\n{written}\n".encode()), NOW)
    step = StepFactory(sequence__workspace=workspace)
    person = Contact.objects.get(has_address("Bob@bücher.example"))
    mailbox = MailboxFactory(workspace=workspace)
    result = enroll_contacts(
        sequence=step.sequence, contact_ids=[person.pk], mailbox=mailbox, owner=None, actor=SAM, now=NOW
    )
    assert (result.enrolled, len(result.skipped)) == ((), 1)
    assert list(export_suppressions(Suppression.objects.all()))[1].startswith(("bob@xn--", ",xn--"))


def test_an_address_typed_by_a_user_is_normalized_too(workspace: Workspace) -> None:
    client = log_in_staff(workspace)
    form = {"workspace": workspace.pk, "domain": "", "reason": "manual", "note": ""}
    url = reverse("admin:emails_suppression_add")
    client.post(url, form | {"email": "Bob@Bücher.example"})
    client.post(url, form | {"domain": "@Straße.example", "email": ""})
    assert set(Suppression.objects.values_list("email", "domain")) == {
        ("bob@xn--bcher-kva.example", ""),
        ("", "xn--strae-oqa.example"),
    }
    assert "büch er is not a domain" in client.post(url, form | {"domain": "büch er", "email": ""}).content.decode()
