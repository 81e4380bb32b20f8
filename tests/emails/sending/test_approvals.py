"""Approve before sending: nothing leaves unread, and what was read is what leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from emails.models import Approval, EmailMessage, Mailbox
from emails.rendering.compose import compose
from emails.sending import delivery
from emails.sending.approvals import render_held
from emails.sending.resolving import send_again
from execution.control.approvals import approve_emails, edit_email, reject_emails
from execution.insight.explain import explain_enrollments
from execution.insight.forecast import forecast_workspaces
from execution.insight.queue import QueueFilter, read_queue
from execution.insight.troubles import find_troubles
from execution.models import ExecutionLog
from sequences.models import Contact, Enrollment, Sequence, Step
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def person(server: MailServer) -> Enrollment:
    sequence = SequenceFactory(requires_approval=True)
    StepFactory(
        sequence=sequence, subject="A question", body="Hello {{ contact.first_name }}, it is {{ now | date: '%H:%M' }}."
    )
    StepFactory(sequence=sequence, subject="", body="Any news?", delay_days=2)
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    made: Enrollment = EnrollmentFactory(
        sequence=sequence, mailbox=mailbox, contact__first_name="Bob", contact__title="CTO"
    )
    return made


@pytest.fixture
def clock(person: Enrollment) -> DrivenClock:
    """The first email is queued and held."""
    driven = DrivenClock()
    driven.run()
    return driven


def the_email() -> EmailMessage:
    found: EmailMessage = EmailMessage.objects.get(status="queued")
    return found


def approve(clock: DrivenClock) -> str:
    email = the_email()
    digest = render_held([email.pk], clock.now)[email.pk].digest
    assert approve_emails({email.pk: digest}, actor="ann", now=clock.now).changed == [email.pk]
    return digest


def test_an_email_waits_until_it_is_approved_and_leaves_as_it_was_read(
    server: MailServer, person: Enrollment, clock: DrivenClock
) -> None:
    clock.run_through(NOW + timedelta(hours=3))
    assert not server.messages
    hold = explain_enrollments([person.pk], clock.now)[person.pk][0]
    assert (hold.code, hold.until) == ("awaiting_approval", None)
    workspaces = [person.workspace_id]
    assert [item.why for item in read_queue(workspaces, clock.now, 9, QueueFilter.AWAITING_APPROVAL)] == [
        "Waiting for approval"
    ]
    assert read_queue(workspaces, clock.now, 9, QueueFilter.OVERDUE) == []
    assert sum(day.first_touches for day in forecast_workspaces(workspaces, clock.now).days) == 0
    waited = NOW + timedelta(days=3)
    assert f"approvals:{person.workspace_id}" in {trouble.key for trouble in find_troubles(waited)}
    email = the_email()
    read = render_held([email.pk], clock.now)[email.pk]
    approve(clock)
    email.refresh_from_db()
    assert (email.subject, email.text, email.html) == (read.subject, read.text, read.html)
    assert read_queue(workspaces, clock.now, 9, QueueFilter.AWAITING_APPROVAL) == []
    clock.run()
    email.refresh_from_db()
    assert (email.status, email.subject, email.text, email.html) == ("sent", read.subject, read.text, read.html)
    assert len(server.messages) == 1
    log = ExecutionLog.objects.get(enrollment=person, action="approved")
    assert (log.actor, log.details) == ("ann", {"message": email.pk, "hash": read.digest})
    # the delay of the follow-up counts from the sending, and it is held as well
    person.refresh_from_db()
    assert person.next_step_at is not None and email.sent_at is not None
    assert person.next_step_at >= email.sent_at + timedelta(days=2)
    clock.run_through(person.next_step_at + timedelta(hours=1))
    assert (len(server.messages), the_email().step_id) == (1, Step.objects.get(number=2).pk)


def edit_step(person: Enrollment) -> None:
    Step.objects.filter(number=1).update(body="Hello {{ contact.first_name }}, another text.")


def change_format(person: Enrollment) -> None:
    Step.objects.filter(number=1).update(format="html")


def rename(person: Enrollment) -> None:
    Contact.objects.update(first_name="Robert")


def change_signature(person: Enrollment) -> None:
    Mailbox.objects.update(signature="Ann of Acme")


def lose_the_field(person: Enrollment) -> None:
    Contact.objects.update(first_name="")


def correct_the_address(person: Enrollment) -> None:
    Contact.objects.update(email="robert@prospect.com")


def change_mailbox(person: Enrollment) -> None:
    other = MailboxFactory(workspace=person.workspace, smtp_port=Mailbox.objects.get().smtp_port)
    Enrollment.objects.update(mailbox=other)
    EmailMessage.objects.update(mailbox=other)


CHANGES = [edit_step, change_format, rename, change_signature, lose_the_field, correct_the_address, change_mailbox]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_email_takes_its_approval_back(
    server: MailServer, person: Enrollment, clock: DrivenClock, change: Callable[[Enrollment], None]
) -> None:
    approve(clock)
    change(person)
    Mailbox.objects.update(lane_at=clock.now)
    clock.run()
    assert not server.messages
    email = the_email()
    assert (email.text, email.approval.approved_at, email.approval.approved_by) == ("", None, "")
    assert explain_enrollments([person.pk], clock.now)[person.pk][0].code == "awaiting_approval"
    assert ExecutionLog.objects.filter(enrollment=person, action="queued").count() >= 2
    if change is not lose_the_field:
        approve(clock)
        clock.run()
        assert len(server.messages) == 1


def test_a_field_that_the_email_does_not_use_changes_nothing(server: MailServer, clock: DrivenClock) -> None:
    approve(clock)
    Contact.objects.update(title="CEO")
    clock.run()
    assert len(server.messages) == 1


def test_an_edit_between_the_claim_and_the_sending_is_noticed(server: MailServer, clock: DrivenClock) -> None:
    approve(clock)

    def edit_first(*args: Any) -> Any:
        Contact.objects.update(first_name="Robert")
        return compose(*args)

    with mock.patch.object(delivery, "compose", edit_first):
        clock.run()
    assert (len(server.messages), the_email().attempts) == (0, 0)


def test_an_approval_expires(server: MailServer, person: Enrollment, clock: DrivenClock) -> None:
    Mailbox.objects.update(status="paused", status_reason="on leave", status_actor="ann")
    approve(clock)
    clock.run_through(NOW + timedelta(days=15))
    Mailbox.objects.update(status="active", lane_at=clock.now)
    clock.run()
    assert not server.messages
    assert explain_enrollments([person.pk], clock.now)[person.pk][0].code == "awaiting_approval"


def test_what_is_sent_again_is_the_same_email(server: MailServer, clock: DrivenClock) -> None:
    digest = approve(clock)
    clock.run()
    email = EmailMessage.objects.get()
    Enrollment.objects.update(current_step=email.step_id, visit=email.visit, next_step_at=NOW)
    EmailMessage.objects.update(status="unknown", unknown_at=clock.now, sent_at=None)
    assert send_again(email.pk, "ann", "", clock.now)
    clock.run()
    first, second = server.messages
    assert first.data.partition(b"From:")[2] == second.data.partition(b"From:")[2]
    assert Approval.objects.get().digest == digest


@pytest.mark.parametrize(
    ("then", "status", "action"), [("skip", "active", "skipped"), ("exit", "auto_exited", "exited")]
)
def test_a_rejected_email_never_leaves(
    server: MailServer, person: Enrollment, clock: DrivenClock, then: Any, status: str, action: str
) -> None:
    email = the_email()
    approve(clock)
    report = reject_emails({email.pk: ""}, then=then, actor="ann", now=clock.now, reason="wrong person")
    assert report.changed == [email.pk]
    clock.run()
    person.refresh_from_db()
    email.refresh_from_db()
    assert (person.status, email.status, len(server.messages)) == (status, "withheld", 0)
    log = ExecutionLog.objects.get(enrollment=person, action=action)
    assert (log.actor, log.message) == ("ann", "Email rejected: wrong person")


def test_one_email_gets_a_text_of_its_own(server: MailServer, person: Enrollment, clock: DrivenClock) -> None:
    approve(clock)
    email = the_email()
    edit_email(email, "For {{ contact.first_name }}", "Just **one** line.", actor="ann", now=clock.now)
    clock.run()
    assert not server.messages
    for body in ("{% if", "Hello {{ contact.nickname }}"):
        with pytest.raises(ValueError, match="body"):
            edit_email(email, "For Bob", body, actor="ann", now=clock.now)
    approve(clock)
    clock.run()
    email.refresh_from_db()
    assert (email.status, email.subject) == ("sent", "For Bob")
    assert "Just one line." in email.text
    assert Sequence.objects.get().steps.get(number=1).subject == "A question"


def test_a_sequence_without_the_rule_sends_at_once(server: MailServer, clock: DrivenClock) -> None:
    Sequence.objects.update(requires_approval=False)
    clock.run_through(NOW + timedelta(minutes=11))
    assert len(server.messages) == 1
