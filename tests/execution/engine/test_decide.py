"""Every outcome of `decide`, one table per kind of step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emails.facts.stops import Resting, StopFacts
from execution.engine.backoff import Policy
from execution.engine.decide import decide
from execution.engine.outcomes import (
    Advance,
    Complete,
    CreateTask,
    Defer,
    Exit,
    Park,
    Pause,
    Quarantine,
    QueueEmail,
    RequeueEmail,
    Resume,
    Retry,
    Wait,
)
from execution.engine.snapshot import LastEmail
from sequences.choices import EnrollmentStatus, ExitReason
from tests.support.snapshots import NOW, OFFICE_HOURS, message, snapshot, step, task

POLICY = Policy()
HOUR = timedelta(hours=1)
EARLIER = NOW - timedelta(hours=5)


def test_a_due_email_is_queued_once_and_waits_for_the_lane() -> None:
    outcome = decide(snapshot(priority=20), NOW, POLICY)
    assert isinstance(outcome, Wait)
    assert outcome.wake_at is None
    assert outcome.effects == (
        QueueEmail(recipient="ada@prospect.example", mailbox_id=1, priority=20, due_at=NOW, is_first_touch=True),
    )


@pytest.mark.parametrize("status", ["queued", "sending"])
def test_a_message_on_its_way_is_waited_for(status: str) -> None:
    assert decide(snapshot(message=message(status)), NOW, POLICY) == Wait(None)


def test_a_sent_email_advances_and_the_delay_counts_from_when_it_was_sent() -> None:
    sent_at = NOW + timedelta(minutes=7)
    outcome = decide(snapshot(message=message("sent", sent_at=sent_at)), NOW + HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert (outcome.ended_at, outcome.next_step_id, outcome.next_step_at) == (sent_at, 20, sent_at + timedelta(days=1))


def test_the_last_step_completes() -> None:
    outcome = decide(snapshot(step(1), message=message("sent")), NOW + HOUR, POLICY)
    assert isinstance(outcome, Complete)
    assert outcome.ended_at == NOW


def test_deciding_too_early_changes_nothing() -> None:
    assert decide(snapshot(next_step_at=NOW + HOUR), NOW, POLICY) == Wait(NOW + HOUR)


@pytest.mark.parametrize(("failures", "minutes"), [(0, 5), (1, 10), (2, 20)])
def test_a_temporary_refusal_is_retried_after_5_10_20_minutes(failures: int, minutes: int) -> None:
    failed = message("failed", error_class="recipient_temporary", error="450 busy")
    outcome = decide(snapshot(message=failed, retry_count=failures), NOW, POLICY)
    assert isinstance(outcome, Retry)
    assert (outcome.retry_at, outcome.retry_count) == (NOW + timedelta(minutes=minutes), failures + 1)
    assert outcome.log.error == "450 busy"


def test_the_fourth_failure_is_quarantined() -> None:
    failed = message("failed", error_class="recipient_temporary", error="450 busy")
    outcome = decide(snapshot(message=failed, retry_count=3), NOW, POLICY)
    assert isinstance(outcome, Quarantine)
    assert (outcome.error_class, outcome.error) == ("recipient_temporary", "450 busy")


def test_a_retry_waits_for_its_time_and_then_uses_the_same_message() -> None:
    waiting = snapshot(message=message("failed", error_class="recipient_temporary"), retry_count=1, retry_at=NOW + HOUR)
    assert decide(waiting, NOW, POLICY) == Wait(NOW + HOUR)
    outcome = decide(waiting, NOW + HOUR, POLICY)
    assert isinstance(outcome, Wait)
    assert outcome.effects == (RequeueEmail(7),)


def test_a_refused_recipient_exits_as_bounced() -> None:
    outcome = decide(snapshot(message=message("failed", error_class="recipient_permanent")), NOW, POLICY)
    assert isinstance(outcome, Exit)
    assert outcome.reason is ExitReason.BOUNCED


@pytest.mark.parametrize("error_class", ["content", "template", "unclassified", "bug"])
def test_a_failure_without_retry_is_quarantined_with_its_trace(error_class: str) -> None:
    failed = message("failed", error_class=error_class, error="554 no", error_trace="Traceback")
    outcome = decide(snapshot(message=failed), NOW, POLICY)
    assert isinstance(outcome, Quarantine)
    assert (outcome.error_class, outcome.error, outcome.trace) == (error_class, "554 no", "Traceback")


def test_an_unknown_outcome_needs_review_at_once_where_no_evidence_can_arrive() -> None:
    outcome = decide(snapshot(message=message("unknown")), NOW, POLICY)
    assert isinstance(outcome, Quarantine)
    assert outcome.error_class == "unknown_outcome"


def test_an_unknown_outcome_waits_for_evidence_before_review() -> None:
    unknown = snapshot(message=message("unknown"), evidence_possible=True)
    assert decide(unknown, NOW, Policy(evidence_minutes=60)) == Wait(NOW + HOUR)
    assert isinstance(decide(unknown, NOW + HOUR, Policy(evidence_minutes=60)), Quarantine)


@pytest.mark.parametrize("status", ["sent", "queued", "withheld"])
def test_a_resolved_outcome_ends_its_quarantine(status: str) -> None:
    held = snapshot(status=EnrollmentStatus.QUARANTINED, quarantine_class="unknown_outcome", message=message(status))
    assert isinstance(decide(held, NOW, POLICY), Resume)


@pytest.mark.parametrize(("quarantine_class", "status"), [("unknown_outcome", "unknown"), ("content", "sent")])
def test_nothing_else_releases_a_quarantine(quarantine_class: str, status: str) -> None:
    held = snapshot(status=EnrollmentStatus.QUARANTINED, quarantine_class=quarantine_class, message=message(status))
    assert decide(held, NOW, POLICY) == Park()


def test_a_withheld_email_is_queued_again_once_nothing_stops_it() -> None:
    outcome = decide(snapshot(message=message("withheld", withheld_reason="suppressed")), NOW, POLICY)
    assert isinstance(outcome, Wait)
    assert outcome.effects == (RequeueEmail(7),)


def test_a_missing_merge_field_quarantines_before_anything_is_queued() -> None:
    outcome = decide(snapshot(step(1, body="Hello {{ contact.nickname }}")), NOW, POLICY)
    assert isinstance(outcome, Quarantine)
    assert outcome.error_class == "template"
    assert "contact.nickname" in outcome.error


def test_outside_the_window_a_due_email_is_deferred_to_the_opening_and_costs_nothing() -> None:
    evening = NOW.replace(hour=20)
    outcome = decide(snapshot(window=OFFICE_HOURS), evening, POLICY)
    assert isinstance(outcome, Defer)
    assert outcome.until == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def test_without_a_mailbox_or_a_thread_an_email_is_quarantined() -> None:
    no_mailbox = decide(snapshot(mailbox_id=None), NOW, POLICY)
    no_thread = decide(snapshot(step(1, subject="")), NOW, POLICY)
    assert isinstance(no_mailbox, Quarantine)
    assert isinstance(no_thread, Quarantine)
    assert isinstance(decide(snapshot(step(1, subject=""), emails_sent=1), NOW, POLICY), Wait)


def test_a_task_is_created_rendered_and_does_not_hold_the_sequence() -> None:
    calling = step(1, "task", name="Call {{ contact.first_name }}", instructions="Ask {{ contact.first_name }}")
    outcome = decide(snapshot(calling, step(2)), NOW + HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert outcome.ended_at == NOW + HOUR
    assert outcome.effects == (
        CreateTask(type="call", priority="normal", title="Call Ada", instructions="Ask Ada", due_at=NOW),
    )


def test_a_task_with_wait_for_completion_holds_until_it_is_closed() -> None:
    calling = step(1, "task", wait_for_completion=True)
    created = decide(snapshot(calling, step(2)), NOW, POLICY)
    assert isinstance(created, Wait)
    assert isinstance(created.effects[0], CreateTask)
    assert decide(snapshot(calling, step(2), task=task("open")), NOW, POLICY) == Wait(None)
    done = decide(snapshot(calling, step(2), task=task("completed", completed_at=EARLIER)), NOW, POLICY)
    assert isinstance(done, Advance)
    assert done.ended_at == EARLIER


def test_a_delay_ends_when_it_was_due_even_if_it_is_decided_late() -> None:
    outcome = decide(snapshot(step(1, "delay", days=1), step(2, hours=2)), NOW + timedelta(days=9), POLICY)
    assert isinstance(outcome, Advance)
    assert (outcome.ended_at, outcome.next_step_at) == (NOW, NOW + timedelta(hours=2))


def split(**columns: Any) -> Any:
    return step(
        2,
        "conditional_split",
        **({"condition_type": "email_opened", "condition_config": {"wait_hours": 48}} | columns),
        if_true_goto_id=30,
        if_false_goto_id=40,
    )


def at_split(*, opened_at: datetime | None = None, clicked_at: datetime | None = None, **columns: Any) -> Any:
    sent = LastEmail(sent_at=NOW, opened_at=opened_at, clicked_at=clicked_at, replied_at=None)
    return snapshot(step(1), split(**columns), step(3, hours=1), step(4), at=2, visit=2, last_email=sent)


def test_a_split_waits_for_its_signal_until_the_hours_after_the_last_email_are_over() -> None:
    assert decide(at_split(), NOW + HOUR, POLICY) == Wait(NOW + 48 * HOUR)


def test_a_split_goes_true_the_moment_the_signal_comes() -> None:
    opened_at = NOW + 3 * HOUR
    outcome = decide(at_split(opened_at=opened_at), opened_at, POLICY)
    assert isinstance(outcome, Advance)
    assert (outcome.next_step_id, outcome.ended_at, outcome.next_step_at) == (30, opened_at, opened_at + HOUR)


def test_a_click_proves_an_open() -> None:
    outcome = decide(at_split(clicked_at=NOW + HOUR), NOW + HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert outcome.next_step_id == 30


def test_a_split_goes_false_when_the_time_is_up() -> None:
    outcome = decide(at_split(), NOW + 48 * HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert (outcome.next_step_id, outcome.ended_at) == (40, NOW + 48 * HOUR)


def test_a_signal_after_the_deadline_does_not_count_even_if_it_is_decided_late() -> None:
    outcome = decide(at_split(opened_at=NOW + 49 * HOUR), NOW + 60 * HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert outcome.next_step_id == 40


def test_a_branch_without_a_goto_ends_the_sequence() -> None:
    ends = replace(split(), config=replace(split().config, if_false=None))
    sent = LastEmail(NOW, None, None, None)
    outcome = decide(snapshot(step(1), ends, step(3), at=2, last_email=sent), NOW + 48 * HOUR, POLICY)
    assert isinstance(outcome, Complete)


@pytest.mark.parametrize(
    ("config", "goes_to"),
    [
        ({"field": "title", "operator": "equals", "value": "cto"}, 30),
        ({"field": "contact.title", "operator": "contains", "value": "T"}, 30),
        ({"field": "title", "operator": "not_equals", "value": "CTO"}, 40),
        ({"field": "nickname", "operator": "is_set"}, 40),
        ({"field": "nickname", "operator": "is_not_set"}, 30),
        ({"field": "seats", "operator": "at_least", "value": 50}, 30),
        ({"field": "seats", "operator": "at_most", "value": "49"}, 40),
    ],
)
def test_a_split_on_a_contact_field_answers_at_once(config: dict[str, object], goes_to: int) -> None:
    here = at_split(condition_type="contact_field", condition_config=config)
    outcome = decide(here._replace(merge_fields={"contact": {"title": "CTO", "seats": 50}}), NOW + HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert outcome.next_step_id == goes_to


def test_a_split_on_the_engagement_score() -> None:
    here = at_split(condition_type="engagement_score", condition_config={"value": 70})
    hot, cold = (decide(here._replace(engagement_score=score), NOW + HOUR, POLICY) for score in (70, 69))
    assert isinstance(hot, Advance)
    assert isinstance(cold, Advance)
    assert (hot.next_step_id, cold.next_step_id) == (30, 40)


def test_a_split_on_a_task_waits_from_its_creation() -> None:
    columns = {"condition_type": "task_completed", "condition_config": {"wait_hours": 24}}
    here = snapshot(step(1, "task"), split(**columns), step(3), step(4), at=2, last_task=task("open"))
    assert decide(here, NOW, POLICY) == Wait(NOW + 24 * HOUR)
    done = here._replace(last_task=task("completed", completed_at=NOW + HOUR))
    outcome = decide(done, NOW + HOUR, POLICY)
    assert isinstance(outcome, Advance)
    assert outcome.next_step_id == 30


def test_an_unknown_type_and_a_deleted_step_are_errors_of_this_enrollment() -> None:
    for broken in (snapshot(step(1, "fax")), snapshot(step(1), current_step_id=990)):
        assert isinstance(decide(broken, NOW, POLICY), Quarantine)


def test_a_hundred_instant_steps_are_a_runaway() -> None:
    delays = (step(1, "delay"), step(2, "delay"))
    assert isinstance(decide(snapshot(*delays, instant_transitions=98), NOW, POLICY), Advance)
    runaway = decide(snapshot(*delays, instant_transitions=99), NOW, POLICY)
    assert isinstance(runaway, Quarantine)
    assert runaway.error_class == "runaway"


def test_a_planned_delay_resets_the_count_of_instant_steps() -> None:
    outcome = decide(snapshot(step(1, "delay"), step(2, minutes=1), instant_transitions=50), NOW, POLICY)
    assert isinstance(outcome, Advance)
    assert outcome.instant_transitions == 0


def test_a_departure_leaves_a_task_about_the_successor() -> None:
    known = StopFacts(left_company_at=NOW, successor="new@prospect.example")
    outcome = decide(snapshot(stops=known), NOW, POLICY)
    assert isinstance(outcome, Exit)
    assert outcome.reason is ExitReason.LEFT_COMPANY
    (task_,) = outcome.tasks
    assert "new@prospect.example" in task_.title
    unnamed = decide(snapshot(stops=StopFacts(left_company_at=NOW)), NOW, POLICY)
    assert isinstance(unnamed, Exit)
    assert unnamed.tasks == ()


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"replied_at": NOW}, "replied"),
        ({"unsubscribed_at": NOW}, "unsubscribed"),
        ({"complained_at": NOW}, "complained"),
        ({"bounced_at": NOW}, "bounced"),
        ({"suppressed_for": "manual"}, "suppressed"),
        ({"suppressed_for": "unsubscribed"}, "unsubscribed"),
        ({"replied_at": NOW, "bounced_at": NOW}, "replied"),
    ],
)
@pytest.mark.parametrize("status", ["active", "paused", "quarantined"])
def test_a_stop_fact_exits_whatever_the_status(facts: dict[str, Any], reason: str, status: str) -> None:
    outcome = decide(snapshot(stops=StopFacts(**facts), status=EnrollmentStatus(status)), NOW, POLICY)
    assert isinstance(outcome, Exit)
    assert outcome.reason.value == reason


def test_an_archived_sequence_exits() -> None:
    outcome = decide(snapshot(sequence_status="archived"), NOW, POLICY)
    assert isinstance(outcome, Exit)
    assert outcome.reason is ExitReason.SEQUENCE_ARCHIVED


@pytest.mark.parametrize(("policy", "expected"), [("ignore", Wait), ("stop", Exit), ("pause", Pause), ("delay", Pause)])
def test_a_colleagues_reply_follows_the_policy_of_the_account(policy: str, expected: type) -> None:
    at = NOW + HOUR
    known: dict[str, Any] = {"stops": StopFacts(account_replied_at=at), "resting": Resting(colleague_replied_at=at)}
    outcome = decide(snapshot(**known, account_policy=policy), NOW + 2 * HOUR, POLICY)
    assert isinstance(outcome, expected)
    if policy == "delay":
        assert isinstance(outcome, Pause)
        assert outcome.resume_at == NOW + HOUR + timedelta(days=7)


def test_out_of_office_pauses_until_the_return_or_fourteen_days() -> None:
    away = Resting(out_of_office_at=NOW + HOUR, out_of_office_until=NOW + timedelta(days=3))
    until_return = decide(snapshot(resting=away), NOW + 2 * HOUR, POLICY)
    unsaid = decide(snapshot(resting=replace(away, out_of_office_until=None)), NOW + 2 * HOUR, POLICY)
    assert isinstance(until_return, Pause)
    assert isinstance(unsaid, Pause)
    assert until_return.resume_at == NOW + timedelta(days=3)
    assert unsaid.resume_at == NOW + HOUR + timedelta(days=14)


def test_the_third_soft_bounce_pauses() -> None:
    assert isinstance(decide(snapshot(resting=Resting(soft_bounces=2)), NOW, POLICY), Wait)
    assert isinstance(decide(snapshot(resting=Resting(soft_bounces=3)), NOW, POLICY), Pause)


def test_a_pause_ends_at_its_time_and_replans_inside_the_window() -> None:
    paused = snapshot(status=EnrollmentStatus.PAUSED, window=OFFICE_HOURS)
    assert decide(paused, NOW, POLICY) == Park()
    evening = NOW.replace(hour=20)
    timed = paused._replace(resume_at=evening)
    assert decide(timed, NOW, POLICY) == Park(evening)
    outcome = decide(timed, evening, POLICY)
    assert isinstance(outcome, Resume)
    assert outcome.next_step_at == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "resume_at"),
    [
        (
            {"resting": Resting(out_of_office_at=NOW + HOUR, out_of_office_until=NOW + timedelta(days=9))},
            NOW + timedelta(days=9),
        ),
        ({"resting": Resting(soft_bounces=3)}, None),
        ({"resting": Resting(hand_written_at=NOW + HOUR)}, None),
        ({"resting": Resting(colleague_replied_at=NOW + HOUR), "account_policy": "pause"}, None),
    ],
    ids=["away for longer", "soft bounces", "written by hand", "a colleague replied"],
)
def test_a_longer_pause_replaces_a_timed_one(facts: dict[str, Any], resume_at: datetime | None) -> None:
    """What was stored during the first one is not forgotten when that is over."""
    until = NOW + timedelta(days=2)
    resting = snapshot(status=EnrollmentStatus.PAUSED, resume_at=until, **facts)
    assert decide(resting, NOW + 2 * HOUR, POLICY) == Park(until)
    outcome = decide(resting, until, POLICY)
    assert isinstance(outcome, Pause)
    assert outcome.resume_at == resume_at


@pytest.mark.parametrize("status", ["paused", "draft"])
def test_an_inactive_sequence_parks_its_enrollments(status: str) -> None:
    assert decide(snapshot(sequence_status=status), NOW, POLICY) == Park()
