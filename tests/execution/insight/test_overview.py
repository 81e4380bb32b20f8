"""The admin's overview: its figures, the next step it names, and its statements."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from freezegun import freeze_time

from execution.control.switches import pause_executor
from execution.insight.alerts import find_troubles
from execution.insight.overview import read_overview
from execution.models import ExecutionLog
from sequences.models import Enrollment, Workspace
from tests.factories import (
    NOW,
    DeadLetterFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SequenceFactory,
    StepFactory,
    WorkerFactory,
    WorkspaceFactory,
)
from tests.support.admin_pages import log_in_staff
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory()
    return made


def look(client: Client) -> str:
    with freeze_time(NOW):
        answer = client.get(reverse("admin:index"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_items_that_need_review_are_highlighted(workspace: Workspace) -> None:
    client = log_in_staff(workspace)
    MailboxFactory(workspace=workspace, address="sick@sender.example", status="broken", status_reason="login refused")
    DeadLetterFactory(enrollment__sequence__workspace=workspace)
    assert "No executor is running" in look(client)
    with freeze_time(NOW):
        WorkerFactory(name="host:7", heartbeat_at=NOW)
    pause_executor(actor="sam", now=NOW, reason="bad list")
    page = look(client)
    for text in ("The executor is paused", "bad list", "sick@sender.example", "login refused", "host:7"):
        assert text in page
    assert "No executor is running" not in page


def test_the_last_day_is_shown_hour_by_hour(workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence=StepFactory(sequence__workspace=workspace).sequence)
    for hours in (0, 0, 3, 30):
        ExecutionLog.objects.create(
            workspace=workspace, enrollment=enrollment, at=NOW - timedelta(hours=hours, minutes=1), action="executed",
            step_type="email", actor="engine", message="sent",
        )  # fmt: skip
    overview = read_overview([workspace.pk], NOW + timedelta(minutes=30))
    assert len(overview.hours) == 24
    assert [(hour.at.hour, hour.sent) for hour in overview.hours if hour.sent] == [(6, 1), (9, 2)]
    assert overview.sent_last_day == 3


def test_empty_charts_have_a_text(workspace: Workspace) -> None:
    client = log_in_staff(workspace)
    page = look(client)
    assert "No emails sent in the last 24 hours." in page and "No emails due in the last 24 hours." in page
    assert "se-chart" not in page
    at = NOW - timedelta(minutes=90)
    step = StepFactory(sequence__workspace=workspace)
    enrollment = EnrollmentFactory(sequence=step.sequence)
    EmailMessageFactory(enrollment=enrollment, step=step, queued_at=at, due_at=at - timedelta(milliseconds=40))
    for action in ("queued", "executed"):
        ExecutionLog.objects.create(
            workspace=workspace, enrollment=enrollment, step=step, at=at, action=action, step_type="email",
            actor="engine", message="",
        )  # fmt: skip
    page = look(client)
    assert page.count('class="se-chart"') == 2
    assert ": 1 email<" in page and ": p95 40 ms<" in page
    assert "No emails sent" not in page and "No emails due" not in page


def test_other_workspaces_are_not_in_it(workspace: Workspace) -> None:
    other = DeadLetterFactory().workspace
    MailboxFactory(workspace=other, status="broken", status_reason="login", address="theirs@sender.example")
    page = look(log_in_staff(workspace))
    assert "theirs@sender.example" not in page
    overview = read_overview([workspace.pk], NOW)
    assert overview.status.quarantined == 0 and overview.lanes == ()


def test_the_overview_takes_the_same_statements_for_any_number_of_rows(workspace: Workspace) -> None:
    def cost() -> int:
        with count_statements() as statements:
            read_overview([workspace.pk], NOW)
        return statements.count

    few = cost()
    step = StepFactory(sequence__workspace=workspace)
    for _ in range(30):
        EnrollmentFactory(sequence=step.sequence, mailbox=MailboxFactory(workspace=workspace))
    assert Enrollment.objects.count() == 30
    assert cost() == few < 20


def test_a_late_queue_raises_an_alert_that_states_whether_workers_run(workspace: Workspace) -> None:
    EnrollmentFactory(sequence=StepFactory(sequence__workspace=workspace).sequence, wake_at=NOW)
    assert find_troubles(NOW + timedelta(minutes=4)) == []
    late = NOW + timedelta(minutes=6)
    (gone,) = find_troubles(late)
    assert gone.key == "executor:gone" and "1 enrollment has been due" in gone.title
    WorkerFactory(name="host:7", heartbeat_at=late)
    (slow,) = find_troubles(late)
    assert slow.key == "queue:late" and slow.workspace_id is None
    pause_executor(actor="sam", now=NOW)
    assert find_troubles(late) == []


def test_check_reports_that_no_executor_runs(workspace: Workspace, settings: Any, mailoutbox: list[Any]) -> None:
    settings.ALERT_EMAILS = ["ops@acme.example"]
    EnrollmentFactory(sequence=StepFactory(sequence__workspace=workspace).sequence, wake_at=NOW)
    with freeze_time(NOW + timedelta(minutes=6)):
        for _ in range(2):
            with pytest.raises(CommandError, match="not healthy"):
                call_command("run_executor", "--check", stdout=StringIO())
    (mail,) = mailoutbox
    assert mail.subject.startswith("No executor is running")


def test_a_jump_of_quarantines_raises_an_alert() -> None:
    calm, jumping = SequenceFactory(), SequenceFactory()
    for sequence, recent, before in ((calm, 10, 60), (jumping, 10, 4)):
        DeadLetterFactory.create_batch(recent, enrollment__sequence=sequence, created_at=NOW)
        earlier = NOW - timedelta(minutes=30)
        DeadLetterFactory.create_batch(before, enrollment__sequence=sequence, created_at=earlier)
    (found,) = [each for each in find_troubles(NOW) if each.key.startswith("quarantine_jump")]
    assert found.workspace_id == jumping.workspace_id
    assert "10 in 10 minutes, 4 in the hour before" in found.title
    assert not [each for each in find_troubles(NOW + timedelta(minutes=11)) if each.key.startswith("quarantine_jump")]
