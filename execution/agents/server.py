"""The server of the Model Context Protocol for one caller, by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from mcp.server import ServerRequestContext
from mcp.server.lowlevel import Server

from execution.agents.calls import Caller
from execution.agents.catalogue import INSTRUCTIONS, SEARCH, TOOLS
from execution.agents.schemas import input_schemas
from execution.agents.tools import run_tool

NAME = "sequence-executor"


def make_server(caller: Caller) -> Server[Any]:
    """Lists the tools and runs them in the thread that holds the database connection."""

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=await sync_to_async(list_all_tools)())

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        answer = await sync_to_async(run_tool)(caller, params.name, params.arguments or {}, timezone.now())
        data = answer.data if isinstance(answer.data, dict) else {"results": answer.data}
        text = types.TextContent(type="text", text=json.dumps(data, ensure_ascii=False))
        return types.CallToolResult(content=[text], structured_content=data, is_error=answer.is_error)

    return Server(
        NAME, version=settings.VERSION, instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


def list_all_tools() -> list[types.Tool]:
    """Each with the schema of its arguments, and whether it changes anything."""
    return [
        types.Tool(
            name=tool.name,
            description=_describe(tool.purpose, tool.changes_data),
            input_schema=input_schemas()[tool.name],
            annotations=types.ToolAnnotations(
                read_only_hint=not tool.changes_data, destructive_hint=tool.changes_data, open_world_hint=False
            ),
        )
        for tool in (SEARCH, *TOOLS.values())
    ]


def _describe(purpose: str, changes_data: bool) -> str:
    return f"{purpose} Answers a preview first; repeat it with `confirm` to do it." if changes_data else purpose
