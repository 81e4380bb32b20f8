"""A hand-over over real sockets: every way an SMTP dialogue can end, and what is said about it."""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emails.choices import AuthMethod, ErrorClass, Inbound, Security
from emails.models import Mailbox
from emails.transport import Envelope, HandOver, Refused, Sent, Unknown, open_transport, test_login
from emails.transport.smtp import SmtpTransport, read_provider_id
from execution.simulation.certificates import make_certificate
from execution.simulation.mail_server import Drop, MailServer, Moment, Reply, Stall
from sequences.encryption import Secrets

PASSWORD = "correct horse battery staple"
BOB = "bob@prospect.example"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


def make_mailbox(server: MailServer, **fields: Any) -> Mailbox:
    defaults: dict[str, Any] = {
        "address": "ada@sender.example",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": Security.NONE,
        "auth_method": AuthMethod.NONE,
    }
    return Mailbox(**(defaults | fields))


def make_envelope(recipient: str = BOB, number: int = 1, **fields: Any) -> Envelope:
    message_id = f"<{number}@sender.example>"
    mime = (
        f"From: ada@sender.example\r\nTo: {recipient}\r\nMessage-ID: {message_id}\r\nSubject: Hi\r\n\r\n.dot\r\nBye\r\n"
    )
    defaults: dict[str, Any] = {"mime": mime.encode(), "from_address": "ada@sender.example", "to_address": recipient}
    return Envelope(message_pk=number, message_id=message_id, **(defaults | fields))


def hand_over(server: MailServer, *, seconds: float = 10.0, **fields: Any) -> HandOver:
    with SmtpTransport(make_mailbox(server, **fields), operation_seconds=seconds, message_seconds=seconds) as transport:
        return transport.hand_over(make_envelope())


def test_the_server_gets_exactly_the_bytes_and_the_envelope(server: MailServer) -> None:
    envelope = make_envelope()
    with open_transport(make_mailbox(server)) as transport:
        outcome = transport.hand_over(envelope)
    assert isinstance(outcome, Sent)
    [message] = server.messages
    assert (message.sender, message.recipients) == ("ada@sender.example", (BOB,))
    assert message.data == envelope.mime


def test_many_messages_share_one_connection_and_one_login() -> None:
    with MailServer(users={"ada": PASSWORD}) as server:
        mailbox = make_mailbox(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=PASSWORD)
        )
        with open_transport(mailbox) as transport:
            for number in range(20):
                assert isinstance(transport.hand_over(make_envelope(number=number)), Sent)
        assert (server.connection_count, server.login_count, server.message_count) == (1, 1, 20)
        assert {message.user for message in server.messages} == {"ada"}


def test_a_refused_recipient_leaves_the_connection_good_for_the_next(server: MailServer) -> None:
    server.on(Moment.RCPT, "550 5.1.1 No such user here", recipient="gone@prospect.example")
    with open_transport(make_mailbox(server)) as transport:
        refused = transport.hand_over(make_envelope("gone@prospect.example"))
        assert isinstance(transport.hand_over(make_envelope(number=2)), Sent)
    assert refused == Refused(ErrorClass.RECIPIENT_PERMANENT, "550 5.1.1", "550 5.1.1 No such user here")
    assert server.connection_count == 1
    assert [message.recipients for message in server.messages] == [(BOB,)]


