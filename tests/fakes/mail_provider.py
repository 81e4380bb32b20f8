"""An OAuth provider for mailboxes on 127.0.0.1: it checks client, code and PKCE, and gives tokens and an ID token.

`answer` plays the browser's part. `token` and `claims` are written over those of a good answer; None leaves one out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from emails.transport.oauth_providers import PROVIDERS

CLIENT_ID, CLIENT_SECRET = "desk-client", "a-client-secret-of-the-operator"
CODE, ACCESS, REFRESH = "one-code", "access-token-1111", "refresh-token-2222"


class MailProvider:
    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self.token: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}

    def answer(self, url: str) -> dict[str, str]:
        """Agree at the URL that the browser was sent to; the query it comes back with."""
        assert url.startswith(f"{self.url}/authorize?")
        self.asked = dict(parse_qsl(urlsplit(url).query))
        return {"code": CODE, "state": self.asked["state"]}

    def give_token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.forms.append(form)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token":
            return 200, {"access_token": "access-token-3333", "token_type": "Bearer", "expires_in": 3600}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        is_right = (
            form.get("code") == CODE
            and form.get("redirect_uri") == self.asked.get("redirect_uri")
            and challenge.decode().rstrip("=") == self.asked.get("code_challenge")
        )
        if not is_right:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "user-1", "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": self.asked["nonce"], "email_verified": True, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = {
            "access_token": ACCESS, "refresh_token": REFRESH, "token_type": "Bearer", "expires_in": 3600,
            "scope": self.asked["scope"],
            "id_token": jwt.encode({"alg": "HS256"}, claims, OctKey.generate_key(256)),
            **self.token,
        }  # fmt: skip
        return 200, {name: value for name, value in token.items() if value is not None}


@contextmanager
def run_mail_provider(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[MailProvider]:
    """Google and Microsoft are both the one on this machine, and set up."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, data = provider.give_token({name: values[0] for name, values in parse_qs(body).items()})
            content = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = MailProvider(f"http://127.0.0.1:{server.server_port}")
    for name, known in PROVIDERS.items():
        urls: dict[str, Any] = {"authorize_url": f"{provider.url}/authorize", "token_url": f"{provider.url}/token"}
        monkeypatch.setitem(PROVIDERS, name, replace(known, issuers=(provider.url,), **urls))
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    settings.MAILBOX_OAUTH = {"google": client, "microsoft": {**client, "tenant": "common"}}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
