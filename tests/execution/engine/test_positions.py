"""The position of an enrollment after each outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from execution.choices import LogAction
from execution.engine.backoff import Policy
from execution.engine.decide import decide
from execution.engine.outcomes import Advance, LogLine, Outcome, Pause, Quarantine, Resume, Retry
from execution.engine.positions import next_position
from sequences.choices import EnrollmentStatus
from tests.support.snapshots import NOW, message, snapshot, step

POLICY = Policy()
LINE = LogLine(LogAction.FAILED, "said", error="450 busy", actor="ada@sender.example")
LATER = NOW + timedelta(minutes=5)


def test_advancing_enters_the_next_step_as_a_new_visit_and_clears_what_failed() -> None:
    here = snapshot(step(1), step(2, days=1), message=message("sent"), retry_count=2)
    after = next_position(here, decide(here, LATER, POLICY), LATER)
    assert (after.step_id, after.visit, after.previous_ended_at) == (20, 2, NOW)
    assert (after.next_step_at, after.wake_at) == (NOW + timedelta(days=1),) * 2
    assert (after.retry_count, after.last_error, after.steps_done) == (0, "", 1)


def test_a_retry_keeps_the_position_and_remembers_the_error() -> None:
    after = next_position(snapshot(), Retry(LATER, 1, LINE), NOW)
    assert (after.visit, after.retry_count, after.retry_at, after.wake_at) == (1, 1, LATER, LATER)
    assert after.last_error == "450 busy"


@pytest.mark.parametrize("found", [None, message("failed", error_class="recipient_temporary")])
def test_trying_again_uses_the_retry_up(found: object) -> None:
    here = snapshot(message=found, retry_count=1, retry_at=NOW)
    after = next_position(here, decide(here, NOW, POLICY), NOW)
    assert after.retry_at is None
    assert after.retry_count == 1


@pytest.mark.parametrize(
    "outcome", [Quarantine("content", "554 no", LINE), Pause("holiday", None, LINE)], ids=["quarantine", "pause"]
)
def test_a_pause_without_an_end_has_no_wake_time(outcome: Outcome) -> None:
    assert next_position(snapshot(), outcome, NOW).wake_at is None


def test_a_pause_records_actor_and_reason_and_a_resume_clears_them() -> None:
    paused = next_position(snapshot(), Pause("holiday", LATER, LINE), NOW)
    assert (paused.status, paused.pause_reason, paused.paused_by) == (
        EnrollmentStatus.PAUSED,
        "holiday",
        "ada@sender.example",
    )
    assert (paused.paused_at, paused.resume_at, paused.wake_at) == (NOW, LATER, LATER)
    resumed = next_position(snapshot(status=EnrollmentStatus.PAUSED, resume_at=LATER), Resume(LATER, LINE), LATER)
    assert (resumed.status, resumed.pause_reason, resumed.resume_at) == (EnrollmentStatus.ACTIVE, "", None)
    assert (resumed.resumed_at, resumed.next_step_at) == (LATER, LATER)


@pytest.mark.parametrize("rests_until", [LATER, NOW + timedelta(days=9), None])
def test_an_enrollment_moved_while_paused_wakes_when_the_pause_ends(rests_until: datetime | None) -> None:
    here = snapshot(step(1), step(2, days=1), status=EnrollmentStatus.PAUSED, resume_at=rests_until)
    next_step_at = NOW + timedelta(days=1)
    after = next_position(here, Advance(NOW, 20, next_step_at, 0, LINE), NOW)
    assert (after.status, after.resume_at) == (EnrollmentStatus.PAUSED, rests_until)
    assert after.wake_at == (LATER if rests_until == LATER else next_step_at)


def test_a_late_completion_is_dated_now_and_its_last_step_when_it_ended() -> None:
    """Else retention, which has come past that moment, would keep them for ever."""
    here = snapshot(step(1), message=message("sent"))
    after = next_position(here, decide(here, LATER, POLICY), LATER)
    assert (after.status, after.ended_at, after.previous_ended_at) == (EnrollmentStatus.COMPLETED, LATER, NOW)
