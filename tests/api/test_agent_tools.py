"""The tools for agents that change more than enrollments: each tells its impact first, and does what it told."""

from __future__ import annotations

from typing import Any

import pytest

from emails.models import EmailMessage, ExternalEvent, MailboxPool
from execution.agents.previews import count_changes
from sequences.choices import Role
from sequences.models import Contact, Enrollment, TimeOff, Workspace
from tests.api.test_agents import Agent, make_agent
from tests.factories import (
    NOW,
    ContactFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory(name="Acme")
    return made


@pytest.fixture
def agent(workspace: Workspace) -> Agent:
    return make_agent(workspace)


def confirm(agent: Agent, tool: str, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The preview, and what the confirmed call answers."""
    shown = agent.use(tool, **given)
    assert (shown["is_error"], shown["is_preview"], shown["impact"]["is_dry_run"]) == (False, True, True)
    done = agent.use(tool, **given, confirm=shown["confirm"])
    assert not done["is_error"], done
    return shown, done


def test_an_event_tells_whose_goal_it_may_meet_and_is_recorded_once(agent: Agent, workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="grace@prospect.example")
    meant = EnrollmentFactory(
        contact=contact, sequence__workspace=workspace, sequence__goal={"event": "meeting_booked"}
    )
    EnrollmentFactory(contact=contact, sequence__workspace=workspace)
    given = {"type": "meeting_booked", "email": "Grace@prospect.example"}
    shown = agent.use("record_event", **given)
    assert (shown["impact"]["enrollments"], shown["impact"]["id"], shown["changes"]) == ([meant.pk], None, 1)
    assert not ExternalEvent.objects.exists()
    done = agent.use("record_event", **given, confirm=shown["confirm"])
    assert (done["contact"], done["enrollments"]) == (contact.pk, [meant.pk])
    assert agent.use("record_event", **given, confirm=shown["confirm"])["id"] == done["id"]
    assert ExternalEvent.objects.get().actor == "agent Scout for ada@sender.example"
    assert [row["id"] for row in agent.use("list_external_events", type="meeting_booked")["results"]] == [done["id"]]


def test_emails_are_read_and_settled(agent: Agent, workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence__workspace=workspace)
    unknown = EmailMessageFactory(
        enrollment=enrollment, status="unknown", unknown_at=NOW, handed_over_at=NOW, subject="Hello"
    )
    SentMessageFactory()
    (listed,) = agent.use("list_messages", status="unknown")["results"]
    assert (listed["id"], agent.use("read_message", id=unknown.pk)["subject"]) == (unknown.pk, "Hello")
    confirm(agent, "resolve_message", id=unknown.pk, **{"as": "sent"})
    assert EmailMessage.objects.get(pk=unknown.pk).status == "sent"


def test_time_off_tells_whose_emails_wait(agent: Agent, workspace: Workspace) -> None:
    given = {"from": "2026-03-09", "to": "2026-03-13"}
    shown, _ = confirm(agent, "enter_time_off", **given)
    assert shown["impact"]["impact"] == {"enrollments": 0, "emails": 0}
    assert TimeOff.objects.get().owner == agent.user
    assert [row["from"] for row in agent.use("list_time_off")["results"]] == ["2026-03-09"]


def test_enrollments_move_to_other_mailboxes_of_a_pool(agent: Agent, workspace: Workspace) -> None:
    old, new = (MailboxFactory(workspace=workspace, owner=agent.user) for _ in range(2))
    pool = MailboxPool.objects.create(workspace=workspace, name="Team", created_at=NOW, updated_at=NOW)
    pool.mailboxes.set([old, new])
    enrollment = EnrollmentFactory(sequence__workspace=workspace, mailbox=old, pool=pool, owner=agent.user)
    assert [row["name"] for row in agent.use("list_pools")["results"]] == ["Team"]
    shown, _ = confirm(agent, "rehome", id=pool.pk, **{"from": old.address})
    assert shown["changes"] == 1
    assert Enrollment.objects.get(pk=enrollment.pk).mailbox == new


def test_a_contact_is_saved_by_its_address(agent: Agent, workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="grace@prospect.example", title="")
    confirm(agent, "save_contact", email="grace@prospect.example", title="Rear Admiral")
    assert Contact.objects.get(pk=contact.pk).title == "Rear Admiral"
    confirm(agent, "save_contact", email="ada@prospect.example")
    assert Contact.objects.count() == 2


def test_rights_are_those_of_the_person(workspace: Workspace) -> None:
    agent = make_agent(workspace, Role.SDR)
    pool = MailboxPool.objects.create(workspace=workspace, name="Team", created_at=NOW, updated_at=NOW)
    mailbox = MailboxFactory(workspace=workspace)
    assert agent.use("rehome", id=pool.pk, **{"from": mailbox.address})["status"] == 403
    foreign = ContactFactory(email="far@elsewhere.example")
    assert agent.use("record_event", type="meeting_booked", email=foreign.email)["status"] == 400
    assert agent.use("read_message", id=SentMessageFactory().pk)["status"] == 404


@pytest.mark.parametrize(
    ("impact", "changes"),
    [
        ({"would_enroll": 4}, 4), ({"changed": [1, 2]}, 2), ({"enrollments": [7]}, 1), ({"enrollments": []}, 1),
        ({"impact": {"enrollments": 3, "emails": 9}}, 3), ({"impact": None}, 1), ([], 1),
    ],
)  # fmt: skip
def test_what_counts_for_the_budget(impact: Any, changes: int) -> None:
    assert count_changes(impact) == changes
