"""The final check against repeated text: over all enrollments of a contact in a sequence, also concurrently."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.models import EmailMessage
from emails.rendering.compose import compose
from emails.sending import delivery
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import take_lane
from execution.models import ExecutionLog
from sequences.models import Enrollment, Step
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    DelayStepFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
)
from tests.faults.driving import DrivenClock
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def loop(server: MailServer, *, repeat: bool = False) -> Enrollment:
    """The same email every twelve hours, as long as nothing ends it."""
    sequence = SequenceFactory()
    tide = StepFactory(sequence=sequence, subject="High water", body="High water is at six.", repeat=repeat)
    DelayStepFactory(sequence=sequence, delay_days=0, delay_hours=12)
    SplitStepFactory(
        sequence=sequence,
        condition_type="contact_field",
        condition_config={"field": "title", "operator": "is_set"},
        if_false_goto=tide,
    )
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    made: Enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox, contact__title="")
    return made


def test_a_loop_does_not_bring_the_same_text_again_and_goes_on(server: MailServer) -> None:
    person = loop(server)
    clock = DrivenClock()
    clock.run_through(NOW + timedelta(hours=13))
    assert len(server.messages) == 1
    log = ExecutionLog.objects.get(enrollment=person, action="skipped")
    assert log.message == "Same text: this sequence already sent this email to the contact"
    person.refresh_from_db()
    assert (person.status, person.current_step_id, person.emails_sent) == (
        "active",
        Step.objects.get(type="delay").pk,
        1,
    )
    clock.run_through(NOW + timedelta(hours=40))
    assert len(server.messages) == 1


def test_a_step_that_repeats_does(server: MailServer) -> None:
    loop(server, repeat=True)
    DrivenClock().run_through(NOW + timedelta(hours=13))
    assert len(server.messages) == 2


def test_a_text_that_was_edited_in_between_is_another_one(server: MailServer) -> None:
    loop(server)
    clock = DrivenClock()
    clock.run_through(NOW + timedelta(hours=1))
    Step.objects.filter(type="email").update(body="Low water is at noon.")
    clock.run_through(NOW + timedelta(hours=13))
    assert len(server.messages) == 2


def test_a_text_that_is_edited_after_the_check_is_checked_again(server: MailServer) -> None:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port)
    person = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
    sent_before(step, person.contact, mailbox)
    Step.objects.filter(pk=step.pk).update(body="Something new.")

    def edit_first(*args: Any) -> Any:
        Step.objects.filter(pk=step.pk).update(body=step.body)
        return compose(*args)

    with mock.patch.object(delivery, "compose", edit_first):
        DrivenClock().run()
    assert not server.messages
    assert EmailMessage.objects.get(enrollment=person).withheld_reason == "same_text"


def sent_before(step: Step, contact: Any, mailbox: Any, **fields: Any) -> None:
    """An earlier enrollment of the contact in the sequence, which has had the text of the step."""
    earlier = CompletedEnrollmentFactory(sequence=step.sequence, contact=contact, mailbox=mailbox)
    step.refresh_from_db()
    SentMessageFactory(enrollment=earlier, step=None, visit=1, content_hash=step.content_hash, **fields)


@pytest.mark.parametrize("state", ["sent", "unknown", "sending"])
def test_what_an_earlier_enrollment_has_brought_or_may_bring_counts(server: MailServer, state: str) -> None:
    first = StepFactory()
    StepFactory(sequence=first.sequence, body="Something new.")
    mailbox = MailboxFactory(workspace=first.workspace, smtp_port=server.port)
    person = EnrollmentFactory(sequence=first.sequence, mailbox=mailbox)
    lease = {"lease_token": uuid.uuid4(), "leased_until": NOW + timedelta(days=9)} if state == "sending" else {}
    sent_before(first, person.contact, mailbox, status=state, unknown_at=NOW, **lease)
    # another step with the same text to the eye
    Step.objects.filter(pk=first.pk).update(body=f"  {first.body}\n")
    DrivenClock().run_through(NOW + timedelta(days=1))
    assert [b"Something new." in message.data for message in server.messages] == [True]


def test_of_an_enrollment_made_again_only_its_own_emails_count(server: MailServer) -> None:
    first = StepFactory()
    StepFactory(sequence=first.sequence, subject=first.subject, body=first.body)
    mailbox = MailboxFactory(workspace=first.workspace, smtp_port=server.port)
    person = EnrollmentFactory(
        sequence=first.sequence, mailbox=mailbox, again_reason="a new quarter", again_by="ada", emails_sent=0
    )
    sent_before(first, person.contact, mailbox)
    DrivenClock().run_through(NOW + timedelta(days=1))
    assert len(server.messages) == 1


def test_another_sequence_and_another_contact_are_others(server: MailServer) -> None:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port)
    person = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
    elsewhere = StepFactory(sequence__workspace=step.workspace)
    sent_before(elsewhere, person.contact, mailbox)
    sent_before(step, EnrollmentFactory(sequence=elsewhere.sequence, mailbox=mailbox).contact, mailbox)
    DrivenClock().run()
    assert EmailMessage.objects.get(enrollment=person).status == "sent"


def test_the_check_costs_no_statement_more_for_many_messages() -> None:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, gap_seconds=0, jitter_seconds=0, lane_at=NOW)
    EmailMessageFactory.create_batch(
        20, enrollment__sequence=step.sequence, enrollment__mailbox=mailbox, enrollment__wake_at=None
    )
    lease = take_lane(NOW, "tests")
    assert lease is not None
    found = []
    for size in (1, 1, 8):
        with count_statements() as statements, transaction.atomic():
            assert len(claim_chunk(lease, NOW, size).message_ids) == size
        found.append(statements.count)
    assert found[0] == found[1] == found[2]
    assert EmailMessage.objects.filter(content_hash=Step.objects.get(pk=step.pk).content_hash).count() == 10


@pytest.mark.parametrize(("on_reply", "status", "sent"), [("stop", "replied", 1), ("continue", "completed", 2)])
def test_a_reply_ends_a_sequence_or_takes_its_yes_branch(
    server: MailServer, on_reply: str, status: str, sent: int
) -> None:
    sequence = SequenceFactory(on_reply=on_reply)
    StepFactory(sequence=sequence)
    split = SplitStepFactory(sequence=sequence, condition_type="email_replied", condition_config={"wait_hours": 30})
    split.if_true_goto = StepFactory(sequence=sequence, subject="Thank you", body="I call you.")
    split.save()
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    person = EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    clock = DrivenClock()
    clock.run()
    clock.pass_by(hours=2)
    message = EmailMessage.objects.get()
    record_events([NewEvent(EventType.REPLIED, "tests", "1", clock.now, message_pk=message.pk)], clock.now)
    clock.run()
    person.refresh_from_db()
    assert (person.status, len(server.messages)) == (status, sent)


def test_an_opt_out_ends_a_sequence_that_goes_on_after_replies(server: MailServer) -> None:
    step = StepFactory(sequence__on_reply="continue")
    StepFactory(sequence=step.sequence, delay_days=1)
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port)
    person = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
    clock = DrivenClock()
    clock.run()
    message = EmailMessage.objects.get()
    record_events([NewEvent(EventType.UNSUBSCRIBED, "tests", "1", clock.now, message_pk=message.pk)], clock.now)
    clock.run_through(NOW + timedelta(days=2))
    person.refresh_from_db()
    assert (person.auto_exit_reason, len(server.messages)) == ("unsubscribed", 1)
