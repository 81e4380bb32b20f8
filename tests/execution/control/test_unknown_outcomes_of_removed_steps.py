"""A step is removed or skipped while the outcome of its email is unknown: its enrollment goes on without it."""

from __future__ import annotations

from typing import Literal

import pytest

from emails.models import EmailMessage
from execution.control.edit import store_sequence
from execution.control.enrollments import retry_enrollments, skip_steps
from execution.control.switches import resolve_message
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.models import DeadLetter
from sequences.models import Enrollment, Sequence, Step, Workspace
from sequences.yaml.form import parse_text
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

HEAD = 'name: Intro\nwindow: {timezone: UTC, mon-sun: ["00:00-24:00"]}\nsteps:\n'
FIRST = '  - email: {subject: "Hello", body: "One."}\n'
UNKNOWN = "  - email: {body: Two., delay: {days: 1}}\n"
LAST = "  - task: {name: Call, type: call}\n"


def store(workspace: Workspace, text: str) -> Sequence:
    draft = parse_text("f.yaml", text.encode()).draft
    return store_sequence(workspace, draft, activate=True, actor="ada", now=NOW).saved.sequence


@pytest.mark.parametrize(("answer", "settled"), [("sent", "sent"), ("resend", "withheld")])
@pytest.mark.parametrize(
    ("rest", "ends_as", "resolution"), [(LAST, "active", "replayed"), ("", "completed", "skipped")]
)
def test_enrollments_of_a_removed_step_stay_held_until_resolved(
    rest: str, ends_as: str, resolution: str, answer: Literal["sent", "resend"], settled: str
) -> None:
    workspace = WorkspaceFactory()
    sequence = store(workspace, HEAD + FIRST + UNKNOWN + rest)
    enrollment = EnrollmentFactory(sequence=sequence, current_step=Step.objects.get(sequence=sequence, number=2))
    message = EmailMessageFactory(enrollment=enrollment, status="unknown", unknown_at=NOW, handed_over_at=NOW)
    run_tick(NOW, 10, Policy(evidence_minutes=0))
    assert Enrollment.objects.get().status == "quarantined"

    store(workspace, HEAD + FIRST + rest)
    run_tick(NOW, 10, Policy())
    assert Enrollment.objects.get().status == "quarantined"
    refused = retry_enrollments([enrollment.pk], actor="ada", now=NOW).refused
    assert "delivery is unconfirmed" in refused[enrollment.pk]

    resolve_message(message, answer, actor="ada", now=NOW)
    run_tick(NOW, 10, Policy())
    assert Enrollment.objects.get().status == ends_as
    assert DeadLetter.objects.get().resolution == resolution
    assert EmailMessage.objects.get(pk=message.pk).status == settled


def test_an_email_whose_step_was_skipped_does_not_leave_behind_the_next_one() -> None:
    workspace = WorkspaceFactory()
    sequence = store(workspace, HEAD + FIRST + UNKNOWN)
    enrollment = EnrollmentFactory(sequence=sequence, current_step=Step.objects.get(sequence=sequence, number=1))
    message = EmailMessageFactory(enrollment=enrollment, status="unknown", unknown_at=NOW, handed_over_at=NOW)
    run_tick(NOW, 10, Policy(evidence_minutes=0))
    skip_steps([enrollment.pk], actor="ada", now=NOW)

    resolve_message(message, "resend", actor="ada", now=NOW)
    assert (message.status, message.withheld_reason) == ("withheld", "skipped")
    run_tick(NOW, 10, Policy())
    assert list(Enrollment.objects.values_list("status", "current_step__number")) == [("active", 2)]
