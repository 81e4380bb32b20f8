"""A goal that is met ends the enrollment at once, whatever meets it and whatever the enrollment waits for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from emails.facts.external_events import record_external_event
from emails.facts.scores import mark_scores_due, refresh_scores
from emails.models import EmailMessage
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import take_lane
from execution.control.edit import EditOptions, edit_sequence
from execution.control.enrollments import pause_enrollments
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.insight.explain import explain_enrollments
from execution.insight.sequence_stats import read_stats
from execution.models import ExecutionLog
from sequences.authoring.queries import load_draft
from sequences.contacts.operations import change_row
from sequences.models import Enrollment
from tests.factories import NOW, EmailEventFactory, EnrollmentFactory, ExecutorStateFactory, StepFactory

pytestmark = pytest.mark.django_db


def start(**goal: Any) -> Enrollment:
    """At an email that is due next week."""
    ExecutorStateFactory()
    step = StepFactory(sequence__goal=goal, delay_days=7)
    made: Enrollment = EnrollmentFactory(
        sequence=step.sequence, next_step_at=NOW + timedelta(days=7), wake_at=NOW + timedelta(days=7)
    )
    return made


def book(person: Enrollment, at: Any = NOW) -> None:
    record_external_event(
        person.contact, event_key=f"{at}", event_type="meeting_booked", occurred_at=at, actor="crm", now=NOW
    )


def raise_score(person: Enrollment) -> None:
    EmailEventFactory(message__enrollment=person, type="clicked", at=NOW)
    mark_scores_due([person.contact_id], NOW)
    refresh_scores(NOW)


def win(person: Enrollment) -> None:
    change_row(person.contact, {"fields": {"stage": "Won"}}, NOW)


def change_goal(person: Enrollment) -> None:
    from dataclasses import replace

    draft = replace(load_draft(person.sequence), goal={"field": "title", "operator": "is_not_set"})
    edit_sequence(person.sequence, draft, EditOptions(), actor="ada", now=NOW)


@pytest.mark.parametrize(
    ("goal", "happens", "says"),
    [
        ({"event": "meeting_booked"}, book, "The goal is met: external event meeting_booked"),
        ({"score": 30}, raise_score, "The goal is met: engagement score 30 is at least 30"),
        ({"field": "stage", "value": "won"}, win, "The goal is met: stage equals 'won' (it is 'Won')"),
        ({"score": 99}, change_goal, "The goal is met: title is not set (it is '')"),
    ],
)
@pytest.mark.parametrize("is_paused", [False, True])
def test_what_meets_the_goal_ends_the_enrollment_at_once(
    goal: dict[str, Any], happens: Callable[[Enrollment], None], says: str, is_paused: bool
) -> None:
    person = start(**goal)
    if is_paused:
        pause_enrollments([person.pk], actor="ada", now=NOW)
    happens(person)
    assert explain_enrollments([person.pk], NOW)[person.pk][0].code == "goal_met"
    run_tick(NOW, 10, Policy())
    person.refresh_from_db()
    assert (person.status, person.auto_exit_reason, person.wake_at) == ("auto_exited", "goal_met", None)
    line = ExecutionLog.objects.get(enrollment=person, action="exited")
    assert (line.message, line.details["reason"]) == (says, "goal_met")
    stats = read_stats(person.sequence_id)
    assert (stats.people, stats.exits) == ({"auto_exited": 1}, {"goal_met": 1})


def test_what_was_before_the_enrollment_or_is_of_another_type_or_contact_ends_nothing() -> None:
    person = start(event="meeting_booked")
    book(person, NOW - timedelta(seconds=1))
    record_external_event(
        person.contact, event_key="x", event_type="meeting_moved", occurred_at=NOW, actor="crm", now=NOW
    )
    book(EnrollmentFactory(workspace=person.workspace, sequence=person.sequence), NOW)
    run_tick(NOW, 10, Policy())
    person.refresh_from_db()
    assert person.status == "active"


@pytest.mark.django_db(transaction=True)
def test_a_field_changed_after_deciding_withholds_the_email() -> None:
    person = start(field="stage", value="won")
    Enrollment.objects.update(next_step_at=NOW, wake_at=NOW)
    run_tick(NOW, 10, Policy())
    win(person)
    lease = take_lane(NOW, "tests")
    assert lease is not None
    from django.db import transaction

    with transaction.atomic():
        assert claim_chunk(lease, NOW, 1).message_ids == ()
    message = EmailMessage.objects.get()
    assert (message.status, message.withheld_reason) == ("withheld", "goal_met")
