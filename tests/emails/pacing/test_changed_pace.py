"""A gap that is changed while a worker serves the lane applies from the next check on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from emails.models import Mailbox
from emails.sending.final_check import Chunk, claim_chunk
from emails.sending.lanes import take_lane
from tests.factories import NOW, EmailMessageFactory, MailboxFactory, StepFactory

pytestmark = pytest.mark.django_db


def look_after_setting(**pace: int) -> Chunk:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, lane_at=NOW)
    EmailMessageFactory.create_batch(3, enrollment__sequence=step.sequence, enrollment__mailbox=mailbox)
    lease = take_lane(NOW, "worker")
    assert lease is not None
    Mailbox.objects.update(**pace)
    with transaction.atomic():
        return claim_chunk(lease, NOW, 50)


def test_a_new_gap_holds_the_second_message_until_its_slot() -> None:
    chunk = look_after_setting(gap_seconds=120)
    assert (len(chunk.message_ids), chunk.again_at) == (1, NOW + timedelta(seconds=120))


def test_without_a_gap_all_messages_leave_at_once() -> None:
    assert len(look_after_setting(gap_seconds=0).message_ids) == 3
