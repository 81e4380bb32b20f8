"""An OpenID provider on 127.0.0.1 that signs with RS256: discovery, keys, token. `answer` plays the browser's part.

What it says can be bent: `claims` are written over those of a good token, `signs_with` is the key it uses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "desk", "a-client-secret"
CODE = "one-code"


class OpenIdProvider:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = self.signs_with = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.claims: dict[str, Any] = {}
        self.user_info: dict[str, Any] | None = None
        self.called_itself = issuer
        self.asked: dict[str, str] = {}

    def answer(self, url: str) -> dict[str, str]:
        """Log in at the URL that the browser was sent to; the query it comes back with."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.issuer
        self.asked = dict(parse_qsl(parts.query))
        return {"code": CODE, "state": self.asked["state"]}

    def describe(self) -> dict[str, Any]:
        user_info = {"userinfo_endpoint": f"{self.issuer}/userinfo"} if self.user_info is not None else {}
        return {
            "issuer": self.called_itself,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **user_info,
        }

    def give_token(self, form: dict[str, str], login: str) -> tuple[int, dict[str, Any]]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        is_right = (
            login == f"Basic {expected}"
            and form.get("code") == CODE
            and form.get("redirect_uri") == self.asked.get("redirect_uri")
            and challenge.decode().rstrip("=") == self.asked.get("code_challenge")
        )
        if not is_right:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "user-1", "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": self.asked["nonce"], "email_verified": True, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": "RS256", "kid": "first"}, claims, self.signs_with)
        return 200, {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}


@contextmanager
def run_provider() -> Iterator[OpenIdProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known: dict[str, Any] = {
                "/.well-known/openid-configuration": provider.describe(),
                "/keys": {"keys": [provider.key.as_dict(private=False)]},
                "/userinfo": provider.user_info,
            }
            found = known.get(self.path)
            self._answer(200 if found is not None else 404, found)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.give_token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, data: Any) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OpenIdProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
