"""Pools under random interleavings: caps hold, no enrollment sends from two mailboxes, re-homing waits for claims."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from emails.models import EmailMessage, Mailbox
from emails.pacing.breaker import Breaker
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import release_lane, take_lane
from emails.sending.results import Result, record_results
from emails.transport.send_result import Sent, Unknown
from execution.control.enroll import EnrollError, enroll_contacts
from execution.control.rehome import IN_HAND, Rehomed, RehomeError, rehome
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from sequences.models import Enrollment
from tests.factories import NOW, ContactFactory, MailboxFactory, SendLimitFactory, SequenceFactory, StepFactory
from tests.faults.concurrent_work import ConcurrentWork
from tests.support.pools import make_pool

pytestmark = pytest.mark.django_db(transaction=True)
HOURLY = 2


class World:
    """Three capped mailboxes in a pool, and a sequence of two emails."""

    def __init__(self) -> None:
        self.sequence: Any = SequenceFactory()
        StepFactory(sequence=self.sequence)
        StepFactory(sequence=self.sequence, delay_hours=1)
        self.mailboxes: list[Mailbox] = [MailboxFactory(workspace=self.sequence.workspace) for _ in range(3)]
        for mailbox in self.mailboxes:
            SendLimitFactory(mailbox=mailbox, window="hour", maximum=HOURLY)
        self.pool = make_pool(self.sequence.workspace, *self.mailboxes)
        self.now = NOW
        self.in_hand: list[tuple[Any, Any]] = []

    def enroll(self, chance: random.Random) -> None:
        contacts = [ContactFactory(workspace=self.sequence.workspace).pk for _ in range(chance.randint(1, 4))]
        try:
            enroll_contacts(
                sequence=self.sequence, contact_ids=contacts, mailbox=None, owner=None, pool=self.pool, actor="ada",
                now=self.now,
            )  # fmt: skip
        except EnrollError as error:
            assert "no mailbox that can send" in str(error)

    def claim(self, chance: random.Random) -> None:
        run_tick(self.now, 50, Policy())
        Mailbox.objects.filter(pk=chance.choice(self.mailboxes).pk).update(lane_at=self.now, next_slot_at=None)
        if lease := take_lane(self.now, "a worker", self.sequence.workspace_id):
            with transaction.atomic():
                self.in_hand.append((lease, claim_chunk(lease, self.now, chance.randint(1, 3))))

    def record(self, chance: random.Random) -> None:
        if self.in_hand:
            lease, chunk = self.in_hand.pop(chance.randrange(len(self.in_hand)))
            answers = [Sent("", "250 OK"), Sent("", "250 OK"), None, Unknown("no answer")]
            results = [Result(pk, chance.choice(answers), self.now) for pk in chunk.message_ids]
            if results:
                with transaction.atomic():
                    record_results(lease, results, Breaker(), self.now, 0.5)
            release_lane(lease)

    def switch(self, chance: random.Random) -> None:
        status, reason = chance.choice([("active", ""), ("paused", "on leave")])
        Mailbox.objects.filter(pk=chance.choice(self.mailboxes).pk).update(status=status, status_reason=reason)

    def rehome(self, chance: random.Random) -> None:
        try:
            rehome(self.pool, chance.choice(self.mailboxes), actor="mia", now=self.now)
        except RehomeError as error:
            assert "no other mailbox that can send" in str(error)

    def wait(self, chance: random.Random) -> None:
        self.now += timedelta(seconds=chance.choice([1, 10, 20]))


@pytest.mark.parametrize("seed", range(6))
def test_caps_and_stickiness_hold_under_random_interleavings(seed: int) -> None:
    chance, world = random.Random(seed), World()
    seen: dict[int, int] = {}
    world.enroll(chance)
    for _ in range(60):
        move = chance.choice(
            [world.enroll, world.claim, world.claim, world.record, world.record, world.switch, world.rehome, world.wait]
        )
        move(chance)
        left = EmailMessage.objects.filter(status__in=["sending", "sent", "unknown"])
        for message in left.select_related("enrollment"):
            assert message.enrollment.mailbox_id == message.mailbox_id
            # what is being sent may be given back unsent, and move then
            if message.status != "sending":
                assert seen.setdefault(message.enrollment_id, message.mailbox_id) == message.mailbox_id
        for mailbox in world.mailboxes:
            # all of the script is within one hour
            assert left.filter(mailbox=mailbox).count() <= HOURLY
    assert seen
    homes = dict(Enrollment.objects.filter(pk__in=seen).values_list("pk", "mailbox_id"))
    assert homes == seen


def queue_one(world: World) -> tuple[Enrollment, Any]:
    """An enrollment with a queued email, and the lease of its lane."""
    contact = ContactFactory(workspace=world.sequence.workspace)
    enroll_contacts(
        sequence=world.sequence, contact_ids=[contact.pk], mailbox=world.mailboxes[0], owner=None, actor="ada", now=NOW
    )
    run_tick(NOW, 10, Policy())
    lease = take_lane(NOW, "a worker")
    assert lease is not None
    return Enrollment.objects.get(), lease


def test_rehoming_waits_for_a_claim_and_leaves_what_is_being_sent() -> None:
    world = World()
    row, lease = queue_one(world)
    found: list[Rehomed] = []
    with transaction.atomic():
        assert claim_chunk(lease, NOW, 5).message_ids
        moving = ConcurrentWork(
            lambda: found.append(rehome(world.pool, world.mailboxes[0], actor="mia", now=NOW))
        ).start()
        moving.run_until_blocked()
    moving.join()
    assert (found[0].report.changed, found[0].report.refused) == (0, {IN_HAND: 1})
    row.refresh_from_db()
    message = EmailMessage.objects.get()
    assert (row.mailbox_id, message.mailbox_id, message.status) == (lease.mailbox_id, lease.mailbox_id, "sending")


def test_a_claim_waits_for_rehoming_and_sends_nothing_of_the_old_mailbox() -> None:
    world = World()
    row, lease = queue_one(world)
    chunks: list[Any] = []

    def claim() -> None:
        with transaction.atomic():
            chunks.append(claim_chunk(lease, NOW, 5))

    with transaction.atomic():
        assert rehome(world.pool, world.mailboxes[0], actor="mia", now=NOW).report.changed == 1
        lane = ConcurrentWork(claim).start()
        lane.run_until_blocked()
    lane.join()
    assert chunks[0].message_ids == ()
    row.refresh_from_db()
    message, new = EmailMessage.objects.get(), row.mailbox
    assert new is not None
    assert (message.status, message.mailbox_id) == ("queued", new.pk)
    assert new.pk != lease.mailbox_id
    assert message.message_id.endswith(f"@{new.address.partition('@')[2]}>")
    assert new.lane_at == NOW
