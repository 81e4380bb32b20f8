"""Sending over real sockets: every way an SMTP dialogue can end, and its result."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.encryption import Secrets
from emails.choices import AuthMethod, ErrorClass, Security
from emails.models import Mailbox
from emails.transport import Refused, Sent, Unknown, open_transport
from emails.transport.send_result import BrokenOffError
from emails.transport.smtp import ANSWER_SECONDS, MESSAGE_SECONDS, SmtpTransport
from emails.transport.smtp_replies import read_provider_id
from simulation.certificates import make_certificate
from simulation.mail_server import Drop, MailServer, Moment, Reply, Stall
from tests.faults.processes import wait_until
from tests.support.send_results import BOB, PASSWORD, make_envelope, make_mailbox, send


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


def test_the_server_gets_exactly_the_bytes_and_the_envelope(server: MailServer) -> None:
    envelope = make_envelope()
    with open_transport(make_mailbox(server)) as transport:
        outcome = transport.send(envelope)
    assert isinstance(outcome, Sent)
    [message] = server.messages
    assert (message.sender, message.recipients) == ("ada@sender.example", (BOB,))
    assert message.data == envelope.mime


def test_the_envelope_sender_changes_nothing_else(server: MailServer) -> None:
    envelope = make_envelope(envelope_sender="ada+b-1-abc@sender.example")
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.send(envelope), Sent)
    [message] = server.messages
    assert (message.sender, message.recipients) == ("ada+b-1-abc@sender.example", (BOB,))
    assert message.data == envelope.mime


def test_many_messages_share_one_connection_and_one_login() -> None:
    with MailServer(users={"ada": PASSWORD}) as server:
        mailbox = make_mailbox(
            server, auth_method=AuthMethod.PASSWORD, smtp_username="ada", credentials=Secrets(password=PASSWORD)
        )
        with open_transport(mailbox) as transport:
            for number in range(20):
                assert isinstance(transport.send(make_envelope(number=number)), Sent)
        assert (server.connection_count, server.login_count, server.message_count) == (1, 1, 20)
        assert {message.user for message in server.messages} == {"ada"}


def test_a_refused_recipient_leaves_the_connection_good_for_the_next(server: MailServer) -> None:
    server.on(Moment.RCPT, "550 5.1.1 No such user here", recipient="gone@prospect.example")
    with open_transport(make_mailbox(server)) as transport:
        refused = transport.send(make_envelope("gone@prospect.example"))
        assert isinstance(transport.send(make_envelope(number=2)), Sent)
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
    outcome = send(server)
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, outcome.code) == (error_class, code)
    assert reply[4:] in outcome.error
    assert server.messages == []


@pytest.mark.parametrize("moment", [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA])
def test_a_connection_lost_before_the_text_is_the_servers_fault(server: MailServer, moment: Moment) -> None:
    server.on(moment, Drop())
    outcome = send(server)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER


def test_a_connection_lost_while_a_long_text_is_written_is_never_unknown(server: MailServer) -> None:
    server.on(Moment.BODY, Drop(), times=1)
    envelope = make_envelope(mime=b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 300_000)
    with open_transport(make_mailbox(server)) as transport:
        outcome = transport.send(envelope)
        assert isinstance(outcome, Refused)
        assert outcome.error_class is ErrorClass.SERVER
        assert isinstance(transport.send(make_envelope()), Sent)
    assert server.message_count == 1


@pytest.mark.parametrize("stored", [True, False])
def test_a_connection_lost_after_the_final_dot_is_unknown_whether_or_not_the_server_kept_it(
    server: MailServer, stored: bool
) -> None:
    server.on(Moment.DOT, Drop(store=stored), times=1)
    assert isinstance(send(server), Unknown)
    assert server.message_count == int(stored)


def test_an_answer_to_the_dot_that_never_comes_is_unknown(server: MailServer) -> None:
    stall = Stall()
    server.on(Moment.DOT, stall, times=1)
    outcome = send(server, seconds=0.3)
    stall.release()
    assert isinstance(outcome, Unknown)
    assert stall.reached.is_set()


def test_the_answer_to_the_dot_has_a_time_of_its_own(server: MailServer) -> None:
    """It comes after the time for the whole dialogue before it is over."""
    stall = Stall()
    server.on(Moment.DOT, stall, times=1)
    assert (ANSWER_SECONDS, MESSAGE_SECONDS) == (600.0, 60.0)
    transport = SmtpTransport(make_mailbox(server), operation_seconds=10, message_seconds=2, answer_seconds=60)
    with transport, ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        sending = pool.submit(transport.send, make_envelope())
        wait_until(lambda: time.monotonic() > began + 2.2, "the time for the dialogue is over")
        assert stall.reached.is_set()
        stall.release()
        assert isinstance(sending.result(), Sent)


@pytest.mark.parametrize("moment", [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA])
def test_breaking_off_ends_a_dialogue_before_its_dot(server: MailServer, moment: Moment) -> None:
    stall = Stall()
    server.on(moment, stall)
    transport = SmtpTransport(make_mailbox(server))
    with transport, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(transport.send, make_envelope())
        assert stall.reached.wait(30)
        transport.break_off()
        with pytest.raises(BrokenOffError):
            sending.result()
        stall.release()
        with pytest.raises(BrokenOffError):
            transport.send(make_envelope(number=2))
    assert server.messages == []


def test_breaking_off_waits_for_an_answer_that_is_outstanding(server: MailServer) -> None:
    stall = Stall()
    server.on(Moment.DOT, stall)
    transport = SmtpTransport(make_mailbox(server))
    with transport, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(transport.send, make_envelope())
        assert stall.reached.wait(30)
        transport.break_off()
        stall.release()
        assert isinstance(sending.result(), Sent)


@pytest.mark.parametrize("moment", [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA])
def test_a_server_that_stalls_before_the_text_is_the_servers_fault(server: MailServer, moment: Moment) -> None:
    stall = Stall()
    server.on(moment, stall, times=1)
    outcome = send(server, seconds=0.3)
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
    outcome = SmtpTransport(mailbox, operation_seconds=0.4, message_seconds=0.4).send(make_envelope())
    over.set()
    thread.join()
    listener.close()
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER


def test_an_idle_connection_that_the_server_closed_is_replaced_unnoticed(server: MailServer) -> None:
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.send(make_envelope()), Sent)
        server.drop_connections()
        assert isinstance(transport.send(make_envelope(number=2)), Sent)
    assert (server.connection_count, server.message_count) == (2, 2)


def test_a_421_at_mail_on_a_reused_connection_reconnects_once(server: MailServer) -> None:
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.send(make_envelope()), Sent)
        server.on(Moment.MAIL, "421 4.7.0 Too many messages in this session", times=1)
        assert isinstance(transport.send(make_envelope(number=2)), Sent)
        server.on(Moment.MAIL, "421 4.7.0 Too many messages in this session")
        outcome = transport.send(make_envelope(number=3))
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER
    assert (server.connection_count, server.message_count) == (3, 2)


def test_after_an_unknown_the_next_message_gets_a_new_connection(server: MailServer) -> None:
    server.on(Moment.DOT, Drop(store=True), times=1)
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.send(make_envelope()), Unknown)
        assert isinstance(transport.send(make_envelope(number=2)), Sent)
    assert [message.message_id for message in server.messages] == ["<1@sender.example>", "<2@sender.example>"]


def test_a_server_that_is_down_is_refused_and_comes_back(server: MailServer) -> None:
    transport = open_transport(make_mailbox(server))
    server.stop()
    refused = transport.send(make_envelope())
    server.start()
    assert isinstance(refused, Refused)
    assert refused.error_class is ErrorClass.SERVER
    assert isinstance(transport.send(make_envelope()), Sent)
    transport.close()
    transport.close()


@pytest.mark.parametrize("stored", [True, False])
def test_over_tls_a_loss_after_the_dot_is_unknown_and_one_within_the_text_is_not(tmp_path: Path, stored: bool) -> None:
    certificate = make_certificate(tmp_path)
    options: dict[str, Any] = {
        "smtp_security": Security.TLS,
        "transport_options": {"ca_pem": certificate.ca_file.read_text()},
    }
    with MailServer(tls_context=certificate.server_context(), implicit_tls=True) as server:
        server.on(Moment.DOT, Drop(store=stored), times=1)
        assert isinstance(send(server, **options), Unknown)
        server.on(Moment.DATA, Drop(), times=1)
        assert isinstance(send(server, **options), Refused)
        assert server.message_count == int(stored)


def test_a_poisoned_address_is_refused_without_touching_the_dialogue(server: MailServer) -> None:
    with open_transport(make_mailbox(server)) as transport:
        outcome = transport.send(make_envelope("bob@prospect.example>\r\nRCPT TO:<eve@evil.example"))
        assert isinstance(outcome, Refused)
        assert outcome.error_class is ErrorClass.UNCLASSIFIED
        assert isinstance(transport.send(make_envelope()), Sent)
    assert [message.recipients for message in server.messages] == [(BOB,)]


@pytest.mark.parametrize(
    "recipient", ["Bob.O'Neil+x@xn--bcher-kva.example", "bob@xn--strae-oqa.example", "B{}|~@prospect.example"]
)
def test_the_recipient_reaches_the_server_byte_for_byte(server: MailServer, recipient: str) -> None:
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.send(make_envelope(recipient)), Sent)
    assert server.messages[0].recipients == (recipient,)


@pytest.mark.parametrize(
    "recipient",
    [
        "jürgen@prospect.example", "bob@bücher.example", "bob@prospect.example\u200b", "bob@PROSPECT.example",
        "bob@prospect.example\nRCPT TO:<eve@evil.example>", "bob@[127.0.0.1]", "bob@localhost",
    ],
)  # fmt: skip
def test_an_address_that_is_not_in_its_stored_form_is_refused_and_never_changed(
    server: MailServer, recipient: str
) -> None:
    with open_transport(make_mailbox(server)) as transport:
        answer = transport.send(make_envelope(recipient))
    assert isinstance(answer, Refused)
    assert "stored form" in answer.error
    assert server.messages == []


def test_line_ends_and_leading_dots_cannot_smuggle_a_second_message(server: MailServer) -> None:
    mime = b"Subject: x\r\n\r\nbefore\n.\nMAIL FROM:<eve@evil.example>\r.\r\n.\r\nafter\r\n"
    with open_transport(make_mailbox(server)) as transport:
        assert isinstance(transport.send(make_envelope(mime=mime)), Sent)
    [message] = server.messages
    assert message.data == b"Subject: x\r\n\r\nbefore\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n.\r\n.\r\nafter\r\n"


def test_what_is_not_an_answer_leaves_the_message_unknown(server: MailServer) -> None:
    server.on(Moment.DOT, Reply("hello?", store=True), times=1)
    assert isinstance(send(server), Unknown)


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
