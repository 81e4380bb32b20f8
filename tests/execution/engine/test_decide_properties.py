"""Properties of `decide` for every snapshot."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from emails.choices import ErrorClass, MessageStatus
from emails.facts.stops import Resting, StopFacts
from execution.engine.backoff import Policy
from execution.engine.calendar import calendar_for
from execution.engine.decide import decide
from execution.engine.outcomes import (
    Advance,
    Complete,
    CreateTask,
    Defer,
    Exit,
    Park,
    Pause,
    QueueEmail,
    RequeueEmail,
    Retry,
    Wait,
)
from execution.engine.snapshot import LastEmail, Snapshot
from sequences.choices import EnrollmentStatus
from sequences.time.timing import is_allowed
from tests.support.snapshots import ALWAYS, NOW, OFFICE_HOURS, message, snapshot, step, task

POLICY = Policy()
moments = st.integers(-10_000, 40_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
maybe = st.none() | moments

steps = st.sampled_from(
    [
        step(1),
        step(1, subject="", body="{{ contact.nickname }}"),
        step(1, "task"),
        step(1, "task", wait_for_completion=True),
        step(1, "delay", days=1),
        step(1, "fax"),
        step(
            1,
            "conditional_split",
            condition_type="email_opened",
            condition_config={"wait_hours": 24},
            if_true_goto_id=20,
            if_false_goto_id=30,
        ),
        step(1, "conditional_split", condition_type="task_completed", condition_config={"wait_hours": 4}),
    ]
)
followers = st.sampled_from([step(2), step(2, days=2, skip_weekends=True), step(2, "task", hours=3), step(2, "delay")])
messages = st.none() | st.builds(
    lambda status, at, error: message(
        status, sent_at=at, failed_at=at, unknown_at=at, error_class=error, withheld_reason="replied"
    ),
    st.sampled_from([status.value for status in MessageStatus]),
    moments,
    st.sampled_from([error.value for error in ErrorClass]),
)
tasks = st.none() | st.builds(lambda status: task(status), st.sampled_from(["open", "completed", "cancelled"]))


@st.composite
def snapshots(draw: st.DrawFn, /, **fixed: Any) -> Snapshot:
    facts: dict[str, Any] = {
        "window": draw(st.sampled_from([ALWAYS, OFFICE_HOURS])),
        "status": draw(st.sampled_from(list(EnrollmentStatus)[:3])),
        "sequence_status": draw(st.sampled_from(["active", "active", "active", "paused", "draft"])),
        "next_step_at": draw(moments),
        "previous_ended_at": draw(moments),
        "retry_count": draw(st.integers(0, 4)),
        "retry_at": draw(maybe),
        "resume_at": draw(maybe),
        "instant_transitions": draw(st.integers(0, 99)),
        "mailbox_id": draw(st.sampled_from([None, 1, 1, 1])),
        "evidence_possible": draw(st.booleans()),
        "quarantine_class": draw(st.sampled_from([None, "content", "unknown_outcome"])),
        "message": draw(messages),
        "task": draw(tasks),
        "last_task": draw(tasks),
        "last_email": draw(st.none() | st.builds(LastEmail, moments, maybe, maybe, st.none(), maybe, maybe)),
        "has_run": draw(st.booleans()),
        "resting": draw(st.builds(Resting, maybe, maybe, st.integers(0, 4), maybe, maybe)),
        "account_policy": draw(st.sampled_from(["ignore", "pause", "delay"])),
        "stops": StopFacts(account_replied_at=draw(maybe)),
    }
    return snapshot(draw(steps), draw(followers), step(3), **(facts | fixed))


stop_facts = st.builds(
    StopFacts,
    replied_at=maybe,
    unsubscribed_at=maybe,
    complained_at=maybe,
    bounced_at=maybe,
    suppressed_for=st.sampled_from([None, "manual", "bounced"]),
).filter(lambda stops: stops != StopFacts())


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data(), moments)
def test_nothing_is_ever_sent_after_a_stop_fact(data: st.DataObject, now: datetime) -> None:
    here = data.draw(snapshots(stops=data.draw(stop_facts)))
    assert isinstance(decide(here, now, POLICY), Exit)


@settings(max_examples=800, deadline=None, derandomize=True)
@given(snapshots(), moments)
def test_every_outcome_is_progress_an_end_or_a_bounded_wait(here: Snapshot, now: datetime) -> None:
    outcome = decide(here, now, POLICY)
    if isinstance(outcome, Wait):
        comes = here.message is not None and here.message.status in {"queued", "sending"}
        open_task = here.task is not None and here.task.completed_at is None
        assert outcome.effects or outcome.wake_at is not None or comes or open_task
        assert outcome.wake_at is None or outcome.wake_at > now
    elif isinstance(outcome, Park):
        resting = here.status is not EnrollmentStatus.ACTIVE or here.sequence.status != "active"
        assert resting
        assert outcome.wake_at is None or outcome.wake_at > now
    elif isinstance(outcome, Defer):
        assert outcome.until > now
    elif isinstance(outcome, Pause):
        assert outcome.resume_at is None or outcome.resume_at > now
    elif isinstance(outcome, Retry):
        assert outcome.retry_count == here.retry_count + 1 <= len(POLICY.retry_minutes)


@settings(max_examples=800, deadline=None, derandomize=True)
@given(snapshots(status=EnrollmentStatus.ACTIVE, sequence_status="active"), moments)
def test_due_is_never_before_its_cause_nor_outside_its_window(here: Snapshot, now: datetime) -> None:
    outcome = decide(here, now, POLICY)
    if isinstance(outcome, Advance):
        assert outcome.next_step_at >= outcome.ended_at
        target = here.sequence.step(outcome.next_step_id)
        assert target is not None
        rules = calendar_for(target.type, here.sequence.window, here.calendar)
        assert is_allowed(outcome.next_step_at, rules, skip_weekends=target.timing.skip_weekends)
    effects = outcome.effects if isinstance(outcome, Wait | Advance | Complete) else ()
    if any(isinstance(effect, QueueEmail) for effect in effects):
        rules = calendar_for("email", here.sequence.window, here.calendar)
        assert is_allowed(now, rules)
        assert here.next_step_at is not None
        assert here.next_step_at <= now
        assert here.message is None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(snapshots(), moments)
def test_the_same_snapshot_gives_the_same_answer(here: Snapshot, now: datetime) -> None:
    assert decide(here, now, POLICY) == decide(here, now, POLICY)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(snapshots(), moments)
def test_a_message_that_left_or_may_have_left_is_never_queued_again_by_the_engine(
    here: Snapshot, now: datetime
) -> None:
    outcome = decide(here, now, POLICY)
    effects = outcome.effects if isinstance(outcome, Wait | Advance | Complete) else ()
    if here.message is not None and here.message.status in {"queued", "sending", "sent", "unknown"}:
        assert not any(isinstance(effect, QueueEmail | RequeueEmail) for effect in effects)
    if here.has_run:
        assert not any(isinstance(effect, QueueEmail | CreateTask) for effect in effects)
