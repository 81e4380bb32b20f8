"""Each message leaves at the time that the lane's page shows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from emails.choices import LimitScope, LimitWindow
from emails.models import EmailMessage, Mailbox
from emails.sending.lane_view import read_lane
from emails.sending.lanes import next_lane_at
from execution.engine.backoff import Policy
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SendLimitFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
)
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)

DOMAINS = ["a.example", "b.example"]
WINDOWS: list[dict[str, Any]] = [
    {"timezone": "UTC", "mon-sun": ["00:00-24:00"]},
    {"timezone": "UTC", "mon-fri": ["09:00-12:00", "13:30-17:00"]},
    {"timezone": "America/New_York", "mon-fri": ["08:00-11:00"]},
]
CAPS: list[list[dict[str, Any]]] = [
    [],
    [{"window": LimitWindow.HOUR.value, "maximum": 3}],
    [{"window": LimitWindow.HOUR.value, "maximum": 5}, {"window": LimitWindow.DAY.value, "maximum": 8}],
    [{"scope": LimitScope.RECIPIENT_DOMAIN.value, "mailbox": None, "window": LimitWindow.HOUR.value, "maximum": 2}],
    [
        {"scope": LimitScope.WORKSPACE.value, "mailbox": None, "window": LimitWindow.HOUR.value, "maximum": 4},
        {
            "scope": LimitScope.RECIPIENT_DOMAIN.value,
            "mailbox": None,
            "recipient_domain": "a.example",
            "window": LimitWindow.DAY.value,
            "maximum": 3,
            "first_touch_only": True,
        },
    ],
]


@pytest.mark.parametrize("pace", [(0, 0), (90, 60)], ids=["unpaced", "paced"])
@pytest.mark.parametrize("caps", range(len(CAPS)))
@pytest.mark.parametrize("seed", range(2))
def test_every_message_leaves_at_the_planned_time(pace: tuple[int, int], caps: int, seed: int) -> None:
    chance = random.Random(f"{pace} {caps} {seed}")
    with MailServer() as server:
        mailbox = _fill(server, chance, pace, CAPS[caps])
        shown = {message.id: message.planned_at for message in read_lane(mailbox, NOW, limit=100).queue}
        assert len(shown) == 16
        assert all(shown.values())

        _run_the_lane(max(at for at in shown.values() if at is not None))

    left = dict(EmailMessage.objects.filter(pk__in=shown).values_list("id", "handed_over_at"))
    assert left == shown


def _fill(server: MailServer, chance: random.Random, pace: tuple[int, int], caps: list[dict[str, Any]]) -> Mailbox:
    """A queue of sixteen from three sequences, and a past that the caps still count."""
    gap, jitter = pace
    mailbox: Mailbox = MailboxFactory(
        smtp_port=server.port, gap_seconds=gap, jitter_seconds=jitter, lane_at=NOW, ramp_enabled=False
    )
    sequences = [SequenceFactory(workspace=mailbox.workspace, window=window) for window in WINDOWS]
    steps = [StepFactory(sequence=sequence) for sequence in sequences]
    for number in range(16):
        which = chance.randrange(3)
        enrollment = _enroll(mailbox, sequences[which], steps[which], chance)
        EmailMessageFactory(
            enrollment=enrollment,
            step=steps[which],
            lane_order_at=NOW + timedelta(seconds=number),
            is_first_touch=chance.random() < 0.5,
        )
    for _ in range(3):
        enrollment = _enroll(mailbox, sequences[0], steps[0], chance)
        SentMessageFactory(
            enrollment=enrollment, step=steps[0], at=NOW - timedelta(minutes=chance.randrange(1, 120)), visit=1
        )
    for cap in caps:
        SendLimitFactory(**{"mailbox": mailbox, "workspace": mailbox.workspace, **cap})
    return mailbox


def _enroll(mailbox: Mailbox, sequence: Any, step: Any, chance: random.Random) -> Any:
    email = f"{chance.getrandbits(60):x}@{chance.choice(DOMAINS)}"
    return EnrollmentFactory(sequence=sequence, mailbox=mailbox, current_step=step, contact__email=email)


def _run_the_lane(until: datetime) -> None:
    """Only the lane, at every moment at which it wants to be looked at."""
    options = Options(policy=Policy(), stage=Stage.DELIVER)
    clock = DrivenClock()
    for _ in range(500):
        run_until_idle(options, clock)
        following = next_lane_at()
        if following is None or clock.now > until:
            return
        clock.now = max(clock.now, following)
    pytest.fail("the lane never comes to rest")