@pytest.mark.parametrize(
    ("moment", "reply", "error_class", "code"),
    [
        (Moment.CONNECT, "421 4.3.2 Down for an hour", ErrorClass.SERVER, "421 4.3.2"),
        (Moment.CONNECT, "554 No SMTP service here", ErrorClass.SERVER, "554"),
        (Moment.MAIL, "421 Too busy", ErrorClass.SERVER, "421"),
        (Moment.MAIL, "553 5.7.1 Sender address rejected: not owned by user", ErrorClass.MAILBOX, "553 5.7.1"),
        (Moment.RCPT, "450 4.7.1 Greylisted", ErrorClass.RECIPIENT_TEMPORARY, "450 4.7.1"),
        (Moment.RCPT, "452 4.2.2 Over quota", ErrorClass.RECIPIENT_TEMPORARY, "452 4.2.2"),
        (Moment.DATA, "421 4.4.2 Timeout", ErrorClass.SERVER, "421 4.4.2"),
        (Moment.DATA, "554 5.5.1 No valid recipients", ErrorClass.UNCLASSIFIED, "554 5.5.1"),
        (Moment.DOT, "552 5.3.4 Message too big", ErrorClass.CONTENT, "552 5.3.4"),
        (Moment.DOT, "554 5.7.1 Spam message rejected", ErrorClass.CONTENT, "554 5.7.1"),
        (Moment.DOT, "451 Try later", ErrorClass.RECIPIENT_TEMPORARY, "451"),
        (Moment.DOT, "421 4.3.2 Going down", ErrorClass.SERVER, "421 4.3.2"),
    ],
)
def test_every_reply_that_was_read_is_a_refusal(
    server: MailServer, moment: Moment, reply: str, error_class: ErrorClass, code: str
) -> None:
    server.on(moment, reply)
    outcome = hand_over(server)
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, outcome.code) == (error_class, code)
    assert reply[4:] in outcome.error
    assert server.messages == []


@pytest.mark.parametrize("moment", [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA])
def test_a_connection_lost_before_the_text_is_the_servers_fault(server: MailServer, moment: Moment) -> None:
    server.on(moment, Drop())
    outcome = hand_over(server)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER


def test_a_connection_lost_while_a_long_text_is_written_is_never_unknown(server: MailServer) -> None:
    server.on(Moment.BODY, Drop(), times=1)
    envelope = make_envelope(mime=b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 300_000)
    with open_transport(make_mailbox(server)) as transport:
        outcome = transport.hand_over(envelope)
        assert isinstance(outcome, Refused)
        assert outcome.error_class is ErrorClass.SERVER
        assert isinstance(transport.hand_over(make_envelope()), Sent)
    assert server.message_count == 1


@pytest.mark.parametrize("stored", [True, False])
def test_a_connection_lost_after_the_final_dot_is_unknown_whether_or_not_the_server_kept_it(
    server: MailServer, stored: bool
) -> None:
    server.on(Moment.DOT, Drop(store=stored), times=1)
    assert isinstance(hand_over(server), Unknown)
    assert server.message_count == int(stored)


def test_an_answer_to_the_dot_that_never_comes_is_unknown(server: MailServer) -> None:
    stall = Stall()
    server.on(Moment.DOT, stall, times=1)
    outcome = hand_over(server, seconds=0.3)
    stall.release()
    assert isinstance(outcome, Unknown)
    assert stall.reached.is_set()


@pytest.mark.parametrize("moment", [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA])
def test_a_server_that_stalls_before_the_text_is_the_servers_fault(server: MailServer, moment: Moment) -> None:
    stall = Stall()
    server.on(moment, stall, times=1)
    outcome = hand_over(server, seconds=0.3)
    assert stall.reached.wait(5)
    stall.release()
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER
    assert "no answer in time" in outcome.error or "timed out" in outcome.error


def test_a_server_that_drips_single_bytes_cannot_hold_the_lane() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        client, _ = listener.accept()
        with client:
            while not over.wait(0.02):
                try:
                    client.sendall(b"2")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    mailbox = Mailbox(
        smtp_host="127.0.0.1",
        smtp_port=listener.getsockname()[1],
        smtp_security=Security.NONE,
        auth_method=AuthMethod.NONE,
    )
    outcome = SmtpTransport(mailbox, operation_seconds=0.4, message_seconds=0.4).hand_over(make_envelope())
    over.set()
    thread.join()
    listener.close()
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER


