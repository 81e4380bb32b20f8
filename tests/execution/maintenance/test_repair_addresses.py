"""Addresses from before they had one form: repaired, merged or reported, and no opt-out is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from emails.choices import MessageStatus
from emails.models import EmailMessage, Mailbox, Suppression
from execution.maintenance.repair_addresses import repair_addresses
from sequences.choices import EnrollmentStatus
from sequences.models import Contact, Enrollment, Workspace
from tests.factories import (
    NOW,
    ContactFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    StepFactory,
    SuppressionFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    found: Workspace = WorkspaceFactory()
    return found


@pytest.fixture
def unchecked() -> None:
    """As a database was before the constraints; the test's transaction takes this back."""
    with connection.cursor() as cursor:
        for table, name in (
            ("sequences_contact", "contact_email_form"),
            ("emails_suppression", "suppression_form"),
            ("emails_mailbox", "mailbox_address_form"),
        ):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute("ALTER TABLE emails_suppression ADD CONSTRAINT suppression_form CHECK (true) NOT VALID")


def run(**options: Any) -> dict[str, Any]:
    return repair_addresses(actor="tests", now=NOW, **options).present()


@pytest.mark.parametrize("email", ["jo@acme.example\u200b", "jo@localhost", "jo@ACME.example", " jo@acme.example", ""])
def test_the_database_stores_no_other_form(workspace: Workspace, email: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactFactory(workspace=workspace, email=email)
    with pytest.raises(IntegrityError), transaction.atomic():
        SuppressionFactory(workspace=workspace, email=email)
    with pytest.raises(IntegrityError), transaction.atomic():
        MailboxFactory(workspace=workspace, address=email)


@pytest.mark.usefixtures("unchecked")
def test_what_a_reader_cannot_see_is_removed(workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="Jo@ac\u00adme.EXAMPLE\u200b")
    mailbox = MailboxFactory(workspace=workspace, address="ada@SENDER.example")
    entry = SuppressionFactory(workspace=workspace, email="max@mill.example\ufeff", note="phoned", created_at=NOW)
    assert run() == {"suppressions": 1, "contacts": 1, "merged": [], "mailboxes": 1, "unrepaired": []}
    assert Contact.objects.get(pk=contact.pk).email == "Jo@acme.example"
    assert Mailbox.objects.get(pk=mailbox.pk).address == "ada@sender.example"
    (stored,) = Suppression.objects.all()
    assert (stored.email, stored.reason, stored.note, stored.created_at) == (
        "max@mill.example", entry.reason, "phoned", NOW,
    )  # fmt: skip
    assert run() == {"suppressions": 0, "contacts": 0, "merged": [], "mailboxes": 0, "unrepaired": []}


@pytest.mark.usefixtures("unchecked")
def test_merged_duplicates_stay_unsubscribed(workspace: Workspace) -> None:
    step = StepFactory(sequence__workspace=workspace)
    kept = ContactFactory(workspace=workspace, email="uma@slate.example", title="", fields={"plan": "gold"})
    twin = ContactFactory(
        workspace=workspace, email="uma@slate.example\u200b", title="CTO", fields={"plan": "free", "seats": 5}
    )
    ended = EnrollmentFactory(
        sequence=step.sequence, contact=kept, status="completed", completed_at=NOW, wake_at=None, next_step_at=None
    )
    again = EnrollmentFactory(sequence=step.sequence, contact=twin)
    other = EnrollmentFactory(sequence=StepFactory(sequence__workspace=workspace).sequence, contact=twin)
    message = EmailMessageFactory(enrollment=other, recipient=twin.email, status=MessageStatus.QUEUED.value)
    SuppressionFactory(workspace=workspace, email="uma@slate.example\u200b", reason="unsubscribed")
    result = run()
    assert result["merged"] == [
        {"workspace": workspace.slug, "address": "uma@slate.example\u200b", "into": "uma@slate.example", "ended": 1}
    ]
    assert list(Contact.objects.values_list("pk", "title", "fields")) == [
        (kept.pk, "CTO", {"plan": "gold", "seats": 5})
    ]
    assert set(Enrollment.objects.values_list("pk", "contact", "status")) == {
        (ended.pk, kept.pk, "completed"),
        (again.pk, kept.pk, "auto_exited"),
        (other.pk, kept.pk, "active"),
    }
    assert EmailMessage.objects.get(pk=message.pk).recipient == "uma@slate.example"
    assert Suppression.objects.get().email == "uma@slate.example"


@pytest.mark.usefixtures("unchecked")
def test_a_suppression_that_is_there_in_both_forms_keeps_the_longer_one(workspace: Workspace) -> None:
    SuppressionFactory(workspace=workspace, email="jo@acme.example", expires_at=NOW.replace(year=2027))
    SuppressionFactory(workspace=workspace, email="jo@ac\u2060me.example", expires_at=None)
    assert run()["suppressions"] == 1
    assert list(Suppression.objects.values_list("email", "expires_at")) == [("jo@acme.example", None)]


@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_repaired_is_reported_and_left(workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="jo@localhost")
    kept_aside = ContactFactory(
        workspace=workspace, email="unusable-7@address.invalid", fields={"stored_address": "jo@[10.0.0.7]"}
    )
    entry = SuppressionFactory(workspace=workspace, email="", domain="intranet")
    found = run()["unrepaired"]
    assert [(each["kind"], each["id"], each["address"]) for each in found] == [
        ("suppression", entry.pk, "intranet"),
        ("contact", contact.pk, "jo@localhost"),
        ("contact", kept_aside.pk, "jo@[10.0.0.7]"),
    ]
    assert "write it as in example.com" in found[1]["reason"]
    assert Contact.objects.get(pk=contact.pk).email == "jo@localhost"


@pytest.mark.usefixtures("unchecked")
def test_a_dry_run_counts_the_same_and_keeps_nothing(workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="jo@acme.example\u200b")
    EnrollmentFactory(sequence__workspace=workspace, contact=contact)
    assert run(dry_run=True)["contacts"] == 1
    assert Contact.objects.get(pk=contact.pk).email == "jo@acme.example\u200b"
    assert Enrollment.objects.get().status == EnrollmentStatus.ACTIVE.value
