"""The Model Context Protocol over standard input and output: `manage.py mcp`."""

from __future__ import annotations

import os
from typing import Any

import anyio
from django.utils import timezone
from knox.auth import TokenAuthentication
from mcp.server.stdio import stdio_server
from rest_framework.exceptions import AuthenticationFailed

from execution.agents.calls import Caller, local_environ
from execution.agents.schemas import input_schemas
from execution.agents.server import make_server
from execution.control.keys import note_use
from execution.management.base import ProductCommand

KEY_VARIABLE = "SEQUENCE_EXECUTOR_TOKEN"


class Command(ProductCommand):
    help = "Serve the tools for agents (Model Context Protocol) on standard input and output, for one API key."
    example = "manage.py mcp"
    prints_json = False

    def handle(self, *args: Any, **options: Any) -> None:
        caller = self._find_caller(os.environ.get(KEY_VARIABLE, "").strip())
        input_schemas()
        anyio.run(_serve, caller)

    def _find_caller(self, key: str) -> Caller:
        if not key:
            self.fail(
                f"{KEY_VARIABLE} takes an API key: make one in the desk under API keys, or with create_user --token"
            )
        try:
            user, token = TokenAuthentication().authenticate_credentials(key.encode())
        except AuthenticationFailed:
            self.fail(f"{KEY_VARIABLE}: this API key is unknown, revoked or has ended; make another one")
        note_use(token, timezone.now())
        return Caller(user_id=user.pk, key_id=token.pk, agent=str(token), environ=local_environ(key))


async def _serve(caller: Caller) -> None:
    server = make_server(caller)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
