"""An unknown outcome is held, resolved by a user or by evidence, and its enrollment goes on (P1, P4)."""

from __future__ import annotations

from typing import Literal

import pytest
from django.utils import timezone

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.models import EmailMessage
from execution.control.switches import NotPossibleError, resolve_message
from execution.models import DeadLetter, ExecutionLog
from sequences.models import Enrollment
from simulation.mail_server import Drop, MailServer, Moment
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.driving import DrivenClock
from tests.faults.processes import CommandProcess
from tests.faults.promises import assert_ledger_explains, run_successor

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def person(server: MailServer) -> Enrollment:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence, subject="Planning at {{ contact.last_name }}")
    StepFactory(sequence=sequence, subject="", body="Did this reach you?")
    StepFactory(sequence=sequence, subject="", body="A last word.")
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    enrollment: Enrollment = EnrollmentFactory(
        sequence=sequence, mailbox=mailbox, contact__last_name="Acme", at=timezone.now()
    )
    return enrollment


@pytest.mark.parametrize(("point", "answer"), [("text written", "resend"), ("dot answered", "sent")])
@pytest.mark.parametrize("uncertain", [1, 2])
def test_a_user_resolves_an_unknown_outcome_and_the_thread_continues(
    point: str,
    answer: Literal["sent", "resend"],
    uncertain: int,
    command_process: CommandProcess,
    server: MailServer,
    person: Enrollment,
) -> None:
    """The worker died before it could store what it had rendered: the replies still know their subject and thread."""
    assert command_process.run("run_executor", "--once", point=point, nth=uncertain)
    run_successor()
    unknown = EmailMessage.objects.get(status="unknown")
    assert run_successor() == (0, 0), "nothing is sent again by itself"

    resolve_message(unknown, answer, actor="sam@acme.example", now=timezone.now())
    with pytest.raises(NotPossibleError):
        resolve_message(unknown, answer, actor="sam@acme.example", now=timezone.now())
    run_successor()

    person.refresh_from_db()
    assert (person.status, person.emails_sent, person.last_error) == ("completed", 3, "")
    assert_ledger_explains(server.messages)
    first, second, third = (message.parsed for message in server.messages)
    assert first["Subject"] == "Planning at Acme"
    assert second["Subject"] == third["Subject"] == "Re: Planning at Acme"
    assert second["References"] == first["Message-ID"]
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]
    letter = DeadLetter.objects.get()
    assert letter.resolved_at is not None
    assert ExecutionLog.objects.filter(action="resolved", actor="sam@acme.example").count() == 1


def test_an_event_that_names_the_message_proves_that_it_left(
    command_process: CommandProcess, server: MailServer, person: Enrollment
) -> None:
    assert command_process.run("run_executor", "--once", point="handed over")
    run_successor()
    unknown = EmailMessage.objects.get(status="unknown")

    opened = NewEvent(EventType.OPENED, "tests", "1", timezone.now(), message_pk=unknown.pk)
    assert record_events([opened, opened], timezone.now()) == 1
    run_successor()

    person.refresh_from_db()
    assert (person.status, person.emails_sent) == ("completed", 3)
    assert_ledger_explains(server.messages)
    assert len(server.messages) == 3


def test_a_message_of_an_ended_enrollment_can_be_marked_sent_only(
    command_process: CommandProcess, server: MailServer, person: Enrollment
) -> None:
    """P2: a reply while the outcome is unknown ends the enrollment; no button sends to them any more."""
    assert command_process.run("run_executor", "--once", point="text written")
    run_successor()
    reply = NewEvent(EventType.REPLIED, "tests", "1", timezone.now(), contact_id=person.contact_id)
    record_events([reply], timezone.now())
    run_successor()
    person.refresh_from_db()
    assert person.status == "replied"

    unknown = EmailMessage.objects.get(status="unknown")
    with pytest.raises(NotPossibleError, match="ended"):
        resolve_message(unknown, "resend", actor="sam@acme.example", now=timezone.now())
    resolve_message(unknown, "sent", actor="sam@acme.example", now=timezone.now())
    run_successor()
    assert server.messages == []


def test_the_gap_is_kept_after_a_lost_reply(server: MailServer) -> None:
    """P3: the message may have left, so the next one waits its whole gap."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port, gap_seconds=120, jitter_seconds=0)
    clock = DrivenClock()
    for _ in range(2):
        EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=clock.now)
    server.on(Moment.DOT, Drop(store=True), times=1)

    clock.run()
    assert EmailMessage.objects.filter(status="unknown").count() == 1
    clock.pass_by(seconds=119)
    clock.run()
    assert server.message_count == 1
    clock.pass_by(seconds=1)
    clock.run()
    assert server.message_count == 2
