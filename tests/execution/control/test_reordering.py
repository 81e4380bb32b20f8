"""Reordering a running sequence: no text is repeated or missed, and the impact counts both."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from emails.models import EmailMessage
from execution.control.edit import EditOptions, edit_sequence, store_sequence
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.models import ExecutionLog
from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.queries import load_draft
from sequences.authoring.step_fields import StepDraft
from sequences.models import Enrollment, Sequence, Step
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, MembershipFactory, SequenceFactory, TaskFactory
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = {
    "Ferry": "The ferry leaves at nine from pier four.",
    "Bridge": "The bridge is the other way across, and free.",
    "Tunnel": "The tunnel is new, and dark.",
    "Ford": "At low water there is a ford.",
}
WORDS = list(TEXTS)


def draft(order: Any, *, name: str = "Crossing", **texts: str) -> SequenceDraft:
    """Emails in that order, in the rhythm 0, 2, 4 and 1 days, which stays with the places."""
    steps = (
        StepDraft(key=f"#{place}", type="email", subject=word, body=(TEXTS | texts)[word], delay_days=days)
        for place, (word, days) in enumerate(zip(order, (0, 2, 4, 1), strict=False))
    )
    return SequenceDraft(name=name, window={"timezone": "UTC", "mon-sun": ["00:00-24:00"]}, steps=tuple(steps))


@pytest.fixture
def server() -> Any:
    with MailServer() as running:
        yield running


def start(server: MailServer, order: Any = WORDS) -> tuple[Sequence, DrivenClock]:
    """One contact, who has had the first email when the clock stands still."""
    sequence = SequenceFactory(name="Crossing")
    stored = store_sequence(sequence.workspace, draft(order), activate=True, actor="ada", now=NOW)
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    EnrollmentFactory(sequence=stored.saved.sequence, mailbox=mailbox)
    clock = DrivenClock()
    clock.run()
    clock.pass_by(hours=1)
    return stored.saved.sequence, clock


def finish(clock: DrivenClock) -> list[str]:
    clock.run_through(NOW + timedelta(days=60))
    assert Enrollment.objects.get().status == "completed"
    return list(EmailMessage.objects.filter(status="sent").order_by("sent_at", "id").values_list("subject", flat=True))


@pytest.mark.parametrize("order", [order for order in permutations(WORDS) if list(order) != WORDS])
def test_every_order_brings_each_text_once(server: MailServer, order: tuple[str, ...]) -> None:
    sequence, clock = start(server)
    stored = store_sequence(sequence.workspace, draft(order), activate=True, actor="ada", now=clock.now)
    assert stored.would_miss == 0
    sent = finish(clock)
    assert (sent[0], sorted(sent)) == ("Ferry", sorted(WORDS))


def test_a_correction_on_the_way_is_the_same_text(server: MailServer) -> None:
    sequence, clock = start(server)
    corrected = draft(["Bridge", "Ferry", "Tunnel", "Ford"], Ferry="The ferry leaves at ten from pier four.")
    stored = store_sequence(sequence.workspace, corrected, activate=True, actor="ada", now=clock.now)
    assert (stored.would_repeat, stored.would_miss) == (1, 0)
    assert finish(clock) == ["Ferry", "Bridge", "Tunnel", "Ford"]


def test_an_email_that_waits_in_the_outbox_leaves_after_what_comes_before_it_now(server: MailServer) -> None:
    sequence, clock = start(server)
    clock.pass_by(days=2)
    run_tick(clock.now, 10, Policy())
    assert EmailMessage.objects.filter(status="queued").count() == 1
    order = ["Ferry", "Tunnel", "Bridge", "Ford"]
    store_sequence(sequence.workspace, draft(order), activate=True, actor="ada", now=clock.now)
    assert finish(clock) == ["Ferry", "Tunnel", "Bridge", "Ford"]


def test_an_open_task_stays_and_the_missed_step_is_reported(server: MailServer) -> None:
    sequence, clock = start(server)
    stored = load_draft(sequence)
    call = StepDraft(key="call", type="task", instructions="Call.", wait_for_completion=True)
    with_call = SequenceDraft(**{**_own(stored), "steps": (stored.steps[0], call, *stored.steps[1:])})
    edit_sequence(sequence, with_call, EditOptions(past=frozenset({"call"})), actor="ada", now=clock.now)
    step = Step.objects.get(type="task")
    person = Enrollment.objects.get()
    assert person.current_step_id == step.pk
    TaskFactory(enrollment=person, step=step, visit=person.visit)
    stored = load_draft(sequence)
    steps = (stored.steps[3], stored.steps[0], stored.steps[1], stored.steps[2], stored.steps[4])
    edited = SequenceDraft(**{**_own(stored), "steps": steps})
    result = edit_sequence(sequence, edited, EditOptions(), actor="ada", now=clock.now, dry_run=True)
    assert (result.moved, result.would_miss) == (0, 1)
    assert "step 1: 1 contact would miss it" in result.warnings[-1]


def _own(stored: SequenceDraft) -> dict[str, Any]:
    return {"name": stored.name, "window": stored.window}


def test_command_and_api_move_alike_and_report_the_moves(server: MailServer, tmp_path: Path) -> None:
    sequence, clock = start(server)
    member = MembershipFactory(workspace=sequence.workspace, role="manager")
    order = ["Tunnel", "Bridge", "Ford", "Ferry"]
    result = {"in_it": 1, "moved": 1, "exited": 0, "would_repeat": 1, "would_miss": 0}

    out = StringIO()
    (tmp_path / "crossing.yaml").write_text(_as_yaml(order))
    command = ("import_sequence", str(tmp_path / "crossing.yaml"), "--workspace", sequence.workspace.slug)
    call_command(*command, "--dry-run", "--json", stdout=out)
    found = json.loads(out.getvalue())["sequences"][0]
    assert result.items() <= found.items()
    out = StringIO()
    call_command(*command, "--dry-run", stdout=out)
    assert "would repeat 1, would miss 0" in out.getvalue()

    api = APIClient()
    api.force_authenticate(member.user)
    values = [
        {"type": "email", "subject": word, "body": TEXTS[word], "delay_days": days}
        for word, days in zip(order, (0, 2, 4, 1), strict=True)
    ]
    answer = api.patch(f"/api/sequences/{sequence.pk}?dry_run=1", {"steps": values}, format="json")
    assert result.items() <= answer.json()["impact"].items()
    answer = api.patch(f"/api/sequences/{sequence.pk}", {"steps": values}, format="json")
    assert result.items() <= answer.json()["impact"].items()
    assert [step["subject"] for step in answer.json()["steps"]] == order

    moved = ExecutionLog.objects.get(action="moved")
    assert moved.message == "the order of steps changed: goes on at step 1, not had yet"
    assert sorted(finish(clock)) == sorted(WORDS)


def _as_yaml(order: list[str]) -> str:
    steps = "".join(
        f"- email: {{subject: {word}, body: '{TEXTS[word]}', delay: {{days: {days}}}}}\n"
        for word, days in zip(order, (0, 2, 4, 1), strict=True)
    )
    return f"name: Crossing\nwindow: {{timezone: UTC, mon-sun: ['00:00-24:00']}}\nsteps:\n{steps}"
