"""Reading the inbox of a Google or Microsoft mailbox: XOAUTH2, and a token that was revoked before its time."""

from __future__ import annotations

import base64
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from common.encryption import Secrets
from emails.choices import AuthMethod, Inbound, Security
from emails.inbound import poll_due_inboxes
from emails.models import InboxState, Mailbox
from emails.transport import oauth
from tests.factories import NOW, MailboxFactory

pytestmark = pytest.mark.django_db

OLD, NEW = "old-token-1111", "new-token-2222"


class OAuthImap(socketserver.StreamRequestHandler):
    """As much of RFC 9051 as reading an empty inbox needs. Takes the token `NEW` only."""

    def handle(self) -> None:
        assert isinstance(self.server, OAuthServer)
        self.say("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] ready")
        for line in self.rfile:
            tag, command = line.decode().split(maxsplit=1)
            verb = command.split()[0].upper()
            if verb == "AUTHENTICATE":
                self.say("+")
                given = base64.b64decode(self.rfile.readline()).decode()
                self.server.given.append(given)
                if NEW not in given:
                    self.say("+ eyJzdGF0dXMiOiI0MDAifQ==")
                    self.rfile.readline()
                    self.say(f"{tag} NO AUTHENTICATE failed")
                    continue
            elif verb == "CAPABILITY":
                self.say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2")
            elif verb == "EXAMINE":
                self.say("* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 42] next")
            elif command.upper().startswith("UID SEARCH"):
                self.say("* SEARCH")
            self.say(f"{tag} OK {verb} completed")
            if verb == "LOGOUT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class OAuthServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.given: list[str] = []
        super().__init__(("127.0.0.1", 0), OAuthImap)


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer() as started:
        thread = threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield started
        started.shutdown()
        thread.join()


def make_mailbox(server: OAuthServer, token: str) -> Mailbox:
    mailbox: Mailbox = MailboxFactory(
        address="ada@sender.example",
        inbound=Inbound.IMAP.value,
        auth_method=AuthMethod.GOOGLE.value,
        imap_host="127.0.0.1",
        imap_port=server.server_address[1],
        imap_security=Security.NONE.value,
        credentials=Secrets(access_token=token, refresh_token="refresh-3333", expires_at=time.time() + 3600),
    )
    return mailbox


def test_the_inbox_is_read_with_the_access_token(server: OAuthServer) -> None:
    mailbox = make_mailbox(server, NEW)
    poll_due_inboxes(NOW)
    assert server.given == [f"user=ada@sender.example\x01auth=Bearer {NEW}\x01\x01"]
    mailbox.refresh_from_db()
    assert mailbox.inbox_read_at == NOW
    assert (InboxState.objects.get().uidvalidity, InboxState.objects.get().last_uid) == (7, 41)


def test_a_revoked_token_is_refreshed_once(server: OAuthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = make_mailbox(server, OLD)
    fresh: dict[str, Any] = {"access_token": NEW, "expires_at": time.time() + 3600}
    monkeypatch.setattr(oauth, "_refresh", lambda *_: fresh)
    poll_due_inboxes(NOW)
    assert [OLD in given for given in server.given] == [True, False]
    mailbox.refresh_from_db()
    assert mailbox.inbox_read_at == NOW
    assert mailbox.credentials["access_token"] == NEW


def test_a_provider_that_gives_no_token_is_named_without_the_secret(
    server: OAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = make_mailbox(server, OLD)

    def refuse(*_: object) -> None:
        raise oauth.TokenRefused(f"the provider refused a token ({OLD}); connect the mailbox again")

    monkeypatch.setattr(oauth, "_refresh", refuse)
    poll_due_inboxes(NOW)
    mailbox.refresh_from_db()
    assert mailbox.inbox_read_at is None
    error = InboxState.objects.get().last_error
    assert "connect the mailbox again" in error
    assert OLD not in error
