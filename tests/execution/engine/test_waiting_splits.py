"""A branch that waits for a signal: true with a human one, false at its deadline, never by a machine visit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.tracking import links as tracking
from emails.tracking.visits import CLASSIFIED_AFTER
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from sequences.models import Enrollment
from tests.factories import NOW, EnrollmentFactory, SentMessageFactory, SequenceFactory, SplitStepFactory, StepFactory

pytestmark = pytest.mark.django_db(transaction=True)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
READ_AT = NOW + timedelta(hours=3)
DEADLINE = NOW + timedelta(hours=48)


@pytest.fixture(params=["email_opened", "email_clicked", "email_replied"])
def waiting(request: pytest.FixtureRequest) -> Enrollment:
    """Stands at the split, its email sent at `NOW`."""
    sequence = SequenceFactory(window={"mon-sun": ["00:00-24:00"], "timezone": "UTC"})
    StepFactory(sequence=sequence)
    split = SplitStepFactory(sequence=sequence, condition_type=request.param, condition_config={"wait_hours": 48})
    false = StepFactory(sequence=sequence, name="false", delay_days=9)
    true = StepFactory(sequence=sequence, name="true", delay_days=9)
    split.if_true_goto, split.if_false_goto = true, false
    split.save()
    enrollment: Enrollment = EnrollmentFactory(
        sequence=sequence, current_step=split, visit=2, previous_ended_at=NOW, next_step_at=NOW, wake_at=NOW
    )
    SentMessageFactory(enrollment=enrollment, step=sequence.steps.first(), visit=1)
    decide(NOW)
    return enrollment


def decide(at: datetime) -> None:
    run_until_idle(Options(policy=Policy(), stage=Stage.DECIDE), lambda: at)


def stands_at(enrollment: Enrollment) -> Any:
    enrollment.refresh_from_db()
    return enrollment.current_step.name or "split" if enrollment.current_step else None


def signal(enrollment: Enrollment, agent: str) -> None:
    """Record the event that the condition waits for."""
    message = enrollment.messages.get()
    condition = enrollment.sequence.steps.get(number=2).condition_type
    if condition == "email_replied":
        return
    url = (
        tracking.open_pixel_url(message.pk, NOW)
        if condition == "email_opened"
        else tracking.click_url(message.pk, "https://sender.example/a", NOW)
    )
    Client(headers={"User-Agent": agent}).get("/" + url.split("/", 3)[3])


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(READ_AT, tick=False) as traveller:
        yield traveller


def test_a_waiting_branch_goes_false_when_the_time_is_up(waiting: Enrollment) -> None:
    decide(DEADLINE - timedelta(seconds=1))
    assert stands_at(waiting) == "split"
    decide(DEADLINE)
    assert stands_at(waiting) == "false"


def test_a_waiting_branch_goes_true_at_once_with_a_human_signal(waiting: Enrollment) -> None:
    if waiting.sequence.steps.get(number=2).condition_type == "email_replied":
        # an answer ends the sequence before any split is asked
        record_events([NewEvent(EventType.REPLIED, "t", "1", READ_AT, message_pk=waiting.messages.get().pk)], READ_AT)
        decide(READ_AT)
        waiting.refresh_from_db()
        assert waiting.status == "replied"
        return
    signal(waiting, FIREFOX)
    decide(READ_AT)
    assert stands_at(waiting) == "split"
    decide(READ_AT + CLASSIFIED_AFTER)
    assert stands_at(waiting) == "true"


@pytest.mark.parametrize(("agent", "goes"), [(FIREFOX, "true"), ("", "false")])
def test_a_visit_just_before_the_deadline_is_classified_first(
    waiting: Enrollment, clock: Any, agent: str, goes: str
) -> None:
    condition = waiting.sequence.steps.get(number=2).condition_type
    clock.move_to(DEADLINE - timedelta(seconds=1))
    signal(waiting, FIREFOX)
    if not agent:
        message = waiting.messages.get()
        path = "/" + tracking.click_url(message.pk, "https://sender.example/other", NOW).split("/", 3)[3]
        Client(headers={"User-Agent": FIREFOX}).head(path)
    run_tick(DEADLINE, 10, Policy())
    assert stands_at(waiting) == ("false" if condition == "email_replied" else "split")
    decide(DEADLINE + CLASSIFIED_AFTER)
    assert stands_at(waiting) == ("false" if condition == "email_replied" else goes)


def test_a_visit_after_the_deadline_does_not_count(waiting: Enrollment, clock: Any) -> None:
    clock.move_to(DEADLINE + timedelta(seconds=1))
    signal(waiting, FIREFOX)
    run_tick(DEADLINE + timedelta(seconds=2), 10, Policy())
    assert stands_at(waiting) == "false"


def test_a_machine_visit_does_not_decide_a_branch(waiting: Enrollment) -> None:
    signal(waiting, "Barracuda Sentinel")
    decide(READ_AT + CLASSIFIED_AFTER)
    assert stands_at(waiting) == "split"
    decide(DEADLINE)
    assert stands_at(waiting) == "false"
