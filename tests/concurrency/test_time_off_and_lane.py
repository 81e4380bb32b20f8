"""A time off is stored while a lane claims: what the lane has not marked before is held (P3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from emails.models import EmailMessage
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import take_lane
from execution.control.time_off import save_time_off
from sequences.models import TimeOff
from tests.factories import (
    NOW,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    StepFactory,
)
from tests.faults.concurrent_work import ConcurrentWork

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lane_that_claims_during_the_change_holds_what_is_queued() -> None:
    member = MembershipFactory()
    mailbox = MailboxFactory(workspace=member.workspace, owner=member.user, lane_at=NOW)
    sequence = SequenceFactory(workspace=member.workspace)
    StepFactory(sequence=sequence)
    EmailMessageFactory(enrollment=EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=NOW), at=NOW)
    lease = take_lane(NOW, "a worker")
    assert lease is not None

    def claim() -> None:
        with transaction.atomic():
            claim_chunk(lease, NOW, 10)

    with transaction.atomic():
        row = TimeOff(workspace=member.workspace, owner=member.user)
        days = {"starts_on": NOW.date(), "ends_on": NOW.date() + timedelta(days=1)}
        save_time_off(row, days, actor="ada", now=NOW)
        lane = ConcurrentWork(claim).start()
        lane.run_until_blocked()
    lane.join()
    message = EmailMessage.objects.get()
    assert message.status == "queued"
    with transaction.atomic():
        claim_chunk(lease, NOW, 10)
    message.refresh_from_db()
    assert message.held_by.startswith("time_off: ")
