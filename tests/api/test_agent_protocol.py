"""The tools for agents by the official client, over streamable HTTP and over standard input and output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from sequences.models import Enrollment
from tests.api.test_agents import make_agent, make_sequence, no_loop
from tests.factories import ContactFactory, WorkspaceFactory
from tests.faults.processes import ROOT, child_env

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures(no_loop.__name__)]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """The real one: the server is another thread or process."""
    yield


async def _enroll_by(client: Client, given: dict[str, Any]) -> list[str]:
    """The names of the tools, after one person was enrolled by preview and token."""
    names = [tool.name for tool in (await client.list_tools()).tools]
    shown = await client.call_tool("enroll", given)
    done = await client.call_tool("enroll", {**given, "confirm": shown.structured_content["confirm"]})
    assert not done.is_error
    return names


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_official_client_works_over_http(live_server: Any, mode: Any) -> None:
    workspace: Any = WorkspaceFactory()
    agent, contact = make_agent(workspace), ContactFactory(workspace=workspace)
    given = {"sequence": make_sequence(workspace).pk, "contacts": [contact.pk], "mailbox": "ada@sender.example"}

    async def run() -> list[str]:
        headers = {"Authorization": f"Token {agent.key}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{live_server.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await _enroll_by(client, given)

    assert {"search", "why", "enroll"} <= set(anyio.run(run))
    assert Enrollment.objects.count() == 1


def test_the_official_client_works_over_standard_input_and_output(database_url: str) -> None:
    workspace: Any = WorkspaceFactory()
    agent, contact = make_agent(workspace), ContactFactory(workspace=workspace)
    given = {"sequence": make_sequence(workspace).pk, "contacts": [contact.pk], "mailbox": "ada@sender.example"}
    env = child_env(database_url, SEQUENCE_EXECUTOR_TOKEN=agent.key)
    server = StdioServerParameters(command=sys.executable, args=["manage.py", "mcp"], env=env, cwd=ROOT)

    async def run() -> list[str]:
        async with Client(stdio_client(server)) as client:
            return await _enroll_by(client, given)

    assert "search" in anyio.run(run)
    assert Enrollment.objects.count() == 1