def test_an_idle_connection_that_the_server_closed_is_replaced_unnoticed(server: MailServer) -> None:
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.hand_over(make_envelope()), Sent)
        server.drop_connections()
        assert isinstance(transport.hand_over(make_envelope(number=2)), Sent)
    assert (server.connection_count, server.message_count) == (2, 2)


def test_a_421_at_mail_on_a_reused_connection_reconnects_once(server: MailServer) -> None:
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.hand_over(make_envelope()), Sent)
        server.on(Moment.MAIL, "421 4.7.0 Too many messages in this session", times=1)
        assert isinstance(transport.hand_over(make_envelope(number=2)), Sent)
        server.on(Moment.MAIL, "421 4.7.0 Too many messages in this session")
        outcome = transport.hand_over(make_envelope(number=3))
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER
    assert (server.connection_count, server.message_count) == (3, 2)


def test_after_an_unknown_the_next_message_gets_a_new_connection(server: MailServer) -> None:
    server.on(Moment.DOT, Drop(store=True), times=1)
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.hand_over(make_envelope()), Unknown)
        assert isinstance(transport.hand_over(make_envelope(number=2)), Sent)
    assert [message.message_id for message in server.messages] == ["<1@sender.example>", "<2@sender.example>"]


def test_a_server_that_is_down_is_refused_and_comes_back(server: MailServer) -> None:
    transport = open_transport(make_mailbox(server))
    server.stop()
    refused = transport.hand_over(make_envelope())
    server.start()
    assert isinstance(refused, Refused)
    assert refused.error_class is ErrorClass.SERVER
    assert isinstance(transport.hand_over(make_envelope()), Sent)
    transport.close()
    transport.close()


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
        distrusted = hand_over(server, **login)
        trusted = hand_over(server, **login, transport_options={"ca_file": str(certificate.ca_file)})
    assert isinstance(distrusted, Refused)
    assert distrusted.error_class is ErrorClass.SERVER
    assert "certificate" in distrusted.error
    assert isinstance(trusted, Sent)


@pytest.mark.parametrize("bad", ["name", "expired"])
def test_a_bad_certificate_is_refused_before_anything_is_said(tmp_path: Path, bad: str) -> None:
    names = ("elsewhere.example",) if bad == "name" else ("127.0.0.1",)
    certificate = make_certificate(tmp_path, names, expired=bad == "expired")
    with MailServer(tls_context=certificate.server_context(), users={"ada": PASSWORD}) as server:
        outcome = hand_over(
            server,
            smtp_security=Security.STARTTLS,
            auth_method=AuthMethod.PASSWORD,
            smtp_username="ada",
            credentials=Secrets(password=PASSWORD),
            transport_options={"ca_file": str(certificate.ca_file)},
        )
        assert server.login_count == 0
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER
    assert "certificate" in outcome.error


@pytest.mark.parametrize("stored", [True, False])
def test_over_tls_a_loss_after_the_dot_is_unknown_and_one_within_the_text_is_not(tmp_path: Path, stored: bool) -> None:
    certificate = make_certificate(tmp_path)
    options: dict[str, Any] = {
        "smtp_security": Security.TLS,
        "transport_options": {"ca_file": str(certificate.ca_file)},
    }
    with MailServer(tls_context=certificate.server_context(), implicit_tls=True) as server:
        server.on(Moment.DOT, Drop(store=stored), times=1)
        assert isinstance(hand_over(server, **options), Unknown)
        server.on(Moment.DATA, Drop(), times=1)
        assert isinstance(hand_over(server, **options), Refused)
        assert server.message_count == int(stored)


def test_a_server_without_starttls_is_refused_with_the_remedy(server: MailServer) -> None:
    outcome = hand_over(server, smtp_security=Security.STARTTLS)
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
        outcome = transport.hand_over(make_envelope())
        seen = f"{outcome!r} {transport!r} {mailbox!r} {caplog.text}"
        report = test_login(mailbox)
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, outcome.code) == (ErrorClass.MAILBOX, "535 5.7.8")
    assert password not in seen
    assert report.smtp_error is not None
    assert not report.is_ok


