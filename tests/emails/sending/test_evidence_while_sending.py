"""A lease expires, an event proves that the email was sent, and then the worker reports the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import LEASE_SECONDS, take_lane
from emails.sending.results import Result, record_results
from emails.transport.send_result import SendResult, Sent, Unknown
from sequences.models import Enrollment
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("answer", [Sent("", "250 OK"), Unknown("no answer")], ids=["sent", "unknown"])
def test_evidence_during_sending_counts_the_email_once(answer: SendResult) -> None:
    """The lane is still leased by the worker."""
    mailbox = MailboxFactory(lane_at=NOW)
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    message = EmailMessageFactory(enrollment=EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=NOW), at=NOW)
    lease = take_lane(NOW, "tests")
    assert lease is not None
    with transaction.atomic():
        chunk = claim_chunk(lease, NOW, 1)
    late = NOW + timedelta(seconds=LEASE_SECONDS + 1)
    assert record_events([NewEvent(EventType.DELIVERED, "tests", "delivered", late, message_pk=message.pk)], late) == 1

    with transaction.atomic():
        record_results(lease, [Result(message.pk, answer, late)], chunk.breaker, late, 0.5)

    message.refresh_from_db()
    assert (message.status, Enrollment.objects.get().emails_sent) == ("sent", 1)
