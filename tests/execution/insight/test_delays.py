"""The delays in /metrics: waiting for a cap, a gap or a window is no delay, anything else that is late is one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from emails.models import EmailMessage
from emails.sending.lanes import next_lane_at
from execution.control.switches import pause_executor, pause_mailbox, resume_executor, resume_mailbox
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.insight.metrics import render_metrics
from sequences.models import Enrollment, Sequence
from simulation.mail_server import MailServer
from tests.factories import NOW, ContactFactory, EnrollmentFactory, MailboxFactory, SendLimitFactory, StepFactory
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 5
A_MINUTE = 60


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def enrolled() -> Any:
    """Five people whose first email is due now, through one mailbox."""
    with MailServer() as server:
        step = StepFactory()
        workspace = step.sequence.workspace
        mailbox = MailboxFactory(workspace=workspace, smtp_port=server.port)
        for number in range(PEOPLE):
            contact = ContactFactory(workspace=workspace, email=f"person{number}@prospect.example")
            EnrollmentFactory(sequence=step.sequence, contact=contact, mailbox=mailbox)
        yield mailbox


def result(clock: DrivenClock) -> tuple[float, float]:
    """The slowest from due to decided, and from when it might leave to handed over, in seconds: the 99th percentile."""
    text = render_metrics(clock.now).decode()
    found = re.findall(r'(decision|delivery)_delay_seconds\{quantile="0.99"\} (\S+)', text)
    delays = {name: float(seconds) for name, seconds in found}
    return delays.get("decision", 0.0), delays.get("delivery", 0.0)


def run_to_the_last(clock: DrivenClock) -> float:
    """Deliver at every moment at which a message may leave until all are sent; returns the worst reported delay."""
    worst = 0.0
    clock.run()
    while EmailMessage.objects.filter(status="sent").count() < PEOPLE:
        assert clock.jump()
        clock.run()
        worst = max(worst, *result(clock))
    return worst


@pytest.mark.parametrize("held_by", ["mailbox", "workspace", "domain", "pace", "ramp"])
def test_waiting_for_a_cap_is_not_counted_as_delay(held_by: str, enrolled: Any, clock: DrivenClock) -> None:
    match held_by:
        case "mailbox":
            SendLimitFactory(mailbox=enrolled, window="hour", maximum=2)
        case "workspace":
            SendLimitFactory(mailbox=None, workspace=enrolled.workspace, scope="workspace", window="hour", maximum=1)
        case "domain":
            SendLimitFactory(
                mailbox=None, workspace=enrolled.workspace, scope="recipient_domain", window="hour", maximum=2,
                recipient_domain="prospect.example",
            )  # fmt: skip
        case "pace":
            enrolled.gap_seconds, enrolled.jitter_seconds = 3000, 60
        case "ramp":
            enrolled.ramp_enabled, enrolled.ramp_start, enrolled.ramp_step = True, 2, 1
    enrolled.save()
    assert run_to_the_last(clock) <= A_MINUTE
    assert clock.now - NOW >= timedelta(hours=2)


def test_waiting_for_the_window_is_not_counted_as_delay(enrolled: Any, clock: DrivenClock) -> None:
    Sequence.objects.update(window={"timezone": "UTC", "mon-fri": ["09:00-17:00"]})
    evening = NOW.replace(hour=21)
    Enrollment.objects.update(next_step_at=evening, wake_at=evening)
    clock.now = evening
    assert run_to_the_last(clock) <= A_MINUTE
    assert clock.now - evening >= timedelta(hours=10)


def test_a_queued_message_held_by_its_window_is_not_counted_as_delay(enrolled: Any, clock: DrivenClock) -> None:
    Sequence.objects.update(window={"timezone": "UTC", "mon-fri": ["09:00-17:00"]})
    SendLimitFactory(mailbox=enrolled, window="hour", maximum=1)
    clock.now = NOW.replace(hour=16, minute=10)
    Enrollment.objects.update(next_step_at=clock.now, wake_at=clock.now)
    assert run_to_the_last(clock) <= A_MINUTE
    assert clock.now.date() > NOW.date()


@pytest.mark.parametrize("paused", ["executor", "mailbox"])
def test_a_pause_is_not_counted_as_delivery_delay(paused: str, enrolled: Any, clock: DrivenClock) -> None:
    run_tick(clock.now, 100, Policy())
    if paused == "executor":
        pause_executor(actor="sam", now=clock.now)
        clock.pass_by(hours=3)
        resume_executor(actor="sam", now=clock.now)
    else:
        pause_mailbox(enrolled, actor="sam", now=clock.now)
        clock.pass_by(hours=3)
        resume_mailbox(enrolled, actor="sam", now=clock.now)
    clock.run()
    assert result(clock)[1] <= A_MINUTE


def test_a_late_decision_is_counted_as_delay(enrolled: Any, clock: DrivenClock) -> None:
    clock.pass_by(hours=2)
    clock.run()
    decision, delivery = result(clock)
    assert decision == 2 * 3600
    assert delivery <= A_MINUTE


def test_only_the_newest_messages_are_measured(enrolled: Any, clock: DrivenClock) -> None:
    clock.pass_by(hours=2)
    clock.run()
    clock.pass_by(minutes=1)
    workspace = enrolled.workspace
    EnrollmentFactory(
        sequence=Sequence.objects.get(), contact=ContactFactory(workspace=workspace), mailbox=enrolled, at=clock.now
    )
    clock.run()
    assert result(clock)[0] > 3600
    with mock.patch("execution.insight.metrics._MEASURED_AT_MOST", 1):
        assert max(result(clock)) <= A_MINUTE


@pytest.mark.parametrize("limits", [False, True])
def test_late_sending_is_counted_as_delay_with_any_limits(limits: bool, enrolled: Any, clock: DrivenClock) -> None:
    """A cap with free places holds no message: no worker served the lane."""
    if limits:
        SendLimitFactory(mailbox=enrolled, window="hour", maximum=PEOPLE)
        enrolled.ramp_enabled, enrolled.ramp_start = True, 50
        enrolled.save()
    run_tick(clock.now, 100, Policy())
    clock.pass_by(hours=2)
    clock.run()
    assert result(clock) == (0, 2 * 3600)


def test_sending_long_after_the_cap_allows_it_is_counted_as_delay(enrolled: Any, clock: DrivenClock) -> None:
    SendLimitFactory(mailbox=enrolled, window="hour", maximum=3)
    clock.run()
    free_again_at = next_lane_at()
    assert free_again_at == NOW + timedelta(hours=1)
    clock.now = free_again_at + timedelta(minutes=40)
    clock.run()
    assert EmailMessage.objects.filter(status="sent").count() == PEOPLE
    assert result(clock)[1] == 40 * 60
