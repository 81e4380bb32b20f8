"""The scripted server itself: what it promises to the tests that rely on it."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.mail_server import (
    Drop,
    MailServer,
    Moment,
    ReceivedMessage,
    Reply,
    Situation,
    Stall,
    main,
    read_record,
)

MIME = b"Message-ID: <1@x.example>\r\nSubject: Hi\r\n\r\n..leading dots\r\nend\r\n"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


def send(server: MailServer, recipient: str = "bob@y.example", *, sender: str = "ada@x.example") -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.sendmail(sender, [recipient], MIME)


def test_messages_are_kept_in_order_with_all_that_is_known(server: MailServer) -> None:
    send(server, "one@y.example")
    send(server, "two@y.example")
    first, second = server.messages
    assert (first.number, first.sender, first.recipients, first.connection) == (
        1,
        "ada@x.example",
        ("one@y.example",),
        1,
    )
    assert first.data == MIME
    assert first.message_id == "<1@x.example>"
    assert (second.number, second.connection) == (2, 2)
    assert server.messages_to("TWO@y.example") == [second]
    assert server.wait_for_messages(2) == [first, second]
    with pytest.raises(TimeoutError, match="2 of 3"):
        server.wait_for_messages(3, timeout_seconds=0.01)


@pytest.mark.parametrize(
    ("written", "arrives"),
    [
        (b"\r\n.\r\n", b"\r\n"),
        (b".\r\n", b""),
        (b"..\r\n...\r\na.\r\n.\r\n", b".\r\n..\r\na.\r\n"),
        (b"x" * 998 + b"\r\n.\r\n", b"x" * 998 + b"\r\n"),
    ],
)
def test_texts_arrive_as_rfc_5321_has_them(server: MailServer, written: bytes, arrives: bytes) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        client.mail("ada@x.example")
        client.rcpt("bob@y.example")
        assert client.docmd("DATA")[0] == 354
        client.send(written)
        assert client.getreply()[0] == 250
        assert client.noop()[0] == 250
    assert server.messages[0].data == arrives


def test_a_line_beyond_998_octets_is_refused(server: MailServer) -> None:
    with (
        smtplib.SMTP(server.host, server.port) as client,
        pytest.raises(smtplib.SMTPDataError, match="Line too long"),
    ):
        client.sendmail("ada@x.example", ["bob@y.example"], b"x" * 999)


def test_rules_fit_by_recipient_and_sender_and_run_out(server: MailServer) -> None:
    server.on(Moment.RCPT, "550 5.1.1 Gone", recipient="Gone@y.example")
    server.on(Moment.RCPT, "450 Later", sender="slow@x.example", times=1)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(server, "gone@y.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(server, sender="slow@x.example")
    send(server, sender="slow@x.example")
    send(server)
    assert server.message_count == 2


def test_a_behaviour_sees_the_whole_situation() -> None:
    seen: list[Situation] = []

    def refuse_second_attempt(situation: Situation) -> Reply | None:
        seen.append(situation)
        is_second = situation.moment is Moment.RCPT and situation.attempt == 2
        return Reply("550 Enough") if is_second else None

    with MailServer(behaviour=refuse_second_attempt) as server:
        send(server)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(server)
        assert server.attempts("bob@y.example") == 2
    asked = [situation.moment for situation in seen[:6]]
    assert asked == [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA, Moment.BODY, Moment.DOT]


def test_greylisting_refuses_the_first_attempt_of_each(server: MailServer) -> None:
    server.greylist()
    for recipient in ("one@y.example", "two@y.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(server, recipient)
        send(server, recipient)
    assert server.message_count == 2


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("cut", [True, False])
def test_at_the_dot_a_message_may_be_kept_or_not_whatever_is_answered(
    server: MailServer, stored: bool, cut: bool
) -> None:
    server.on(Moment.DOT, Drop(store=stored) if cut else Reply("451 Try again", store=stored))
    with pytest.raises(smtplib.SMTPServerDisconnected if cut else smtplib.SMTPDataError):
        send(server)
    assert server.message_count == int(stored)


def test_a_stall_holds_until_released_and_only_its_own_connection(server: MailServer) -> None:
    stall = Stall()
    server.on(Moment.RCPT, stall, recipient="slow@y.example")
    thread = threading.Thread(target=send, args=(server, "slow@y.example"))
    thread.start()
    assert stall.reached.wait(5)
    send(server, "fast@y.example")
    assert [message.recipients for message in server.messages] == [("fast@y.example",)]
    stall.release()
    thread.join()
    assert server.messages[1].recipients == ("slow@y.example",)


def test_an_outage_cuts_open_connections_and_can_be_lifted(server: MailServer) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.noop()
        server.refuse_everything()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.docmd("NOOP")
    with pytest.raises(smtplib.SMTPConnectError, match="421"):
        send(server)
    server.forget_rules()
    send(server)
    assert server.message_count == 1


def test_a_stopped_server_comes_back_at_the_same_port(server: MailServer) -> None:
    port = server.port
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        send(server)
    server.start()
    send(server)
    assert server.port == port


def test_users_must_log_in(server: MailServer) -> None:
    server.users["ada"] = "secret"
    with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
        send(server)
    with smtplib.SMTP(server.host, server.port) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("ada", "wrong")
        client.login("ada", "secret")
        client.sendmail("a@x.example", "b@y.example", MIME)
    assert server.messages[0].user == "ada"


def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = MailServer(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            server.start()


def test_every_message_is_shown_to_the_listener() -> None:
    seen: list[ReceivedMessage] = []
    with MailServer(on_message=seen.append, keep_messages=False) as server:
        send(server)
        assert (server.message_count, server.messages) == (1, [])
    assert seen[0].data == MIME


def test_the_record_survives_a_kill_and_a_line_cut_short(tmp_path: Path) -> None:
    record = tmp_path / "mail.jsonl"
    rule = "rcpt:gone@y.example=550 5.1.1 Gone"
    command = [sys.executable, "-m", "simulation.mail_server", "--record", str(record), "--rule", rule]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        with smtplib.SMTP(where["host"], where["port"]) as client:
            client.sendmail("ada@x.example", "bob@y.example", MIME + "é".encode())
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("ada@x.example", "gone@y.example", MIME)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    with record.open("ab") as file:
        file.write(b'{"number": 2, "sender"')
    [message] = read_record(record)
    assert message.data == MIME + "é\r\n".encode()
    assert message.recipients == ("bob@y.example",)


def test_the_program_ends_politely_and_names_a_taken_port(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "simulation.mail_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            assert main(["--port", str(port)]) == 1
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        process.terminate()
        assert process.wait(10) == 0
    assert f"127.0.0.1:{port}" in capsys.readouterr().err
