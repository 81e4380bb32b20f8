"""Messages that a lane could not send go back into the queue, and the lane stays awake."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from emails.models import EmailMessage, Mailbox
from emails.pacing.breaker import Breaker
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import Lease, release_lane, take_lane
from emails.sending.results import Result, record_results
from emails.transport.send_result import Sent
from sequences.models import Enrollment
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def lease() -> Lease:
    """Of a lane with two emails, awake."""
    mailbox = MailboxFactory(lane_at=NOW)
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    for _ in range(2):
        EmailMessageFactory(enrollment=EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=NOW), at=NOW)
    Enrollment.objects.update(wake_at=None)
    taken = take_lane(NOW, "tests")
    assert taken is not None
    return taken


@pytest.mark.parametrize("sent", [0, 1])
def test_a_worker_that_ends_after_a_chunk_leaves_the_lane_awake(lease: Lease, sent: int) -> None:
    """The worker got SIGTERM, or lost the database, before the whole chunk was tried."""
    with transaction.atomic():
        chunk = claim_chunk(lease, NOW, 50)
    assert len(chunk.message_ids) == 2
    assert Mailbox.objects.get().lane_at is None, "all that is queued is in hand"
    answers = [Sent("", "250 OK")] * sent + [None] * (2 - sent)
    results = [Result(pk, answer, NOW) for pk, answer in zip(chunk.message_ids, answers, strict=True)]
    with transaction.atomic():
        record_results(lease, results, chunk.breaker, NOW, 0.5)
    release_lane(lease)
    assert EmailMessage.objects.filter(status="queued").count() == 2 - sent
    later = NOW + timedelta(seconds=1)
    again = take_lane(later, "tests")
    assert again is not None, "it sleeps over what is queued"
    with transaction.atomic():
        assert len(claim_chunk(again, later, 50).message_ids) == 2 - sent


def test_an_empty_lane_sleeps(lease: Lease) -> None:
    with transaction.atomic():
        chunk = claim_chunk(lease, NOW, 50)
        record_results(lease, [Result(pk, Sent("", "250 OK"), NOW) for pk in chunk.message_ids], Breaker(), NOW, 0.5)
    release_lane(lease)
    assert take_lane(NOW + timedelta(seconds=1), "tests") is None
