"""Reordering steps and moving enrollments never sends a contact an email twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from emails.models import EmailMessage
from execution.control import enrollments as controls
from execution.control.edit import EditOptions, edit_sequence
from execution.control.enrollments import move_enrollments
from execution.engine.backoff import Policy
from execution.engine.claim import claim_by_id
from execution.engine.tick import run_tick
from execution.models import ExecutionLog
from sequences.authoring.queries import load_draft
from sequences.authoring.step_fields import StepDraft
from sequences.models import Enrollment, Sequence
from tasks_app.models import Task
from tests.factories import (
    NOW,
    EnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskFactory,
    TaskStepFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sequence() -> Sequence:
    made: Sequence = SequenceFactory()
    for name in "ABC":
        StepFactory(sequence=made, name=name)
    return made


@pytest.fixture
def person(sequence: Sequence) -> Enrollment:
    """Has had A, and stands at B."""
    first, second = sequence.steps.order_by("number")[:2]
    made: Enrollment = EnrollmentFactory(sequence=sequence, current_step=second, visit=2, emails_sent=1)
    SentMessageFactory(enrollment=made, step=first, visit=1)
    return made


def edit(sequence: Sequence, order: Callable[[tuple[StepDraft, ...]], Any], **options: Any) -> None:
    draft = load_draft(sequence)
    edited = replace(draft, steps=tuple(order(draft.steps)))
    edit_sequence(sequence, edited, EditOptions(**options), actor="ada", now=NOW)


def run(times: int = 6) -> list[str]:
    """Whatever is queued is sent at once. Returns the names of the steps whose email left, in order."""
    for _ in range(times):
        run_tick(NOW, 10, Policy())
        sent = EmailMessage.objects.filter(status="queued")
        sent.update(status="sent", sent_at=NOW, handed_over_at=NOW)
        Enrollment.objects.filter(status="active", next_step_at__lte=NOW).update(wake_at=NOW)
    return list(EmailMessage.objects.order_by("visit").values_list("step__name", flat=True))


def test_a_moved_step_is_skipped_by_enrollments_that_have_executed_it(sequence: Sequence, person: Enrollment) -> None:
    edit(sequence, lambda steps: (steps[1], steps[0], steps[2]))
    assert run() == ["A", "B", "C"]
    person.refresh_from_db()
    assert person.status == "completed"
    passed = ExecutionLog.objects.get(enrollment=person, action="skipped")
    assert (passed.step_number, passed.message) == (
        2,
        "Same step: this enrollment already sent this email to the contact",
    )


def test_an_enrollment_moved_back_skips_steps_it_has_executed(sequence: Sequence, person: Enrollment) -> None:
    first = sequence.steps.get(name="A")
    edit(sequence, lambda steps: (steps[0], steps[2]), goes_to=str(first.pk))
    person.refresh_from_db()
    assert person.current_step_id == first.pk
    assert run() == ["A", "C"]


def test_an_email_that_leaves_while_its_enrollment_is_moved_to_it_is_not_sent_again(
    sequence: Sequence, person: Enrollment
) -> None:
    second = sequence.steps.get(name="B")

    def after_it_left(ids: Any) -> Any:
        run(2)
        return claim_by_id(ids)

    with mock.patch.object(controls, "claim_by_id", after_it_left):
        move_enrollments([person.pk], step_id=second.pk, actor="ada", now=NOW)
    assert sorted(run()) == ["A", "B", "C"]


@pytest.mark.parametrize(("status", "again"), [("completed", 0), ("open", 0), ("cancelled", 1)])
def test_a_task_is_not_created_again_after_a_move(status: str, again: int) -> None:
    sequence: Sequence = SequenceFactory()
    call = TaskStepFactory(sequence=sequence)
    second = StepFactory(sequence=sequence)
    person: Any = EnrollmentFactory(sequence=sequence, current_step=second, visit=2)
    closed = {} if status == "open" else {"completed_at": NOW, "completed_by": "ada"}
    TaskFactory(enrollment=person, step=call, visit=1, status=status, **closed)
    edit(sequence, lambda steps: (steps[1], steps[0]))
    run()
    person.refresh_from_db()
    assert (person.status, Task.objects.count()) == ("completed", 1 + again)


def test_a_loop_sends_again_by_design() -> None:
    sequence: Sequence = SequenceFactory()
    first = StepFactory(sequence=sequence, name="A")
    split = SplitStepFactory(sequence=sequence, condition_config={"wait_hours": 0})
    split.if_false_goto = first
    split.save()
    person: Any = EnrollmentFactory(sequence=sequence, current_step=split, visit=2, emails_sent=1)
    SentMessageFactory(enrollment=person, step=first, visit=1, at=NOW - timedelta(days=1))
    assert run(2) == ["A", "A"]
