"""Emails that bounced because of their sender: the contact is untouched and gets them once the mailbox is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from emails.choices import BounceType, EventType
from emails.facts.events import NewEvent, record_events
from emails.models import EmailMessage, Mailbox, Suppression
from execution.control.enrollments import pause_enrollments
from execution.control.switches import pause_mailbox, resume_mailbox
from execution.insight.alerts import find_troubles
from execution.models import ExecutionLog
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory, UserFactory
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def mailbox(server: MailServer) -> Mailbox:
    made: Mailbox = MailboxFactory(smtp_port=server.port, owner=UserFactory(email="ada@sender.example"))
    return made


@pytest.fixture
def blocked(mailbox: Mailbox) -> Enrollment:
    """Its first email was accepted and came back as blocked an hour later; the second is due in three days."""
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?", delay_days=3)
    made: Enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    DrivenClock().run()
    report(BounceType.BLOCKED)
    return made


def report(bounce_type: BounceType | None = None, kind: EventType = EventType.BOUNCED) -> None:
    at = NOW + HOUR
    message = EmailMessage.objects.earliest("pk")
    record_events(
        [
            NewEvent(
                type=kind,
                provider="imap",
                provider_event_id=f"{kind}:{message.pk}",
                occurred_at=at,
                message_pk=message.pk,
                bounce_type=bounce_type.value if bounce_type else "",
                detail="550 5.7.1 blocked using zen.spamhaus.org",
            )
        ],
        at,
    )


def resume(mailbox: Mailbox, after: timedelta = 2 * HOUR) -> DrivenClock:
    clock = DrivenClock(NOW + after)
    pause_mailbox(mailbox, actor="ada", now=clock.now)
    resume_mailbox(mailbox, actor="ada", now=clock.now)
    clock.run_through(clock.now + timedelta(minutes=30))
    return clock


def test_a_blocked_email_leaves_the_contact_alone(blocked: Enrollment, server: MailServer) -> None:
    clock = DrivenClock(NOW + HOUR)
    clock.run_through(NOW + 3 * HOUR)
    blocked.refresh_from_db()
    assert blocked.status == "active"
    assert not Suppression.objects.exists()
    assert len(server.messages) == 1


def test_resuming_the_mailbox_sends_it_again_and_goes_on(
    blocked: Enrollment, mailbox: Mailbox, server: MailServer
) -> None:
    clock = resume(mailbox)
    assert len({str(each.parsed["Subject"]) for each in server.messages}) == 1
    assert len(server.messages) == 2
    log = ExecutionLog.objects.get(enrollment=blocked, action="retried")
    assert (log.actor, log.message) == ("ada", "Sent again: the email was refused because of its sender")
    clock.run_through(NOW + timedelta(days=10))
    assert len(server.messages) == 3
    blocked.refresh_from_db()
    assert blocked.status == "completed"


def test_resuming_twice_sends_it_once(blocked: Enrollment, mailbox: Mailbox, server: MailServer) -> None:
    resume(mailbox)
    resume(mailbox, 4 * HOUR)
    assert len(server.messages) == 2


def test_resuming_an_active_mailbox_sends_it_again(blocked: Enrollment, mailbox: Mailbox, server: MailServer) -> None:
    clock = DrivenClock(NOW + 2 * HOUR)
    assert resume_mailbox(mailbox, actor="ada", now=clock.now)
    assert not resume_mailbox(mailbox, actor="ada", now=clock.now)
    clock.run()
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    "kind", [EventType.REPLIED, EventType.UNSUBSCRIBED, EventType.COMPLAINED, EventType.DELIVERED, EventType.OPENED]
)
def test_who_answered_opted_out_or_got_it_gets_nothing_again(
    blocked: Enrollment, mailbox: Mailbox, server: MailServer, kind: EventType
) -> None:
    report(kind=kind)
    resume(mailbox)
    assert len(server.messages) == 1


def test_a_soft_bounce_is_not_sent_again(mailbox: Mailbox, server: MailServer) -> None:
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?", delay_days=3)
    EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    DrivenClock().run()
    report(BounceType.SOFT)
    resume(mailbox)
    assert len(server.messages) == 1


def test_a_paused_enrollment_stays_paused(blocked: Enrollment, mailbox: Mailbox, server: MailServer) -> None:
    pause_enrollments([blocked.pk], actor="ada", now=NOW + HOUR)
    resume(mailbox)
    blocked.refresh_from_db()
    assert blocked.status == "paused"
    assert len(server.messages) == 1


def test_an_old_block_has_lost_its_occasion(blocked: Enrollment, mailbox: Mailbox, server: MailServer) -> None:
    blocked.sequence.steps.filter(number=2).update(delay_days=30)
    Enrollment.objects.update(next_step_at=NOW + timedelta(days=30), wake_at=NOW + timedelta(days=30))
    resume(mailbox, timedelta(days=8))
    assert len(server.messages) == 1


def test_the_owner_is_alerted_until_the_mailbox_is_resumed(blocked: Enrollment, mailbox: Mailbox) -> None:
    [trouble] = [each for each in find_troubles(NOW + HOUR) if each.key == f"mailbox:{mailbox.pk}:blocked"]
    assert trouble.to == ("ada@sender.example",)
    assert "1 message" in trouble.title and "zen.spamhaus.org" in trouble.title
    resume(mailbox)
    assert not [each for each in find_troubles(NOW + 2 * HOUR) if each.key == f"mailbox:{mailbox.pk}:blocked"]
