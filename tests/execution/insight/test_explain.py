"""Why an enrollment has not moved: every hold, with the time at which it ends."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from execution.control.switches import pause_executor
from execution.insight.explain import explain_enrollments
from execution.models import Worker
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    PausedEnrollmentFactory,
    QuarantinedEnrollmentFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskFactory,
    TaskStepFactory,
)
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def worker() -> None:
    Worker.objects.create(id=uuid.uuid4(), name="here", kind="run_executor", started_at=NOW, heartbeat_at=NOW)


def why(enrollment: Enrollment) -> list[tuple[str, Any]]:
    return [(hold.code, hold.until) for hold in explain_enrollments([enrollment.pk], NOW)[enrollment.pk]]


def enrolled(**values: Any) -> Enrollment:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    enrollment: Enrollment = EnrollmentFactory(sequence=sequence, **values)
    return enrollment


def queued(mailbox: dict[str, Any] | None = None, **message: Any) -> Enrollment:
    enrollment = enrolled()
    for name, value in (mailbox or {}).items():
        setattr(enrollment.mailbox, name, value)
    assert enrollment.mailbox is not None
    enrollment.mailbox.save()
    EmailMessageFactory(enrollment=enrollment, **message)
    return enrollment


def test_a_due_enrollment_has_no_holds() -> None:
    assert why(enrolled()) == [("ready", NOW)]


def test_an_enrollment_that_is_not_due_states_when_and_by_which_rules() -> None:
    sequence = SequenceFactory(window={"timezone": "UTC", "mon-fri": ["09:00-17:00"]})
    StepFactory(sequence=sequence, delay_hours=10)
    tuesday = NOW.replace(day=3, hour=9)
    enrollment = EnrollmentFactory(sequence=sequence, next_step_at=tuesday, wake_at=tuesday)
    assert why(enrollment) == [("not_due", tuesday), ("window", tuesday)]


@pytest.mark.parametrize(
    ("mailbox", "message", "expected"),
    [
        ({"next_slot_at": NOW + HOUR}, {}, ("gap", NOW + HOUR)),
        (
            {"lane_at": NOW + HOUR, "lane_held_by": "mailbox_cap: 50/50 per 24 hours"},
            {},
            ("mailbox_cap", NOW + HOUR),
        ),
        (
            {},
            {"send_after_at": NOW + HOUR, "held_by": "recipient_domain_cap: 5/5"},
            ("recipient_domain_cap", NOW + HOUR),
        ),
        ({"status": "broken", "status_reason": "535 wrong password"}, {}, ("mailbox_broken", None)),
        ({"breaker_state": "open", "breaker_until": NOW + HOUR}, {}, ("mail_server_down", NOW + HOUR)),
        ({"breaker_failures": 1, "next_slot_at": NOW + HOUR}, {}, ("mail_server_down", NOW + HOUR)),
        (
            {"breaker_state": "open", "breaker_failures": 5, "breaker_until": NOW + HOUR, "next_slot_at": NOW + HOUR},
            {},
            ("mail_server_down", NOW + HOUR),
        ),
        ({"leased_until": NOW + HOUR}, {}, ("lane_busy", None)),
        ({"leased_until": NOW - HOUR}, {}, ("ready", NOW)),
        ({"inbound": "imap", "inbox_read_at": NOW - HOUR}, {"is_first_touch": False}, ("inbox_stale", None)),
        ({"inbound": "imap", "inbox_read_at": NOW - HOUR}, {"is_first_touch": True}, ("ready", NOW)),
    ],
)
def test_a_queued_email_is_explained_by_its_lane(
    mailbox: dict[str, Any], message: dict[str, Any], expected: tuple[str, Any]
) -> None:
    assert why(queued(mailbox, **message)) == [expected]


def test_pauses_name_their_state_and_actor() -> None:
    sequence = SequenceFactory(status="paused", pause_reason="new text", paused_by="sam@sender.example")
    StepFactory(sequence=sequence)
    assert why(EnrollmentFactory(sequence=sequence))[0] == ("sequence_paused", None)
    assert why(PausedEnrollmentFactory(resume_at=NOW + HOUR))[0] == ("paused", NOW + HOUR)
    assert why(QuarantinedEnrollmentFactory())[0] == ("quarantined", None)
    assert why(CompletedEnrollmentFactory()) == [("completed", None)]
    pause_executor(actor="ops@sender.example", now=NOW, reason="maintenance")
    (first, *_) = explain_enrollments([enrolled().pk], NOW).popitem()[1]
    assert first.code == "executor_paused"
    assert "ops@sender.example: maintenance" in first.detail


def test_waiting_for_a_task_or_a_signal_is_explained() -> None:
    sequence = SequenceFactory()
    TaskStepFactory(sequence=sequence, wait_for_completion=True)
    waiting = EnrollmentFactory(sequence=sequence, wake_at=None)
    TaskFactory(enrollment=waiting, step=waiting.current_step, visit=1)
    assert why(waiting) == [("task_open", None)]
    splitting = SequenceFactory()
    SplitStepFactory(sequence=splitting, condition_config={"wait_hours": 2})
    assert why(EnrollmentFactory(sequence=splitting)) == [("waiting_for_signal", NOW + 2 * HOUR)]


def test_without_a_worker_it_says_that_no_executor_runs() -> None:
    Worker.objects.update(heartbeat_at=NOW - HOUR)
    assert why(enrolled()) == [("no_worker", None)]


def test_explaining_many_takes_the_statements_of_one() -> None:
    mailbox = MailboxFactory()
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    ids = [EnrollmentFactory(sequence=sequence, mailbox=mailbox).pk for _ in range(30)]
    with count_statements() as one:
        explain_enrollments(ids[:1], NOW)
    with count_statements() as many:
        assert len(explain_enrollments(ids, NOW)) == 30
    assert one.count == many.count
