"""`/mcp`: the Model Context Protocol over streamable HTTP, one exchange per request, with the API's own header.

No session is kept and no stream is opened, so that any web worker answers any request. Requests of a browser's page of
another origin are refused, as the specification demands.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from execution.agents.calls import Caller
from execution.agents.server import make_server
from execution.api.keys import KeyAuthentication


@extend_schema(exclude=True)
class McpView(APIView):
    """POST answers one message. GET and DELETE, which are for sessions, are 405."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]
    http_method_names = ["post"]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The SDK validates the header Accept, which names a stream that DRF does not know."""
        return super().perform_content_negotiation(request, force=True)

    def post(self, request: Request) -> HttpResponse:
        caller = Caller(
            user_id=int(request.user.pk or 0),
            key_id=request.auth.pk,
            agent=str(request.auth),
            environ=dict(request.META),
        )
        return async_to_sync(_exchange)(caller, _scope_of(request), request._request.body, request.get_host())


async def _exchange(caller: Caller, scope: dict[str, Any], body: bytes, host: str) -> HttpResponse:
    """One message to the SDK's own transport and its answer back."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    manager = StreamableHTTPSessionManager(
        make_server(caller),
        json_response=True,
        stateless=True,
        security_settings=TransportSecuritySettings(allowed_hosts=[host], allowed_origins=_own_origins()),
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    response = HttpResponse(
        b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body"),
        status=start["status"],
    )
    for name, value in start.get("headers", []):
        response.headers[name.decode("latin-1")] = value.decode("latin-1")
    return response


def _own_origins() -> list[str]:
    base = urlsplit(settings.PUBLIC_BASE_URL)
    return [f"{base.scheme}://{base.netloc}", *settings.CSRF_TRUSTED_ORIGINS]


def _scope_of(request: Request) -> dict[str, Any]:
    """https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope"""
    given = {name.lower(): value for name, value in request.headers.items()} | {"host": request.get_host()}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }
