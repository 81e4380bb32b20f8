"""XOAUTH2: tokens are refreshed once, under the mailbox's row lock, stored, and never shown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection

from common.encryption import Secrets
from emails.choices import AuthMethod, ErrorClass, Security
from emails.models import Mailbox
from emails.transport import Envelope, Refused, SendResult, Sent, open_transport
from emails.transport.oauth import get_access_token, list_secrets
from sequences.models import Workspace
from simulation.mail_server import MailServer

ENVELOPE = Envelope(1, "<1@sender.example>", "ada@sender.example", "bob@prospect.example", b"Subject: x\r\n\r\nHi\r\n")
OLD, NEW, REFRESH, CLIENT = "old-token-1111", "new-token-2222", "refresh-token-3333", "client-secret-4444"


class TokenServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answer: tuple[int, dict[str, Any]] = (
            200,
            {"access_token": NEW, "expires_in": 3600, "token_type": "Bearer"},
        )
        super().__init__(("127.0.0.1", 0), TokenHandler)


class TokenHandler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        self.server.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    server = TokenServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer(bearers={"ada@sender.example": NEW}) as started:
        yield started


def make_mailbox(
    tokens: TokenServer, port: int, *, token: str = OLD, expires_in_seconds: int = -1, method: str = AuthMethod.GOOGLE
) -> Mailbox:
    credentials: Any = Secrets(
        access_token=token,
        refresh_token=REFRESH,
        client_id="client-id",
        client_secret=CLIENT,
        expires_at=time.time() + expires_in_seconds,
    )
    return Mailbox.objects.create(
        workspace=Workspace.objects.create(name="W", slug="w"),
        address="ada@sender.example",
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_security=Security.NONE,
        auth_method=method,
        transport_options={"token_url": f"http://127.0.0.1:{tokens.server_address[1]}/token"},
        credentials=credentials,
    )


def send(mailbox: Mailbox) -> SendResult:
    with open_transport(mailbox) as transport:
        return transport.send(ENVELOPE)


@pytest.mark.django_db
def test_a_fresh_token_is_used_as_it_is(tokens: TokenServer, server: MailServer) -> None:
    assert isinstance(send(make_mailbox(tokens, server.port, token=NEW, expires_in_seconds=3600)), Sent)
    assert tokens.asked == []


@pytest.mark.django_db
def test_an_expired_token_is_refreshed_and_stored(tokens: TokenServer, server: MailServer) -> None:
    mailbox = make_mailbox(tokens, server.port)
    assert isinstance(send(mailbox), Sent)
    stored = Mailbox.objects.get(pk=mailbox.pk).credentials
    assert stored["access_token"] == NEW
    assert stored["refresh_token"] == REFRESH
    assert stored["expires_at"] > time.time() + 3000
    [asked] = tokens.asked
    assert asked["grant_type"] == ["refresh_token"]
    assert asked["refresh_token"] == [REFRESH]
    assert "scope" not in asked


@pytest.mark.django_db
def test_microsoft_is_asked_for_its_scopes_and_its_new_refresh_token_is_kept(
    tokens: TokenServer, server: MailServer
) -> None:
    tokens.answer = (200, {"access_token": NEW, "expires_in": 3600, "token_type": "Bearer", "refresh_token": "r2"})
    mailbox = make_mailbox(tokens, server.port, method=AuthMethod.MICROSOFT)
    assert isinstance(send(mailbox), Sent)
    [scope] = tokens.asked[0]["scope"]
    assert {part.rpartition("/")[2] for part in scope.split()} == {
        "SMTP.Send",
        "IMAP.AccessAsUser.All",
        "offline_access",
    }
    assert Mailbox.objects.get(pk=mailbox.pk).credentials["refresh_token"] == "r2"


@pytest.mark.django_db
def test_a_token_that_the_server_refuses_is_refreshed_once(tokens: TokenServer, server: MailServer) -> None:
    mailbox = make_mailbox(tokens, server.port, expires_in_seconds=3600)
    assert isinstance(send(mailbox), Sent)
    assert len(tokens.asked) == 1
    assert server.connection_count == 2


@pytest.mark.django_db
def test_a_server_that_refuses_the_new_token_too_stops_the_mailbox(tokens: TokenServer, server: MailServer) -> None:
    server.bearers.clear()
    server.users["another"] = "else"
    outcome = send(make_mailbox(tokens, server.port, expires_in_seconds=3600))
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, outcome.code) == (ErrorClass.MAILBOX, "535 5.7.8")
    assert len(tokens.asked) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "answer", "error_class"),
    [
        (400, {"error": "invalid_grant", "error_description": f"{REFRESH} was revoked"}, ErrorClass.MAILBOX),
        (401, {"error": "invalid_client"}, ErrorClass.MAILBOX),
        (503, {"error": "temporarily_unavailable"}, ErrorClass.SERVER),
        (200, {"token_type": "Bearer"}, ErrorClass.SERVER),
    ],
)
def test_a_provider_that_gives_no_token(
    tokens: TokenServer, server: MailServer, status: int, answer: dict[str, Any], error_class: ErrorClass
) -> None:
    tokens.answer = (status, answer)
    mailbox = make_mailbox(tokens, server.port)
    outcome = send(mailbox)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is error_class
    assert not any(secret in repr(outcome) for secret in (OLD, NEW, REFRESH, CLIENT))
    assert Mailbox.objects.get(pk=mailbox.pk).credentials["access_token"] == OLD


@pytest.mark.django_db(transaction=True)
def test_workers_that_come_at_the_same_time_refresh_once(tokens: TokenServer) -> None:
    pk = make_mailbox(tokens, 25).pk
    barrier = threading.Barrier(4)
    got: list[str] = []

    def work() -> None:
        try:
            mailbox = Mailbox.objects.get(pk=pk)
            barrier.wait(10)
            got.append(get_access_token(mailbox))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [NEW] * 4
    assert len(tokens.asked) == 1


def test_every_secret_field_is_treated_as_secret() -> None:
    secrets = Secrets(access_token=OLD, client_id="public-id", client_secret=CLIENT, password="pw", expires_at=1.5)
    assert set(list_secrets(secrets)) == {OLD, CLIENT}
