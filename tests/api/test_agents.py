"""The tools for agents: previews, tokens, budgets, names in the log, and the protocol by its official client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.test import Client as Browser

from execution.agents.catalogue import TOOLS
from execution.agents.schemas import input_schemas
from execution.control.keys import make_key
from execution.models import AgentDay, ExecutionLog
from sequences.choices import EnrollmentStatus, Role, SequenceStatus
from sequences.models import Enrollment, Workspace
from tests.api.conftest import Traveller
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    StepFactory,
    SuppressionFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_loop() -> Iterator[None]:
    """Playwright, once started in this process, keeps its event loop running in the thread of the tests."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@dataclass
class Agent:
    """A key named "Scout" of a user, and calls with it."""

    user: Any
    key: str

    def post(self, method: str, params: dict[str, Any], **headers: str) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        given = {"Accept": "application/json, text/event-stream", "Authorization": f"Token {self.key}", **headers}
        return Browser().post("/mcp", json.dumps(body), content_type="application/json", headers=given)

    def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What the tool answers; with `is_error` when it refuses."""
        result = self.post("tools/call", {"name": tool, "arguments": arguments}).json()["result"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return {**result["structuredContent"], "is_error": result["isError"]}


def make_agent(workspace: Workspace, role: Role = Role.MANAGER) -> Agent:
    user: Any = UserFactory(email="ada@sender.example")
    MembershipFactory(workspace=workspace, user=user, role=role)
    return Agent(user, make_key(user, "Scout", None, NOW)[1])


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory(name="Acme")
    return made


@pytest.fixture
def agent(workspace: Workspace) -> Agent:
    return make_agent(workspace)


def make_sequence(workspace: Workspace) -> Any:
    step = StepFactory(sequence__workspace=workspace, sequence__status=SequenceStatus.ACTIVE)
    MailboxFactory(workspace=workspace, address="ada@sender.example")
    return step.sequence


def test_what_a_tool_takes_is_what_the_api_takes() -> None:
    for name, schema in input_schemas().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
        assert ("confirm" in schema["properties"]) == (name in TOOLS and TOOLS[name].changes_data)
    enroll = input_schemas()["enroll"]
    assert {"sequence", "contacts", "emails", "mailbox", "again"} <= set(enroll["properties"])
    assert "dry_run" not in enroll["properties"]


def test_search_finds_what_the_user_may_see(agent: Agent, workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="grace@prospect.example")
    ContactFactory(email="grace@elsewhere.example")
    found = agent.use("search", text="grace")
    assert [row["id"] for row in found["contacts"]] == [contact.pk]
    assert found["sequences"] == []


def test_a_change_needs_the_token_of_its_preview(agent: Agent, workspace: Workspace) -> None:
    sequence, contacts = make_sequence(workspace), ContactFactory.create_batch(2, workspace=workspace)
    given = {"sequence": sequence.pk, "contacts": [row.pk for row in contacts], "mailbox": "ada@sender.example"}
    shown = agent.use("enroll", **given)
    assert (shown["is_preview"], shown["changes"], shown["impact"]["is_dry_run"]) == (True, 2, True)
    assert not Enrollment.objects.exists()
    done = agent.use("enroll", **given, confirm=shown["confirm"])
    assert not done["is_error"]
    assert set(Enrollment.objects.values_list("contact_id", flat=True)) == set(given["contacts"])
    log = ExecutionLog.objects.filter(enrollment__contact=contacts[0]).earliest("pk")
    assert log.actor == "agent Scout for ada@sender.example"
    # the same call again answers the same and changes nothing
    assert agent.use("enroll", **given, confirm=shown["confirm"]) == done
    assert Enrollment.objects.count() == 2
    assert AgentDay.objects.get().changes == 2
    desk = Browser()
    desk.force_login(agent.user)
    assert [key.changes_today for key in desk.get("/admin/execution/apikey/").context["cl"].result_list] == [2]


def test_a_token_allows_its_own_call_only(agent: Agent, workspace: Workspace, clock: Traveller) -> None:
    first, second = (EnrollmentFactory(sequence__workspace=workspace) for _ in range(2))
    other = make_agent(workspace)
    token = agent.use("pause_enrollment", id=first.pk, reason="on holiday")["confirm"]

    def code(by: Agent, **given: Any) -> str:
        return str(by.use("pause_enrollment", **given)["code"])

    assert code(agent, id=second.pk, reason="on holiday", confirm=token) == "preview_of_another_call"
    assert code(agent, id=first.pk, reason="another", confirm=token) == "preview_of_another_call"
    assert code(other, id=first.pk, reason="on holiday", confirm=token) == "preview_of_another_call"
    assert code(agent, id=first.pk, reason="on holiday", confirm="made up") == "preview_unknown"
    clock.move_to(NOW + timedelta(minutes=16))
    assert code(agent, id=first.pk, reason="on holiday", confirm=token) == "preview_expired"
    assert not Enrollment.objects.filter(status=EnrollmentStatus.PAUSED).exists()


def test_an_impact_that_has_changed_is_shown_again(agent: Agent, workspace: Workspace) -> None:
    sequence, contact = make_sequence(workspace), ContactFactory(workspace=workspace)
    given = {"sequence": sequence.pk, "contacts": [contact.pk], "mailbox": "ada@sender.example"}
    token = agent.use("enroll", **given)["confirm"]
    SuppressionFactory(workspace=workspace, email=contact.email)
    refused = agent.use("enroll", **given, confirm=token)
    assert (refused["status"], refused["code"]) == (409, "impact_changed")
    assert not Enrollment.objects.exists()


def test_a_key_changes_no_more_rows_a_day_than_its_budget(
    agent: Agent, workspace: Workspace, settings: Any, clock: Traveller
) -> None:
    settings.AGENT_DAILY_CHANGES = 2
    rows = [EnrollmentFactory(sequence__workspace=workspace) for _ in range(3)]
    given = {"action": "pause", "ids": [row.pk for row in rows]}
    shown = agent.use("change_enrollments", **given)
    assert (shown["changes"], shown["changes_left_today"]) == (3, 2)
    refused = agent.use("change_enrollments", **given, confirm=shown["confirm"])
    assert (refused["status"], refused["code"]) == (429, "budget_spent")
    assert not Enrollment.objects.filter(status=EnrollmentStatus.PAUSED).exists()
    settings.AGENT_DAILY_CHANGES = 3
    assert not agent.use("change_enrollments", **given, confirm=shown["confirm"])["is_error"]
    assert agent.use("resume_enrollment", id=rows[0].pk)["changes_left_today"] == 0
    clock.move_to(NOW + timedelta(days=1))
    assert agent.use("resume_enrollment", id=rows[0].pk)["changes_left_today"] == 3


def test_a_refused_call_costs_nothing_of_the_budget(agent: Agent, workspace: Workspace) -> None:
    ended = EnrollmentFactory(
        sequence__workspace=workspace, status="completed", completed_at=NOW, wake_at=None, next_step_at=None
    )
    assert agent.use("pause_enrollment", id=ended.pk)["status"] == 409
    assert not AgentDay.objects.exists()


def test_an_agent_may_do_what_its_user_may(workspace: Workspace) -> None:
    agent = make_agent(workspace, Role.SDR)
    another = EnrollmentFactory(sequence__workspace=workspace, owner=UserFactory())
    foreign = EnrollmentFactory()
    assert agent.use("pause_enrollment", id=another.pk)["status"] == 403
    assert agent.use("why", id=foreign.pk)["status"] == 404


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("whi", {"id": 1}, "There is no tool 'whi'. Did you mean why?"),
        ("why", {"ids": 1}, "ids: there is no such argument. Did you mean id?"),
        ("why", {}, "'id' is a required property"),
        ("why", {"id": "../contacts/1"}, "id: '../contacts/1' is not of type 'integer'"),
        ("enroll", {"sequence": 1, "dry_run": False}, "dry_run: there is no such argument."),
        ("search", {"text": "a"}, "text: 'a' is too short"),
    ],
)
def test_what_a_tool_does_not_know_is_refused(agent: Agent, tool: str, arguments: dict[str, Any], told: str) -> None:
    refused = agent.use(tool, **arguments)
    assert refused["is_error"]
    assert refused["detail"].startswith(told)


def test_only_keys_get_in_and_no_page_of_another_site(agent: Agent) -> None:
    assert Browser().post("/mcp", "{}", content_type="application/json").status_code == 401
    assert agent.post("tools/list", {}, Authorization="Token 1234").status_code == 401
    assert agent.post("tools/list", {}, Origin="https://evil.example").status_code == 403
    assert Browser().get("/mcp", headers={"Authorization": f"Token {agent.key}"}).status_code == 405
    assert agent.post("tools/list", {}).status_code == 200


def test_the_site_says_where_its_interfaces_are() -> None:
    answer = Browser().get("/llms.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "http://localhost:8000/mcp" in answer.content.decode()
