"""A contact's data: exported, and erased in every column of every table, while counts stay."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django_q.models import OrmQ, Success

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.facts.suppressions import suppress
from emails.models import (
    Answer,
    EmailEvent,
    EmailMessage,
    HookRecord,
    ReplyCorrection,
    Suppression,
    SuppressionChange,
)
from execution.maintenance.erase_contact import InFlightError, erase_contact, export_contact
from execution.maintenance.personal_data import list_personal_tables
from execution.models import ControlLog, DeadLetter, ExecutionLog, IdempotencyKey, WebhookDelivery, WebhookSubscription
from sequences.contacts.csv_import import import_contacts
from sequences.contacts.erased import ERASED_REASON
from sequences.contacts.operations import TakenError, change_row, create_row
from sequences.models import Contact, Enrollment, Workspace
from tasks_app.models import Task
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    DeadLetterFactory,
    EmailEventFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    MailboxFactory,
    MembershipFactory,
    ReplyFactory,
    SendingMessageFactory,
    SentMessageFactory,
    StepFactory,
    SuppressionFactory,
    TaskFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

ADDRESS, OLD_ADDRESS = "zebedee.quux@slate.example", "zeb@former.example"
MARKS = ("zebedee", "quux", OLD_ADDRESS, "+44 20 7946 0018", "rooibos-lover", "Chief Weaver")


@pytest.fixture
def workspace() -> Workspace:
    found: Workspace = WorkspaceFactory()
    return found


@pytest.fixture
def contact(workspace: Workspace) -> Contact:
    """A contact with rows in every table that can refer to one."""
    contact = ContactFactory(
        workspace=workspace,
        account=AccountFactory(workspace=workspace),
        email=ADDRESS,
        first_name="Zebedee",
        last_name="Quux",
        title="Chief Weaver",
        phone="+44 20 7946 0018",
        external_id="crm-zebedee-7",
        fields={"tea": "rooibos-lover"},
    )
    step = StepFactory(sequence__workspace=workspace)
    enrollment = EnrollmentFactory(sequence=step.sequence, contact=contact, last_error=f"{ADDRESS} is odd")
    values = {"enrollment": enrollment, "subject": "Dear Zebedee", "text": "Hi Zebedee", "html": "<p>Hi Zebedee</p>"}
    message = SentMessageFactory(**values, recipient=OLD_ADDRESS, error=f"550 {ADDRESS}")
    event = EmailEventFactory(
        message=message,
        type=EventType.REPLIED.value,
        detail="Zebedee here",
        payload={"from": ADDRESS, "text": "Call me, Zebedee"},
        provider_event_id=f"1:<x@y>:bounced:{ADDRESS}",
    )
    reply = ReplyFactory(
        event=event,
        sender=OLD_ADDRESS,
        sender_name="Zebedee Quux",
        subject="Re: Dear Zebedee",
        header_id=f"<1.{ADDRESS}>",
        answered_ids=[f"<2.{ADDRESS}>"],
        text="Zebedee here",
        quoted="Hi Zebedee",
        html_text="Quux",
        attachments=[{"name": "zebedee.pdf", "type": "application/pdf", "size": 1}],
        intent_reason='names: "Zebedee"',
        referral=OLD_ADDRESS,
    )
    ReplyCorrection.objects.create(
        workspace=workspace, reply=reply, contact=contact, at=NOW, actor="x", intent_before="unclear",
        intent_after="referral", referral_after=OLD_ADDRESS,
    )  # fmt: skip
    Answer.objects.create(
        workspace=workspace, reply=reply, message=message, enrollment=enrollment, written_by="x",
        body="Thanks, Zebedee", created_at=NOW,
    )  # fmt: skip
    ExecutionLogFactory(
        enrollment=enrollment, message=f"sent to {ADDRESS}", details={"message": message.pk, "to": "Zebedee"}
    )
    DeadLetterFactory(enrollment=enrollment, error=f"{ADDRESS} fails", error_trace="Quux", facts={"contact": ADDRESS})
    TaskFactory(enrollment=enrollment, title="Call Zebedee", instructions="Ask Quux", outcome="Zebedee said no")
    user = MembershipFactory(workspace=workspace).user
    ControlLog.objects.create(
        workspace=workspace, target="contact", target_id=contact.pk, label=ADDRESS, action="edited", actor="x", at=NOW,
        changes=[{"what": "row", "field": "first_name", "before": "Zebedee Quux", "after": ADDRESS.upper()}],
    )  # fmt: skip
    ControlLog.objects.create(
        workspace=workspace, target="contact", target_id=contact.pk, label=ADDRESS, action="edited", actor="x", at=NOW,
        reason="Zebedee asked for it",
        changes=[
            {"what": "row", "field": "first_name", "before": "Zeb", "after": "Zebedee"},
            {"what": "row", "field": "fields", "before": {}, "after": {"tea": "rooibos-lover"}},
        ],
    )  # fmt: skip
    OrmQ.objects.create(key="jobs", payload="(signed)", lock=NOW)
    Success.objects.create(
        id="done", name="done", func="execution.jobs.run", started=NOW, stopped=NOW, success=True, result={"sent": 1}
    )
    subscription = WebhookSubscription.objects.create(
        workspace=workspace, url="https://x.example", events=["*"], created_at=NOW, scanned_at=NOW
    )
    WebhookDelivery.objects.create(
        workspace=workspace, subscription=subscription, fact="event:1", event="email.replied", give_up_at=NOW,
        payload={"contact": {"id": contact.pk, "email": ADDRESS}, "details": {"detail": "Zebedee"}}, created_at=NOW,
    )  # fmt: skip
    HookRecord.objects.create(
        workspace=workspace, mailbox=MailboxFactory(workspace=workspace), provider="imap", what=f"a mail of {ADDRESS}",
        payload={"begins": f"From: Zebedee Quux <{ADDRESS}>"}, received_at=NOW,
    )  # fmt: skip
    IdempotencyKey.objects.create(
        user=user, key="1", path="/api/contacts", body_hash="x", status_code=201, response={"email": ADDRESS},
        created_at=NOW,
    )  # fmt: skip
    task = Task.objects.get(enrollment=enrollment)
    for number, path in enumerate(
        (f"/api/sequence-enrollments/{enrollment.pk}/pause", f"/api/replies/{reply.pk}/answer?x=1",
         f"/api/tasks/{task.pk}/complete", f"/api/messages/{message.pk}/resolve")
    ):  # fmt: skip
        IdempotencyKey.objects.create(
            user=user, key=f"of row {number}", path=path, body_hash="x", status_code=200,
            response={"outcome": "Zebedee will call"}, created_at=NOW,
        )  # fmt: skip
    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(Contact), object_id=str(contact.pk),
        object_repr=ADDRESS, action_flag=2, change_message=f"changed {ADDRESS}",
    )  # fmt: skip
    SuppressionFactory(workspace=workspace, email=OLD_ADDRESS)
    SuppressionChange.objects.create(
        workspace=workspace,
        email=ADDRESS,
        action="added",
        reason="manual",
        note="Zebedee Quux wrote",
        actor="ada",
        at=NOW,
    )
    # what another contact's rows say about them
    other = ContactFactory(workspace=workspace, fields={"assistant": ADDRESS})
    EmailEventFactory(
        message__enrollment=EnrollmentFactory(sequence=step.sequence, contact=other),
        detail=f"ask Zebedee Quux <{ADDRESS}>",
        payload={"alternate": ADDRESS, "link": "https://x.example/?to=zebedee.quux%40slate.example"},
    )
    found: Contact = contact
    return found


def erase(contact: Contact, **options: Any) -> Any:
    return erase_contact(contact, actor="ada@x.example", reason="asked to", now=NOW, **options)


def find_marks() -> Iterator[str]:
    """Every column of every table, whatever its type, that holds a mark of the person."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')"
        )
        for table, column in cursor.fetchall():
            for mark in MARKS:
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f"%{mark}%"])
                if cursor.fetchone()[0]:
                    yield f"{table}.{column}: {mark}"


