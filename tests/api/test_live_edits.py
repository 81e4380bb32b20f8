"""Editing a running sequence: the effect of each kind of edit on its enrollments, and the same in a dry run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from execution.models import ExecutionLog
from sequences.models import Enrollment, Sequence, Step, Workspace
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    PausedEnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
)

DAY = timedelta(days=1)
NEW = {"type": "email", "name": "Extra", "subject": "One more", "body": "Words", "delay_days": 1}


@pytest.fixture
def steps(sequence: Sequence) -> list[Step]:
    return list(sequence.steps.order_by("number"))


def waits_at(step: Step, *, due: datetime = NOW + 2 * DAY, **fields: Any) -> Enrollment:
    """Their first email left at NOW; they wait for the second, two days later."""
    given = {"current_step": step, "next_step_at": due, "wake_at": due, "visit": 2, "emails_sent": 1}
    made: Enrollment = EnrollmentFactory(sequence=step.sequence, **(given | fields))
    return made


def impact(answer: Any) -> dict[str, int]:
    assert answer.status_code in {200, 201}, answer.json()
    found = answer.json()["impact"]
    return {name: found[name] for name in ("in_it", "moved", "exited", "replanned", "sent")}


def counts(**found: int) -> dict[str, int]:
    return {"in_it": 0, "moved": 0, "exited": 0, "replanned": 0, "sent": 0} | found


def test_editing_text_neither_moves_nor_replans_enrollments(manager_api: APIClient, steps: list[Step]) -> None:
    person = waits_at(steps[1])
    before = Enrollment.objects.filter(pk=person.pk).values().get()
    answer = manager_api.patch(f"/api/steps/{steps[1].pk}", {"body": "Better words"})
    assert impact(answer) == counts(in_it=1)
    assert answer.json()["step"]["body"] == "Better words"
    assert Enrollment.objects.filter(pk=person.pk).values().get() == before


def test_changing_a_delay_replans_waiting_enrollments(manager_api: APIClient, steps: list[Step]) -> None:
    person = waits_at(steps[1])
    elsewhere = waits_at(steps[0], due=NOW + 3 * DAY)
    path = f"/api/steps/{steps[1].pk}"
    assert impact(manager_api.patch(f"{path}?dry_run=1", {"delay_days": 5})) == counts(in_it=2, replanned=1)
    person.refresh_from_db()
    assert (person.next_step_at, Step.objects.get(pk=steps[1].pk).delay_days) == (NOW + 2 * DAY, 2)

    assert impact(manager_api.patch(path, {"delay_days": 5})) == counts(in_it=2, replanned=1)
    person.refresh_from_db()
    assert (person.next_step_at, person.wake_at) == (NOW + 5 * DAY, NOW + 5 * DAY)
    log = ExecutionLog.objects.get(enrollment=person)
    assert (log.action, log.message) == ("replanned", "the sequence was edited: due 2026-03-07 10:00 UTC")
    elsewhere.refresh_from_db()
    assert elsewhere.next_step_at == NOW + 3 * DAY


def test_changing_the_window_replans_all_enrollments(
    manager_api: APIClient, sequence: Sequence, steps: list[Step]
) -> None:
    person = waits_at(steps[1])
    window = {"timezone": "UTC", "mon-fri": ["14:00-15:00"]}
    assert impact(manager_api.patch(f"/api/sequences/{sequence.pk}", {"window": window})) == counts(
        in_it=1, replanned=1
    )
    person.refresh_from_db()
    assert person.next_step_at == (NOW + 2 * DAY).replace(hour=14)


def test_a_snoozed_enrollment_does_not_become_due_earlier(manager_api: APIClient, steps: list[Step]) -> None:
    person = waits_at(steps[1], due=NOW + 30 * DAY)
    assert impact(manager_api.patch(f"/api/steps/{steps[1].pk}", {"delay_days": 1})) == counts(in_it=1)
    person.refresh_from_db()
    assert person.next_step_at == NOW + 30 * DAY


def test_begun_and_paused_steps_keep_their_state(manager_api: APIClient, steps: list[Step]) -> None:
    queued = waits_at(steps[1], wake_at=None)
    EmailMessageFactory(enrollment=queued)
    paused = PausedEnrollmentFactory(
        sequence=steps[0].sequence, current_step=steps[1], next_step_at=NOW + 2 * DAY, visit=2
    )
    assert impact(manager_api.patch(f"/api/steps/{steps[1].pk}", {"delay_days": 4})) == counts(in_it=2, replanned=1)
    queued.refresh_from_db()
    paused.refresh_from_db()
    assert (queued.next_step_at, queued.wake_at) == (NOW + 2 * DAY, None)
    assert (paused.status, paused.next_step_at, paused.wake_at) == ("paused", NOW + 4 * DAY, None)


def test_a_longer_wait_evaluates_the_branch_again(manager_api: APIClient, workspace: Workspace) -> None:
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    split = SplitStepFactory(sequence=sequence)
    person = waits_at(split, due=NOW, wake_at=NOW + 2 * DAY)
    answer = manager_api.patch(f"/api/steps/{split.pk}", {"condition_config": {"wait_hours": 96}})
    assert impact(answer) == counts(in_it=1)
    person.refresh_from_db()
    assert person.wake_at == NOW
    run_tick(NOW, 10, engine_policy())
    person.refresh_from_db()
    assert person.wake_at == NOW + 4 * DAY


@pytest.mark.parametrize(
    ("waits", "edit"),
    [
        ({"type": "task", "wait_for_completion": True}, {"wait_for_completion": False}),
        ({"type": "conditional_split", "condition_type": "email_opened", "condition_config": {"wait_hours": 48}},
         {"type": "email", "subject": "Again", "body": "Words", "condition_type": "", "condition_config": {}}),
    ],
    ids=["a task is waited for no longer", "a split becomes an email"],
)  # fmt: skip
def test_an_enrollment_that_waits_for_a_removed_condition_goes_on(
    manager_api: APIClient, workspace: Workspace, waits: dict[str, Any], edit: dict[str, Any]
) -> None:
    sequence = SequenceFactory(workspace=workspace)
    first = StepFactory(sequence=sequence)
    step = StepFactory(sequence=sequence, name="Call", **waits)
    person = waits_at(step, due=NOW)
    SentMessageFactory(enrollment=person, step=first, visit=1)
    run_tick(NOW, 10, engine_policy())
    person.refresh_from_db()
    assert person.wake_at is None or person.wake_at > NOW
    assert impact(manager_api.patch(f"/api/steps/{step.pk}", edit)) == counts(in_it=1)
    person.refresh_from_db()
    assert person.wake_at == NOW


def test_a_step_inserted_ahead_is_executed_and_one_behind_is_not(
    manager_api: APIClient, sequence: Sequence, steps: list[Step]
) -> None:
    person = waits_at(steps[1])
    answer = manager_api.post(f"/api/sequences/{sequence.pk}/steps", {**NEW, "position": 2})
    assert impact(answer) == counts(in_it=1)
    assert [step.name for step in sequence.steps.order_by("number")] == ["Intro", "Extra", ""]
    person.refresh_from_db()
    assert (person.current_step_id, person.next_step_at) == (steps[1].pk, NOW + 2 * DAY)


def test_an_inserted_step_reaches_an_enrollment_that_has_just_passed_its_place(
    manager_api: APIClient, sequence: Sequence, steps: list[Step]
) -> None:
    person = waits_at(steps[1])
    begun = waits_at(steps[1], wake_at=None)
    EmailMessageFactory(enrollment=begun)
    path = f"/api/sequences/{sequence.pk}/steps"
    body = {**NEW, "position": 2, "send_to_past": True}
    dry = manager_api.post(f"{path}?dry_run=1", body)
    assert (impact(dry), dry.json()["step"]) == (counts(in_it=2, sent=1), None)
    assert Step.objects.filter(sequence=sequence).count() == 2

    answer = manager_api.post(path, body)
    assert impact(answer) == counts(in_it=2, sent=1)
    person.refresh_from_db()
    assert person.current_step_id == answer.json()["step"]["id"]
    assert (person.visit, person.next_step_at, person.wake_at) == (3, NOW + DAY, NOW + DAY)
    begun.refresh_from_db()
    assert begun.current_step_id == steps[1].pk


def test_a_step_added_at_the_end_wakes_enrollments_that_wait_there(
    manager_api: APIClient, sequence: Sequence, steps: list[Step]
) -> None:
    done = CompletedEnrollmentFactory(sequence=sequence, current_step=steps[1], visit=2)
    again = CompletedEnrollmentFactory(sequence=sequence, current_step=steps[1])
    EnrollmentFactory(sequence=sequence, contact=again.contact)
    left = EnrollmentFactory(
        sequence=sequence,
        current_step=steps[1],
        status="auto_exited",
        auto_exit_reason="manual",
        completed_at=NOW,
        next_step_at=None,
        wake_at=None,
    )
    path = f"/api/sequences/{sequence.pk}/steps"
    assert impact(manager_api.post(path, {**NEW, "send_to_past": True})) == counts(in_it=2, sent=1)
    sent = Enrollment.objects.get(pk=done.pk)
    assert (sent.status, sent.completed_at, sent.next_step_at) == ("active", None, NOW + DAY)
    again.refresh_from_db()
    left.refresh_from_db()
    assert (again.status, left.status) == ("completed", "auto_exited")


def test_enrollments_at_a_removed_step_go_on_move_or_exit(
    manager_api: APIClient, sequence: Sequence, steps: list[Step]
) -> None:
    third = StepFactory(sequence=sequence, name="Third")
    fourth = StepFactory(sequence=sequence, name="Fourth")
    person = waits_at(steps[1])
    dry = manager_api.delete(f"/api/steps/{steps[1].pk}?dry_run=1")
    assert impact(dry) == counts(in_it=1, moved=1)
    assert Step.objects.filter(pk=steps[1].pk).exists()

    assert impact(manager_api.delete(f"/api/steps/{steps[1].pk}", {"goes_to": fourth.pk})) == counts(in_it=1, moved=1)
    person.refresh_from_db()
    assert person.current_step_id == fourth.pk
    assert impact(manager_api.delete(f"/api/steps/{fourth.pk}", {"exits": True})) == counts(exited=1)
    person.refresh_from_db()
    assert (person.status, person.auto_exit_reason) == ("auto_exited", "manual")
    other = waits_at(steps[0])
    assert impact(manager_api.delete(f"/api/steps/{steps[0].pk}")) == counts(in_it=1, moved=1)
    other.refresh_from_db()
    assert other.current_step_id == third.pk


def test_the_target_of_moved_enrollments_must_exist_after_the_edit(manager_api: APIClient, steps: list[Step]) -> None:
    foreign = StepFactory()
    for goes_to in (steps[1].pk, foreign.pk):
        answer = manager_api.delete(f"/api/steps/{steps[1].pk}", {"goes_to": goes_to})
        assert answer.status_code == 400
        assert answer.json()["errors"] == {"goes_to": ["Its sequence has no such step besides it."]}
    both = manager_api.delete(f"/api/steps/{steps[1].pk}", {"goes_to": steps[0].pk, "exits": True})
    assert both.status_code == 400


def test_reordering_moves_no_enrollment(manager_api: APIClient, sequence: Sequence, steps: list[Step]) -> None:
    person = waits_at(steps[1])
    assert impact(manager_api.post(f"/api/steps/{steps[1].pk}/move", {"position": 1})) == counts(in_it=1)
    assert list(sequence.steps.order_by("number")) == [steps[1], steps[0]]
    person.refresh_from_db()
    assert (person.current_step_id, person.next_step_at) == (steps[1].pk, NOW + 2 * DAY)


def test_a_list_of_steps_replaces_the_stored_one_by_identity(
    manager_api: APIClient, sequence: Sequence, steps: list[Step]
) -> None:
    person = waits_at(steps[1])
    body = {"steps": [{**NEW, "key": "new"}, {"id": steps[1].pk, "type": "email", "delay_days": 3}]}
    assert impact(manager_api.patch(f"/api/sequences/{sequence.pk}", body)) == counts(in_it=1, replanned=1)
    person.refresh_from_db()
    assert (person.current_step_id, person.next_step_at) == (steps[1].pk, NOW + 3 * DAY)
    assert [step.name for step in sequence.steps.order_by("number")] == ["Extra", ""]
    foreign = {"steps": [{"id": StepFactory().pk, "type": "email"}]}
    answer = manager_api.patch(f"/api/sequences/{sequence.pk}", foreign)
    assert answer.status_code == 400
    assert "No step of this sequence" in answer.json()["errors"]["steps"][0]["id"][0]


def test_an_active_sequence_cannot_be_made_invalid(manager_api: APIClient, steps: list[Step]) -> None:
    answer = manager_api.patch(f"/api/steps/{steps[0].pk}", {"body": ""})
    assert answer.status_code == 400
    assert "has no body" in answer.json()["errors"]["steps"][0]["body"][0]


def test_an_edit_takes_the_same_statements_for_any_number_of_enrollments(
    manager_api: APIClient, steps: list[Step], django_assert_max_num_queries: Any
) -> None:
    for _ in range(40):
        waits_at(steps[1])
    with django_assert_max_num_queries(60):
        answer = manager_api.patch(f"/api/steps/{steps[1].pk}", {"delay_days": 5})
    assert impact(answer) == counts(in_it=40, replanned=40)
