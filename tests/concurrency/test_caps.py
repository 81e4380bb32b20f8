"""P3: no cap is exceeded, in any rolling window anywhere in time, by any number of workers and whatever the clock does.

The claims of many workers are interleaved at random on the real database and compared with a count by hand over the
ledger; then real threads race for the last places.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emails.choices import ErrorClass, LimitScope, LimitWindow
from emails.models import EmailMessage, Mailbox, SendLimit
from emails.pacing.breaker import Breaker
from emails.sending.delivery import HeldLeases, deliver_lane
from emails.sending.final_check import Chunk, claim_chunk
from emails.sending.lanes import Lease, LeaseLostError, release_lane, take_lane
from emails.sending.recovery import recover_expired
from emails.sending.resolving import mark_sent, send_again
from emails.sending.results import Result, record_results
from emails.transport.send_result import Refused, SendResult, Sent, Unknown
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SendLimitFactory,
    SequenceFactory,
    StepFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

DOMAINS = ["a.example", "b.example", "c.example"]
MESSAGES_EACH = 14


@dataclass
class World:
    """One workspace with three lanes whose messages share owners and domains."""

    workspace: Any
    mailboxes: list[Mailbox]
    owners: list[Any]
    now: datetime = NOW
    hands: dict[Lease, Chunk] = field(default_factory=dict)

    def limits(self) -> list[SendLimit]:
        return list(SendLimit.objects.filter(workspace=self.workspace))

    def messages(self) -> list[EmailMessage]:
        return list(EmailMessage.objects.filter(workspace=self.workspace))


def make_world(chance: random.Random, ramp: bool) -> World:
    workspace = WorkspaceFactory()
    owners = [UserFactory(), UserFactory()]
    ramping = {"ramp_enabled": True, "ramp_start": 2, "ramp_step": 1} if ramp else {}
    mailboxes: list[Mailbox] = [MailboxFactory(workspace=workspace, **ramping) for _ in range(3)]
    sequence = SequenceFactory(workspace=workspace)
    step = StepFactory(sequence=sequence)
    for mailbox in mailboxes:
        for _ in range(MESSAGES_EACH):
            name = f"{chance.getrandbits(60):x}@{chance.choice(DOMAINS)}"
            enrollment = EnrollmentFactory(
                sequence=sequence, mailbox=mailbox, contact__email=name, current_step=step, owner=chance.choice(owners)
            )
            EmailMessageFactory(enrollment=enrollment, step=step, is_first_touch=chance.random() < 0.5)
    return World(workspace, mailboxes, owners)


def add_limits(world: World, drawn: list[tuple[LimitScope, LimitWindow, int, bool, int]]) -> None:
    for scope, window, maximum, first_touch_only, choice in drawn:
        target: dict[str, Any] = {"mailbox": None}
        if scope is LimitScope.MAILBOX:
            target = {"mailbox": world.mailboxes[choice % 3]}
        elif scope is LimitScope.USER:
            target |= {"user": world.owners[choice % 2]}
        elif scope is LimitScope.RECIPIENT_DOMAIN:
            target |= {"recipient_domain": [*DOMAINS, ""][choice % 4]}
        row = {"scope": scope.value, "window": window.value, "first_touch_only": first_touch_only, **target}
        if not SendLimit.objects.filter(workspace=world.workspace, **row).exists():
            SendLimitFactory(workspace=world.workspace, maximum=maximum, **row)


limits = st.lists(
    st.tuples(
        st.sampled_from(list(LimitScope)),
        st.sampled_from(list(LimitWindow)),
        st.sampled_from([1, 2, 3, 7, 50]),
        st.booleans(),
        st.integers(0, 11),
    ),
    min_size=1,
    max_size=5,
)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.integers(0, 2), st.sampled_from([1, 2, 8])),
        st.tuples(st.just("finish"), st.integers(0, 5), st.integers(0, 99)),
        st.tuples(st.just("vanish"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 600, 3599, 3600, 40_000, 86_400]), st.just(0)),
        st.tuples(st.just("step back"), st.sampled_from([1, 3600]), st.just(0)),
        st.tuples(st.just("settle"), st.integers(0, 99), st.booleans()),
    ),
    min_size=20,
    max_size=60,
)


# not shrunk: a failing script is short enough to read, and each run of it costs a second
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(drawn=limits, script=moves, seed=st.integers(0, 2**32), ramp=st.booleans())
def test_random_interleavings_of_claims_never_pass_a_cap(
    drawn: list[tuple[LimitScope, LimitWindow, int, bool, int]], script: list[Any], seed: int, ramp: bool
) -> None:
    chance = random.Random(seed)
    world = make_world(chance, ramp)
    add_limits(world, drawn)
    for move, first, second in script:
        _MOVES[move](world, first, second, chance)
        if move == "claim":
            assert_no_cap_was_passed(world)
    assert_no_cap_was_passed(world)


def _claim(world: World, box: int, size: int, chance: random.Random) -> None:
    """A worker takes the lane however short the last one's turn was: only the caps stand between it and the mail."""
    mailbox = world.mailboxes[box]
    Mailbox.objects.filter(pk=mailbox.pk).update(lane_at=world.now - timedelta(days=9), next_slot_at=None)
    EmailMessage.objects.filter(mailbox=mailbox).update(send_after_at=world.now)
    lease = take_lane(world.now, "tests", world.workspace.pk)
    if lease is None:
        return
    with transaction.atomic():
        chunk = claim_chunk(lease, world.now, size)
    world.hands[lease] = chunk


