"""TLS and logins of SMTP and IMAP, over real sockets: what is verified, what is refused, and what is never shown."""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.encryption import Secrets
from emails.choices import AuthMethod, ErrorClass, Inbound, Security
from emails.transport import Refused, Sent, open_transport, test_login
from simulation.certificates import make_certificate
from simulation.mail_server import MailServer, Moment
from tests.support.send_results import PASSWORD, make_envelope, make_mailbox, send


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


@pytest.mark.parametrize("implicit", [True, False])
def test_tls_is_verified_against_the_given_authority(tmp_path: Path, implicit: bool) -> None:
    certificate = make_certificate(tmp_path)
    with MailServer(tls_context=certificate.server_context(), implicit_tls=implicit, users={"ada": PASSWORD}) as server:
        login: dict[str, Any] = {
            "smtp_host": "localhost",
            "smtp_security": Security.TLS if implicit else Security.STARTTLS,
            "auth_method": AuthMethod.PASSWORD,
            "smtp_username": "ada",
            "credentials": Secrets(password=PASSWORD),
        }
        distrusted = send(server, **login)
        trusted = send(server, **login, transport_options={"ca_pem": certificate.ca_file.read_text()})
    assert isinstance(distrusted, Refused)
    assert distrusted.error_class is ErrorClass.SERVER
    assert "certificate" in distrusted.error
    assert isinstance(trusted, Sent)


@pytest.mark.parametrize("bad", ["name", "expired"])
def test_a_bad_certificate_is_refused_before_any_command(tmp_path: Path, bad: str) -> None:
    names = ("elsewhere.example",) if bad == "name" else ("127.0.0.1",)
    certificate = make_certificate(tmp_path, names, expired=bad == "expired")
    with MailServer(tls_context=certificate.server_context(), users={"ada": PASSWORD}) as server:
        outcome = send(
            server,
            smtp_security=Security.STARTTLS,
            auth_method=AuthMethod.PASSWORD,
            smtp_username="ada",
            credentials=Secrets(password=PASSWORD),
            transport_options={"ca_pem": certificate.ca_file.read_text()},
        )
        assert server.login_count == 0
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER
    assert "certificate" in outcome.error


def test_a_server_without_starttls_is_refused_with_the_remedy(server: MailServer) -> None:
    outcome = send(server, smtp_security=Security.STARTTLS)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.MAILBOX
    assert "does not offer STARTTLS" in outcome.error


@pytest.mark.parametrize("password", ["wrong", "pässwörd ✓"])
def test_a_wrong_password_is_the_mailboxs_and_never_shown(password: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with MailServer(users={"ada": PASSWORD}) as server:
        mailbox = make_mailbox(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=password)
        )
        server.on(Moment.LOGIN, f"535 5.7.8 Bad password {password}", times=1)
        transport = open_transport(mailbox)
        outcome = transport.send(make_envelope())
        seen = f"{outcome!r} {transport!r} {mailbox!r} {caplog.text}"
        report = test_login(mailbox, 15)
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, outcome.code) == (ErrorClass.MAILBOX, "535 5.7.8")
    assert password not in seen
    assert report.smtp_error is not None
    assert not report.is_ok


def test_a_password_with_any_letters_logs_in() -> None:
    password = "pässwörd ✓"
    with MailServer(users={"ada": password}) as server:
        outcome = send(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=password)
        )
    assert isinstance(outcome, Sent)


def test_a_temporary_login_failure_is_the_servers() -> None:
    with MailServer(users={"ada": PASSWORD}) as server:
        server.on(Moment.LOGIN, "454 4.7.0 Temporary authentication failure")
        outcome = send(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=PASSWORD)
        )
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER


def test_the_login_report_states_what_works(server: MailServer) -> None:
    report = test_login(make_mailbox(server), 15)
    assert report.is_ok
    assert not report.imap_checked
    assert server.messages == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"smtp_host": ""}, "no SMTP server"),
        ({"smtp_security": Security.TLS, "transport_options": {"ca_file": "/nowhere/ca.pem"}}, "put the text"),
        ({"smtp_security": Security.TLS, "transport_options": {"ca_pem": "/nowhere/ca.pem"}}, "not a certificate"),
    ],
)
def test_an_incomplete_mailbox_is_reported(server: MailServer, fields: dict[str, Any], named: str) -> None:
    outcome = send(server, **fields)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.MAILBOX
    assert named in outcome.error


class FakeImap(socketserver.StreamRequestHandler):
    """As much of RFC 9051 as a login needs."""

    def handle(self) -> None:
        self.wfile.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        for line in self.rfile:
            tag, command = line.decode().split(maxsplit=1)
            verb = command.split()[0].upper()
            is_refused = verb == "LOGIN" and "right" not in command
            answer = (
                f"{tag} NO [AUTHENTICATIONFAILED] {command.strip()}" if is_refused else f"{tag} OK {verb} completed"
            )
            self.wfile.write(f"{answer}\r\n".encode())
            if verb == "LOGOUT":
                return


@pytest.mark.parametrize("password", ["right-password", "wrong-password"])
def test_login_report_tries_imap_too(server: MailServer, password: str) -> None:
    imap = socketserver.ThreadingTCPServer(("127.0.0.1", 0), FakeImap)
    thread = threading.Thread(target=imap.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mailbox = make_mailbox(
        server,
        inbound=Inbound.IMAP,
        imap_host="127.0.0.1",
        imap_port=imap.server_address[1],
        imap_security=Security.NONE,
        imap_username="ada",
        credentials=Secrets(imap_password=password),
    )
    report = test_login(mailbox, 15)
    imap.shutdown()
    thread.join()
    imap.server_close()
    assert report.imap_checked
    assert report.smtp_error is None
    assert (report.imap_error is None) == (password == "right-password")
    assert password not in repr(report)


def test_an_imap_server_that_cannot_be_reached_is_named(server: MailServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        free_port = placeholder.getsockname()[1]
    mailbox = make_mailbox(
        server, inbound=Inbound.IMAP, imap_host="127.0.0.1", imap_port=free_port, imap_security=Security.NONE
    )
    report = test_login(mailbox, 15)
    assert report.imap_error is not None
    assert report.imap_error.startswith(f"127.0.0.1:{free_port}: ")
