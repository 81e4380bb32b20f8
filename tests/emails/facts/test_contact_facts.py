"""Effects of facts on the contact, beyond the email that they are about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emails.choices import EventType
from emails.facts.events import record_events
from emails.models import Suppression
from execution.engine.backoff import Policy
from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from sequences.models import Contact
from tests.emails.facts.test_events import LATER, decide, new_event, sent_message, soft_bounces
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, MailboxFactory, StepFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("arrival", [EventType.DELIVERED, EventType.OPENED, EventType.CLICKED])
@pytest.mark.parametrize(("minutes", "expected"), [(15, "completed"), (25, "paused")])
def test_a_delivery_in_between_resets_the_count_of_soft_bounces(
    arrival: EventType, minutes: int, expected: str
) -> None:
    """They bounced twenty minutes ago: what arrived before that ends no row."""
    message = sent_message(enrollment__sequence=StepFactory().sequence)
    facts = soft_bounces(message, LATER - timedelta(minutes=20))
    facts.append(new_event(message, arrival, occurred_at=LATER - timedelta(minutes=minutes)))
    record_events(facts, LATER)
    decide()
    message.enrollment.refresh_from_db()
    assert message.enrollment.status == expected


def test_an_absence_notice_that_proves_delivery_also_pauses() -> None:
    """The answer proves that the email left, and that its recipient is absent."""
    step = StepFactory()
    StepFactory(sequence=step.sequence, delay_days=1)
    enrollment = EnrollmentFactory(sequence=step.sequence)
    message = EmailMessageFactory(
        enrollment=enrollment, status="unknown", unknown_at=NOW, handed_over_at=NOW, attempts=1
    )
    run_tick(NOW, 10, Policy(evidence_minutes=0))
    enrollment.refresh_from_db()
    assert enrollment.status == "quarantined"
    until = NOW + timedelta(days=20)
    record_events([new_event(message, EventType.AUTO_REPLIED, occurred_at=LATER, until_at=until)], LATER)
    for _ in range(2):
        run_tick(LATER, 10, engine_policy())
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.resume_at, enrollment.emails_sent) == ("paused", until, 1)


@pytest.mark.parametrize(("days", "expected"), [(20, "paused"), (None, "paused"), (1, "active")])
def test_enrolling_an_absent_contact_waits_for_the_return(days: int | None, expected: str) -> None:
    message = sent_message()
    until = NOW + timedelta(days=days) if days else None
    record_events([new_event(message, EventType.AUTO_REPLIED, occurred_at=NOW, until_at=until)], NOW)
    at = NOW + timedelta(days=2)
    sequence = StepFactory(sequence__workspace=message.workspace).sequence
    mailbox = MailboxFactory(workspace=message.workspace)
    later = EnrollmentFactory(sequence=sequence, contact=message.contact, mailbox=mailbox, at=at)
    run_tick(at, 10, engine_policy())
    later.refresh_from_db()
    assert later.status == expected


@pytest.mark.parametrize(
    ("kind", "bounce_type", "both"),
    [(EventType.UNSUBSCRIBED, "", True), (EventType.COMPLAINED, "", True), (EventType.BOUNCED, "hard", False)],
)
def test_an_opt_out_from_an_old_address_suppresses_the_present_one_too(
    kind: EventType, bounce_type: str, both: bool
) -> None:
    message = sent_message()
    Contact.objects.update(email="new@prospect.example")
    record_events([new_event(message, kind, bounce_type=bounce_type)], LATER)
    stopped = set(Suppression.objects.values_list("email", flat=True))
    assert stopped == {message.recipient.lower()} | ({"new@prospect.example"} if both else set())