def _finish(world: World, hand: int, _size: int, chance: random.Random) -> None:
    if not world.hands:
        return
    lease = list(world.hands)[hand % len(world.hands)]
    chunk = world.hands.pop(lease)
    if chunk.message_ids:
        results = [Result(message_id, _answer(chance), world.now) for message_id in chunk.message_ids]
        try:
            with transaction.atomic():
                record_results(lease, results, Breaker(), world.now, 0.5)
        except LeaseLostError:
            return
    release_lane(lease)


def _answer(chance: random.Random) -> SendResult | None:
    return chance.choice(
        [
            Sent("", "250 OK"),
            Sent("", "250 OK"),
            Unknown("no answer"),
            Refused(ErrorClass.RECIPIENT_TEMPORARY, "450", "busy"),
            None,
        ]
    )


def _vanish(world: World, hand: int, _: int, chance: random.Random) -> None:
    """The worker dies; its lease runs out and what it had in hand is unknown."""
    if world.hands:
        world.hands.pop(list(world.hands)[hand % len(world.hands)])
        world.now += timedelta(minutes=2)
        recover_expired(world.now)


def _wait(world: World, seconds: int, _: int, chance: random.Random) -> None:
    world.now += timedelta(seconds=seconds)


def _step_back(world: World, seconds: int, _: int, chance: random.Random) -> None:
    world.now -= timedelta(seconds=seconds)


def _settle(world: World, which: int, again: bool, chance: random.Random) -> None:
    """A user resolves an unknown outcome: the attempt still counts against the caps, whatever the answer."""
    unknown = [message for message in world.messages() if message.status == "unknown"]
    if unknown:
        with transaction.atomic():
            settle = send_again if again else mark_sent
            settle(unknown[which % len(unknown)].pk, "sam@acme.example", "", world.now)


_MOVES = {
    "claim": _claim,
    "finish": _finish,
    "vanish": _vanish,
    "wait": _wait,
    "step back": _step_back,
    "settle": _settle,
}


