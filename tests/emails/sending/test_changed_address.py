"""A contact's address changes while an email is queued: it goes to the new address, or is not sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emails.models import EmailMessage
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.models import ExecutionLog
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.contacts.operations import change_row
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, StepFactory, SuppressionFactory

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOW + timedelta(minutes=1)


def queue_one(server: MailServer) -> Enrollment:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port)
    who = {"contact__email": "typo@prospect.example", "mailbox": mailbox}
    enrollment: Enrollment = EnrollmentFactory(sequence=step.sequence, **who)
    run_tick(NOW, 10, Policy())
    assert EmailMessage.objects.get().status == "queued"
    return enrollment


def deliver() -> None:
    run_until_idle(Options(policy=Policy()), lambda: LATER)


def test_a_queued_email_goes_once_to_the_new_address() -> None:
    with MailServer() as server:
        enrollment = queue_one(server)
        change_row(enrollment.contact, {"email": "right@prospect.example"}, NOW)
        deliver()
        assert [message.recipients for message in server.messages] == [("right@prospect.example",)]
    message = EmailMessage.objects.get()
    assert (message.status, message.recipient, message.attempts) == ("sent", "right@prospect.example", 1)
    text = ExecutionLog.objects.filter(enrollment=enrollment).values_list("message", flat=True)
    assert "Email queued again after it was withheld: address_changed" in text


def test_another_form_of_the_same_address_delays_nothing() -> None:
    with MailServer() as server:
        enrollment = queue_one(server)
        change_row(enrollment.contact, {"email": "TYPO@prospect.example"}, NOW)
        deliver()
        assert len(server.messages) == 1
    assert not ExecutionLog.objects.filter(message__contains="withheld").exists()


def test_nothing_leaves_for_a_new_address_that_must_not_be_mailed() -> None:
    with MailServer() as server:
        enrollment = queue_one(server)
        SuppressionFactory(workspace=enrollment.workspace, email="gone@prospect.example")
        change_row(enrollment.contact, {"email": "gone@prospect.example"}, NOW)
        deliver()
        assert not server.messages
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.auto_exit_reason) == ("auto_exited", "suppressed")
