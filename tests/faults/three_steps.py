"""Contacts enrolled in an email, a task and a threaded email, so that every kind of fault meets something."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from execution.models import ExecutionLog
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tasks_app.models import Task
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory, TaskStepFactory
from tests.faults.promises import assert_ledger_explains


def enroll_in_three_steps(server: MailServer, people: int, mailboxes: int = 1, at: datetime | None = None) -> None:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    TaskStepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?")
    boxes = [MailboxFactory(workspace=sequence.workspace, smtp_port=server.port) for _ in range(mailboxes)]
    for number in range(people):
        EnrollmentFactory(sequence=sequence, mailbox=boxes[number % mailboxes], at=at or timezone.now())


def assert_each_thing_once(people: int, server: MailServer) -> None:
    assert_ledger_explains(server.messages)
    assert set(Enrollment.objects.values_list("status", "emails_sent", "retry_count")) == {("completed", 2, 0)}
    assert len(server.messages) == 2 * people
    assert Task.objects.count() == people
    assert ExecutionLog.objects.filter(action="executed").count() == 3 * people
    assert not ExecutionLog.objects.filter(status="error").exists()


def no_enrollment_is_active() -> bool:
    return not Enrollment.objects.filter(status="active").exists()