def assert_no_cap_was_passed(world: World) -> None:
    """By hand: for each cap and each hand-over that may have left, how many share the window that ends with it."""
    messages = world.messages()
    for limit in world.limits():
        targets = DOMAINS if limit.scope == "recipient_domain" and not limit.recipient_domain else [None]
        for target in targets:
            moments = [at for message in messages if _counts(limit, target, message) for at in _hand_overs(message)]
            _assert_rolling(moments, timedelta(seconds=LimitWindow(limit.window).seconds), limit.maximum, str(limit))
    for mailbox in Mailbox.objects.filter(workspace=world.workspace, ramp_enabled=True):
        moments = [at for message in messages if message.mailbox_id == mailbox.pk for at in _hand_overs(message)]
        _assert_rolling(moments, timedelta(days=1), max(mailbox.ramp_allowance, 2), "ramp-up")


def _assert_rolling(moments: list[datetime], window: timedelta, maximum: int, what: str) -> None:
    for end in moments:
        assert sum(end - window < at <= end for at in moments) <= maximum, what


def _counts(limit: SendLimit, domain: str | None, message: EmailMessage) -> bool:
    if limit.first_touch_only and not message.is_first_touch:
        return False
    match LimitScope(limit.scope):
        case LimitScope.MAILBOX:
            return message.mailbox_id == limit.mailbox_id
        case LimitScope.USER:
            return message.owner_id == limit.user_id
        case LimitScope.WORKSPACE:
            return True
        case LimitScope.RECIPIENT_DOMAIN:
            return message.recipient_domain == (domain or limit.recipient_domain)


def _hand_overs(message: EmailMessage) -> list[datetime]:
    moments: list[datetime] = list(message.earlier_handed_over_at)
    if message.status in {"sending", "sent", "unknown"} and message.handed_over_at is not None:
        moments.append(message.handed_over_at)
    return moments


@pytest.mark.parametrize("maximum", [1, 7, 50])
@pytest.mark.parametrize("scope", list(LimitScope))
def test_four_workers_at_once_share_the_last_places(scope: LimitScope, maximum: int) -> None:
    """Four threads, four lanes, one cap over all of them (or one each): the server gets exactly that many."""
    chance = random.Random(maximum)
    workspace = WorkspaceFactory()
    owner = UserFactory()
    sequence = SequenceFactory(workspace=workspace)
    step = StepFactory(sequence=sequence)
    people = maximum // 4 + 4
    with MailServer() as server:
        lanes = [MailboxFactory(workspace=workspace, smtp_port=server.port, lane_at=NOW) for _ in range(4)]
        for lane in lanes:
            for _ in range(people):
                email = f"{chance.getrandbits(60):x}@{DOMAINS[0]}"
                enrollment = EnrollmentFactory(
                    sequence=sequence, mailbox=lane, contact__email=email, current_step=step, owner=owner
                )
                EmailMessageFactory(enrollment=enrollment, step=step, is_first_touch=True)
        targets: dict[LimitScope, dict[str, Any]] = {
            LimitScope.MAILBOX: {"mailbox": lanes[0]},
            LimitScope.USER: {"mailbox": None, "user": owner},
            LimitScope.WORKSPACE: {"mailbox": None},
            LimitScope.RECIPIENT_DOMAIN: {"mailbox": None, "recipient_domain": DOMAINS[0]},
        }
        SendLimitFactory(workspace=workspace, scope=scope.value, maximum=maximum, **targets[scope])
        _race(workers=4)
        free_lanes = 3 * people if scope is LimitScope.MAILBOX else 0
        capped = min(maximum, people if scope is LimitScope.MAILBOX else 4 * people)
        assert server.message_count == free_lanes + capped
    assert EmailMessage.objects.filter(status="sent").count() == free_lanes + capped
    assert not EmailMessage.objects.filter(status__in=["sending", "unknown", "failed"]).exists()


def _race(workers: int) -> None:
    """Each worker serves whatever lane is ready until none is."""
    start = threading.Barrier(workers)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            start.wait(30)
            while deliver_lane(lambda: NOW, f"worker {number}", HeldLeases()) is not None:
                pass
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