def test_no_column_of_any_table_identifies_the_erased_contact(contact: Contact) -> None:
    assert len({mark.partition(":")[0] for mark in find_marks()}) > 25
    erased = erase(contact)
    assert list(find_marks()) == []
    assert erased.enrollments == 1
    assert erased.rows["emails_emailevent"] >= 2


def test_what_caps_and_reports_count_stays(contact: Contact) -> None:
    counted = (Contact, Enrollment, EmailMessage, EmailEvent, DeadLetter, Task, SuppressionChange)
    before = [model._default_manager.count() for model in counted]
    logs = ExecutionLog.objects.count()
    message = EmailMessage.objects.get(contact=contact)
    erase(contact)
    assert [model._default_manager.count() for model in counted] == before
    assert ExecutionLog.objects.count() >= logs
    kept = EmailMessage.objects.get(pk=message.pk)
    assert (kept.status, kept.sent_at, kept.handed_over_at, kept.recipient_domain, kept.message_id) == (
        "sent", message.sent_at, message.handed_over_at, message.recipient_domain, message.message_id,
    )  # fmt: skip
    assert ExecutionLog.objects.get(details__has_key="message").details == {"message": message.pk}
    assert EmailEvent.objects.get(contact=contact).type == "replied"
    log = ControlLog.objects.get(action="erased")
    assert (log.actor, log.reason, log.label) == ("ada@x.example", "asked to", f"erased-{contact.pk}@erased.invalid")