def test_a_password_with_any_letters_logs_in() -> None:
    password = "pässwörd ✓"
    with MailServer(users={"ada": password}) as server:
        outcome = hand_over(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=password)
        )
    assert isinstance(outcome, Sent)


def test_a_temporary_login_failure_is_the_servers() -> None:
    with MailServer(users={"ada": PASSWORD}) as server:
        server.on(Moment.LOGIN, "454 4.7.0 Temporary authentication failure")
        outcome = hand_over(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=PASSWORD)
        )
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER


def test_login_report_tells_what_works(server: MailServer) -> None:
    report = test_login(make_mailbox(server))
    assert report.is_ok
    assert not report.imap_checked
    assert server.messages == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"smtp_host": ""}, "no SMTP server"),
        ({"smtp_security": Security.TLS, "transport_options": {"ca_file": "/nowhere/ca.pem"}}, "ca_file"),
    ],
)
def test_a_mailbox_that_is_set_up_wrongly_is_told_so(server: MailServer, fields: dict[str, Any], named: str) -> None:
    outcome = hand_over(server, **fields)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.MAILBOX
    assert named in outcome.error


def test_a_poisoned_address_is_refused_without_touching_the_dialogue(server: MailServer) -> None:
    with open_transport(make_mailbox(server)) as transport:
        outcome = transport.hand_over(make_envelope("bob@prospect.example>\r\nRCPT TO:<eve@evil.example"))
        assert isinstance(outcome, Refused)
        assert outcome.error_class is ErrorClass.UNCLASSIFIED
        assert isinstance(transport.hand_over(make_envelope()), Sent)
    assert [message.recipients for message in server.messages] == [(BOB,)]


@pytest.mark.parametrize(
    ("recipient", "arrives_as"),
    [
        ("jürgen@prospect.example", "jürgen@prospect.example"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
    ],
)
def test_addresses_beyond_ascii_travel(server: MailServer, recipient: str, arrives_as: str) -> None:
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.hand_over(make_envelope(recipient)), Sent)
    assert server.messages[0].recipients == (arrives_as,)


def test_line_ends_and_leading_dots_cannot_smuggle_a_second_message(server: MailServer) -> None:
    mime = b"Subject: x\r\n\r\nbefore\n.\nMAIL FROM:<eve@evil.example>\r.\r\n.\r\nafter\r\n"
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.hand_over(make_envelope(mime=mime)), Sent)
    [message] = server.messages
    assert message.data == b"Subject: x\r\n\r\nbefore\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n.\r\n.\r\nafter\r\n"


def test_what_is_not_an_answer_leaves_the_message_unknown(server: MailServer) -> None:
    server.on(Moment.DOT, Reply("hello?", store=True), times=1)
    assert isinstance(hand_over(server), Unknown)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("2.0.0 Ok: queued as 4Zk1Q23xYz", "4Zk1Q23xYz"),
        ("2.0.0 OK <AS8PR01MB1234@AS8PR01MB1234.eurprd01.prod.outlook.com> [Hostname=x]", "AS8PR01MB1234@"),
        ("Ok 0102018f3e5c7a11-6a1b2c3d-0000", "0102018f3e5c7a11-6a1b2c3d-0000"),
        ("2.0.0 Ok", ""),
    ],
)
def test_the_servers_own_id_is_read(response: str, expected: str) -> None:
    found = read_provider_id(response)
    assert found.startswith(expected)
    assert bool(found) == bool(expected)


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
    report = test_login(mailbox)
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
    report = test_login(mailbox)
    assert report.imap_error is not None
    assert report.imap_error.startswith(f"127.0.0.1:{free_port}: ")
