"""The first page by role: an SDR's day, a manager's team, an operator's overview, in a bounded number of statements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from freezegun import freeze_time

from execution.insight.home import read_day
from execution.insight.team import read_team
from sequences.models import Membership, Workspace
from tests import factories
from tests.factories import NOW
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db
END = NOW + timedelta(hours=6)
ENGINE = ("Queue depth", "Processing", "Completed (last hour)", "Errors (last hour)")


def join(workspace: Workspace, role: str, name: str = "nora") -> Any:
    user: Any = factories.UserFactory(
        username=f"{name}@sender.example", email=f"{name}@sender.example", first_name=name.title(), is_staff=True
    )
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user


def open_home(user: Any) -> str:
    client = Client()
    client.force_login(user)
    with freeze_time(NOW):
        answer = client.get(reverse("admin:index"))
    assert answer.status_code == 200
    return answer.content.decode()


def make_day(workspace: Workspace, owner: Any, number: int = 1) -> dict[str, list[Any]]:
    """So many of everything that an SDR's day shows, all due today."""
    step: Any = factories.StepFactory(sequence__workspace=workspace)
    mailbox: Any = factories.MailboxFactory(workspace=workspace, owner=owner)
    made: dict[str, list[Any]] = {"queued": [], "paused": [], "tasks": [], "replies": []}
    due: Any = {"sequence": step.sequence, "mailbox": mailbox, "owner": owner, "current_step": step}
    for _ in range(number):
        contact = factories.ContactFactory(workspace=workspace, engagement_score=40)
        row: Any = factories.EnrollmentFactory(**due, contact=contact, next_step_at=NOW - timedelta(minutes=5))
        factories.EmailMessageFactory(enrollment=row, step=step, mailbox=mailbox, owner=owner)
        made["queued"].append(row)
        made["paused"].append(
            factories.PausedEnrollmentFactory(**due, next_step_at=NOW, pause_reason="trade fair", paused_by="nora")
        )
        made["tasks"].append(factories.TaskFactory(enrollment=row, assignee=owner, due_at=NOW, title="Call Bob"))
        answered = factories.SentMessageFactory(enrollment=row, step=step, mailbox=mailbox, owner=owner, visit=7)
        made["replies"].append(factories.ReplyFactory(message=answered, text="Please send prices"))
    return made


def test_an_sdr_finds_replies_tasks_hot_contacts_and_what_leaves_today() -> None:
    workspace: Workspace = factories.WorkspaceFactory()
    factories.WorkerFactory(heartbeat_at=NOW)
    nora, other = join(workspace, "sdr"), join(workspace, "sdr", "samir")
    made = make_day(workspace, nora)
    make_day(workspace, other)
    page = open_home(nora)
    for text in ("Replies to answer (1)", "Please send prices", "Tasks due today (1)", "Call Bob", "trade fair"):
        assert text in page
    assert "Emails that leave today (1)" in page and "Held today (1)" in page and "score 40" in page
    assert reverse("admin:emails_reply_change", args=[made["replies"][0].pk]) in page
    assert reverse("admin:sequences_enrollment_change", args=[made["queued"][0].pk]) in page
    assert not [text for text in (*ENGINE, "Who needs help") if text in page]


def test_an_empty_day_says_what_comes_next() -> None:
    page = open_home(join(factories.WorkspaceFactory(), "sdr"))
    for text in ("No replies to answer", "No tasks due today", "No more emails leave today", "Nothing is held"):
        assert text in page


def test_a_manager_finds_rates_and_who_needs_help() -> None:
    workspace: Workspace = factories.WorkspaceFactory()
    boss, nora = join(workspace, "manager", "mara"), join(workspace, "sdr")
    step: Any = factories.StepFactory(sequence__workspace=workspace, sequence__name="Warm intro")
    mailbox: Any = factories.MailboxFactory(workspace=workspace, owner=nora)
    sent_at = NOW - timedelta(days=2)
    for kind in ("", "", "replied", "bounced"):
        row: Any = factories.EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, owner=nora)
        message = factories.SentMessageFactory(
            enrollment=row, step=step, mailbox=mailbox, owner=nora, handed_over_at=sent_at, sent_at=sent_at
        )
        if kind:
            event: Any = {"bounce_type": "hard"} if kind == "bounced" else {}
            factories.EmailEventFactory(message=message, enrollment=row, type=kind, recorded_at=sent_at, **event)
    factories.TaskFactory(enrollment=row, assignee=nora, due_at=NOW - timedelta(days=3))
    team = read_team([workspace.pk], NOW, "UTC")
    for rates in (team.sequences, team.owners, team.mailboxes, team.weeks):
        (only,) = rates
        assert (only.sent, only.delivered, only.replied, only.opted_out) == (4, 3, 1, 0)
        assert only.reply_rate == 33.3
    assert [(one.name, one.tasks) for one in team.help] == [(nora.get_full_name(), 1)]
    page = open_home(boss)
    for text in ("Who needs help", "Warm intro", mailbox.address.replace("@", "@<wbr>"), "33.3 %", *ENGINE):
        assert text in page


def test_a_stranger_who_operates_sees_the_installation_and_no_ones_data() -> None:
    letter: Any = factories.DeadLetterFactory(enrollment__sequence__name="Secret plan")
    factories.MailboxFactory(
        workspace=letter.workspace, status="broken", status_reason="login", address="theirs@sender.example"
    )
    factories.AlertFactory(workspace=letter.workspace, title="theirs is broken")
    factories.AlertFactory(workspace=None, title="The queue is late")
    factories.ExecutorStateFactory()
    operator: Any = factories.UserFactory(is_staff=True)
    group = Group.objects.create(name="Operators")
    group.permissions.set(Permission.objects.filter(codename="operate_executor"))
    operator.groups.add(group)
    page = open_home(operator)
    for text in (*ENGINE, "The queue is late", "1 broken"):
        assert text in page
    assert not [text for text in ("theirs", "Secret plan", "You belong to no workspace") if text in page]
    client = Client()
    client.force_login(operator)
    assert client.get(reverse("admin:emails_executorstate_change", args=[1])).status_code == 200
    assert client.get(reverse("admin:execution_worker_changelist")).status_code == 200
    assert client.get(reverse("admin:sequences_contact_changelist")).status_code == 403


def test_the_day_and_the_team_take_as_many_statements_for_any_number_of_rows() -> None:
    workspace: Workspace = factories.WorkspaceFactory()
    nora = join(workspace, "sdr")

    def count() -> tuple[int, int]:
        with count_statements() as day:
            read_day(nora.pk, [workspace.pk], NOW, END)
        with count_statements() as team:
            read_team([workspace.pk], NOW, "UTC")
        return day.count, team.count

    make_day(workspace, nora)
    few = count()
    make_day(workspace, nora, 30)
    assert count() == few
    assert few[0] < 20 and few[1] == 2
