"""A slot that the pace of its mailbox cannot have set does not hold the lane: a wrong clock has written it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from emails.models import Mailbox
from emails.pacing.slots import find_slot
from emails.sending.final_check import Chunk, claim_chunk
from emails.sending.lanes import take_lane, wake_misplaced
from tests.factories import NOW, EmailMessageFactory, MailboxFactory, StepFactory

HOUR = timedelta(hours=1)
PACE: dict[str, Any] = {"gap_seconds": 120, "jitter_seconds": 60}


@pytest.mark.parametrize(
    ("after", "is_failing", "counts"),
    [
        (timedelta(seconds=-1), False, False),
        (timedelta(0), False, False),
        (timedelta(seconds=179), False, True),
        (timedelta(seconds=180), False, True),
        (timedelta(seconds=181), False, False),
        (HOUR, False, False),
        (HOUR, True, True),
    ],
)
def test_a_slot_counts_when_the_pace_can_have_set_it(after: timedelta, is_failing: bool, counts: bool) -> None:
    slot = find_slot(NOW + after, **PACE, now=NOW, is_failing=is_failing)
    assert slot == (NOW + after if counts else None)


def claim(**fields: Any) -> Chunk:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, lane_at=NOW, **PACE, **fields)
    EmailMessageFactory(enrollment__sequence=step.sequence, enrollment__mailbox=mailbox)
    lease = take_lane(NOW, "worker")
    assert lease is not None
    with transaction.atomic():
        return claim_chunk(lease, NOW, 1)


@pytest.mark.django_db
def test_a_lane_with_an_impossible_slot_sends_and_sets_a_possible_one() -> None:
    assert len(claim(next_slot_at=NOW + HOUR).message_ids) == 1
    slot = Mailbox.objects.get().next_slot_at
    assert slot is not None
    assert NOW + timedelta(seconds=120) <= slot <= NOW + timedelta(seconds=180)


@pytest.mark.django_db
def test_a_lane_with_a_possible_slot_waits_for_it() -> None:
    slot = NOW + timedelta(seconds=100)
    chunk = claim(next_slot_at=slot)
    assert (chunk.message_ids, chunk.again_at) == ((), slot)


@pytest.mark.django_db
def test_lanes_that_sleep_until_an_impossible_slot_are_woken() -> None:
    asleep = MailboxFactory(next_slot_at=NOW + HOUR, lane_at=NOW + HOUR, **PACE)
    paced = MailboxFactory(next_slot_at=NOW + 2 * timedelta(minutes=1), lane_at=NOW + HOUR, **PACE)
    failing = MailboxFactory(next_slot_at=NOW + HOUR, lane_at=NOW + HOUR, breaker_failures=2, **PACE)
    idle = MailboxFactory(next_slot_at=NOW + HOUR, lane_at=None, **PACE)
    paused = MailboxFactory(next_slot_at=NOW + HOUR, lane_at=NOW + HOUR, status="paused", status_reason="x", **PACE)
    assert wake_misplaced(NOW) == 1
    woken = set(Mailbox.objects.filter(lane_at__lte=NOW).values_list("pk", flat=True))
    assert woken == {asleep.pk}
    assert Mailbox.objects.filter(pk__in=[paced.pk, failing.pk, idle.pk, paused.pk]).exclude(lane_at=NOW).count() == 4
