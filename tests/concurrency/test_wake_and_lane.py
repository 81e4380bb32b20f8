"""The engine queues while a lane claims: the lane never sleeps over a queued message (P4, P6)."""

from __future__ import annotations

import pytest
from django.db import transaction

from emails.models import EmailMessage, Mailbox
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import take_lane
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.concurrent_work import ConcurrentWork

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_ready", [True, False], ids=["the lane was ready", "the lane slept"])
def test_a_message_queued_while_a_lane_claims_is_found(is_ready: bool) -> None:
    """The lane was awake already when the engine queued, and is about to sleep: it has not seen the new email."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=sequence.workspace)
    EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    run_tick(NOW, 10, Policy())
    lease = take_lane(NOW, "a worker")
    assert lease is not None
    if not is_ready:
        Mailbox.objects.update(lane_at=None)
    EnrollmentFactory(sequence=sequence, mailbox=mailbox)

    def look() -> None:
        with transaction.atomic():
            claim_chunk(lease, NOW, 10)

    with transaction.atomic():
        run_tick(NOW, 10, Policy())
        lane = ConcurrentWork(look).start()
        lane.run_until_blocked()
    lane.join()
    left = EmailMessage.objects.filter(status="queued").count()
    assert left == 0 or Mailbox.objects.get().lane_at == NOW