def test_other_workspaces_and_contacts_keep_their_data(contact: Contact, workspace: Workspace) -> None:
    abroad = ContactFactory(email=ADDRESS, first_name="Zebedee", last_name="Quux")
    near = [
        ContactFactory(workspace=workspace, email=f"not-{ADDRESS}", phone=contact.phone),
        ContactFactory(workspace=workspace, email=f"{ADDRESS}.org"),
    ]
    erase(contact)
    assert Contact.objects.get(pk=abroad.pk).first_name == "Zebedee"
    assert list(Contact.objects.filter(pk__in=[row.pk for row in near]).values_list("email", flat=True)) != []
    assert [Contact.objects.get(pk=row.pk).email for row in near] == [row.email for row in near]
    assert Contact.objects.get(pk=near[0].pk).phone == "+44 20 7946 0018"


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.upper(), OLD_ADDRESS])
def test_the_erased_address_is_never_stored_again(contact: Contact, workspace: Workspace, address: str) -> None:
    erase(contact)
    with pytest.raises(TakenError, match="erased"):
        create_row(Contact, workspace, {"email": address})
    assert suppress(workspace.pk, emails=[address], actor="ada", now=NOW) == 0
    other = ContactFactory(workspace=workspace)
    with pytest.raises(TakenError, match="erased"):
        change_row(other, {"email": address}, NOW)
    stream = io.BytesIO(f"email\n{address}\nnew@x.example\n".encode())
    imported = import_contacts(workspace.pk, "c.csv", stream, NOW)
    assert imported.present() == {"created": 1, "updated": 0, "rejected": [{"row": 2, "reason": ERASED_REASON}]}
    abroad = create_row(Contact, WorkspaceFactory(), {"email": address.lower()})
    assert abroad.email == address.lower()


def test_nothing_is_added_to_what_is_left(contact: Contact) -> None:
    erase(contact)
    with pytest.raises(TakenError, match="create another contact"):
        change_row(contact, {"first_name": "Zebedee"}, NOW)
    left = Contact.objects.get(pk=contact.pk)
    assert Suppression.objects.filter(email=left.email).exists()
    message = EmailMessage.objects.get(contact=contact)
    late = NewEvent(
        EventType.REPLIED, "imap", "late", NOW, message_pk=message.pk, detail="Zebedee", payload={"from": ADDRESS}
    )
    assert record_events([late], NOW) == 1
    assert list(find_marks()) == []


def test_erasing_again_changes_nothing(contact: Contact) -> None:
    erase(contact)
    contact.refresh_from_db()
    again = erase(contact)
    assert (again.rows, again.enrollments) == ({}, 0)
    assert ControlLog.objects.filter(action="erased").count() == 1


def test_a_dry_run_says_what_it_would_do_and_keeps_everything(contact: Contact) -> None:
    before = sorted(find_marks())
    erased = erase(contact, dry_run=True)
    assert erased.rows["emails_emailmessage"] == 1
    assert sorted(find_marks()) == before
    assert Enrollment.objects.get(contact=contact).status == "active"


def test_a_message_being_sent_is_waited_for(contact: Contact, workspace: Workspace) -> None:
    step = StepFactory(sequence__workspace=workspace)
    enrollment = EnrollmentFactory(sequence=step.sequence, contact=contact)
    sending = SendingMessageFactory(enrollment=enrollment, recipient=ADDRESS)
    with pytest.raises(InFlightError, match="try again in a minute"):
        erase(contact)
    assert Contact.objects.get(pk=contact.pk).email == ADDRESS
    assert not Enrollment.objects.filter(contact=contact, status="active").exists()
    EmailMessage.objects.filter(pk=sending.pk).update(status="sent", sent_at=NOW)
    assert erase(contact).rows["emails_emailmessage"] == 2


def test_the_export_contains_all_data_of_the_contact(contact: Contact) -> None:
    data = json.loads(json.dumps(export_contact(contact, NOW), default=str))
    text = json.dumps(data)
    for mark in (ADDRESS, OLD_ADDRESS, "Chief Weaver", "rooibos-lover", "<p>Hi Zebedee</p>", "Call me, Zebedee"):
        assert mark in text
    for name in (
        "contacts",
        "enrollments",
        "email_messages",
        "email_events",
        "execution_logs",
        "dead_letters",
        "tasks",
    ):
        assert len(data[name]) >= 1, name
    assert data["suppressions"][0]["email"] == OLD_ADDRESS
    assert "lease_token" not in text


def test_every_table_that_refers_to_a_contact_is_covered() -> None:
    linked = {
        model._meta.db_table
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model in {Contact, Enrollment, EmailMessage}
    }
    covered = {table.name: table.blank for table in list_personal_tables()}
    assert linked <= set(covered)
    assert all(covered[name] for name in linked)
