"""Calls of the API from inside the process, with the caller's own key.

The view is called as the web server would call it: authentication, rights, brakes and log entries are its own. Only the
middleware is left out, since the request that brought the call has been through it, or came from this machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.urls import resolve

from sequences.access.roles import AGENT_KEY

# of the request that brought the call: whose it is, and where it came from
_KEPT = ("HTTP_AUTHORIZATION", "HTTP_HOST", "HTTP_X_FORWARDED_FOR", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; `data` is a JSON value."""

    status: int
    data: Any

    @property
    def is_error(self) -> bool:
        return self.status >= 400


@dataclass(frozen=True)
class Caller:
    """Who calls. `environ`: of WSGI (PEP 3333), with the header `Authorization`."""

    user_id: int
    key_id: int
    agent: str
    environ: dict[str, Any] = field(repr=False)

    def call(self, method: str, path: str, arguments: dict[str, Any], *, once: str = "") -> Answer:
        """`once`: the Idempotency-Key of a call that changes data."""
        request = WSGIRequest(self._describe(method, path, arguments, once))
        request.user = AnonymousUser()
        match = resolve(path)
        response: Any = match.func(request, *match.args, **match.kwargs)
        if hasattr(response, "render"):
            response.render()
        text = response.getvalue().decode()
        return Answer(response.status_code, json.loads(text) if text else {})

    def _describe(self, method: str, path: str, arguments: dict[str, Any], once: str) -> dict[str, Any]:
        is_read = method == "GET"
        body = b"" if is_read else json.dumps(arguments).encode()
        given = {
            **{name: value for name, value in self.environ.items() if name in _KEPT},
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": urlencode({k: _as_text(v) for k, v in arguments.items()}) if is_read else "",
            "HTTP_ACCEPT": "application/json",
            "wsgi.url_scheme": self.environ.get("wsgi.url_scheme", "http"),
            "wsgi.input": BytesIO(body),
            AGENT_KEY: self.agent,
        }
        if not is_read:
            given |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
        if once:
            given["HTTP_IDEMPOTENCY_KEY"] = once
        return given


def local_environ(key: str) -> dict[str, Any]:
    """Of a program on this machine that calls with `key`."""
    base = urlsplit(settings.PUBLIC_BASE_URL)
    return {
        "HTTP_AUTHORIZATION": f"Token {key}",
        "HTTP_HOST": base.netloc,
        "SERVER_NAME": base.hostname or "localhost",
        "SERVER_PORT": str(base.port or (443 if base.scheme == "https" else 80)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": base.scheme,
    }


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_as_text, value)) if isinstance(value, list) else str(value)
