"""Servers whose answers do not match the commands: stray lines, answers in pieces, pipelining only announced."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from emails.choices import AuthMethod, ErrorClass, Security
from emails.models import Mailbox
from emails.transport import Refused, Sent, Unknown, smtp_session
from emails.transport.smtp import SmtpTransport
from tests.support.send_results import make_envelope

EHLO = b"250-here\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n"


class Server:
    """Answers each line with what `answers` has for its verb; a list gives one answer a time, the last for good.

    `b""` answers nothing, None hangs up. `only_first`: of lines that come together only the first is understood.
    `holds`: the answers to so many dots wait for the next DATA. `forgets`: this DATA and what is with it are lost.
    """

    def __init__(
        self,
        answers: dict[str, list[bytes | None]],
        *,
        only_first: bool = False,
        in_pieces: bool = False,
        holds: int = 0,
        forgets: bool = False,
    ):
        self.holds = holds
        self.forgets = forgets
        self.answers = {"EHLO": [EHLO], "QUIT": [b"221 bye\r\n"]} | answers
        self.only_first = only_first
        self.in_pieces = in_pieces
        self.connections = 0
        self.texts: list[bytes] = []
        self.flights: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with client:
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        client.sendall(self._next("CONNECT", b"220 here\r\n") or b"")
        given, held, is_text = b"", b"", False
        is_held = False
        while True:
            try:
                data = client.recv(65536)
            except OSError:
                return
            if not data:
                return
            given += data
            if not is_text:
                self.flights.append(data)
            answers = b""
            while True:
                taken, found, rest = given.partition(b"\r\n.\r\n" if is_text and given != b".\r\n" else b"\r\n")
                if not found:
                    break
                given = rest
                if is_text:
                    is_text = False
                    self.texts.append(taken)
                    answer = self._next("DOT", b"250 queued\r\n")
                    is_held, self.holds = self.holds > 0, self.holds - 1
                else:
                    verb = taken[:4].decode().upper()
                    answer = self._next(verb, b"354 go on\r\n" if verb == "DATA" else b"250 ok\r\n")
                    is_text = bool(answer) and answer is not None and answer.startswith(b"354")
                    if self.only_first and verb in {"MAIL", "RCPT"}:
                        given = b""
                    if is_held and self.forgets:
                        answer, is_text = b"", False
                    is_held = is_held and verb != "DATA"
                if answer is None:
                    client.sendall(held + answers)
                    return
                answers += answer
            answers, held = (b"", held + answers) if is_held else (held + answers, b"")
            for piece in [answers[i : i + 1] for i in range(len(answers))] if self.in_pieces else [answers]:
                client.sendall(piece)

    def _next(self, verb: str, default: bytes) -> bytes | None:
        left = self.answers.get(verb, [default])
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving(answers: dict[str, list[bytes | None]] | None = None, **options: Any) -> Iterator[Server]:
    server = Server(answers or {}, **options)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def connected(server: Server) -> Iterator[SmtpTransport]:
    mailbox = Mailbox(
        address="ada@sender.example", smtp_host="127.0.0.1", smtp_port=server.port,
        smtp_security=Security.NONE, auth_method=AuthMethod.NONE,
    )  # fmt: skip
    with SmtpTransport(mailbox, operation_seconds=2, message_seconds=10, answer_seconds=10) as transport:
        yield transport


@pytest.fixture(autouse=True)
def _forget_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_session, "_NOT_PIPELINING", set())
    monkeypatch.setattr(smtp_session, "_NOT_FOLLOWING", set())


def test_a_stray_line_after_a_message_costs_the_connection_and_nothing_else() -> None:
    """Without care the next refusal would be read as the answer to another command."""
    with (
        serving({"DOT": [b"250 queued\r\n250 stray\r\n", b"250 queued\r\n"], "RCPT": [b"250 ok\r\n"]}) as server,
        connected(server) as transport,
    ):
        assert isinstance(transport.send(make_envelope(number=1)), Sent)
        server.answers["RCPT"] = [b"550 5.1.1 No such user\r\n"]
        refused = transport.send(make_envelope(number=2))
    assert isinstance(refused, Refused)
    assert refused.error_class is ErrorClass.RECIPIENT_PERMANENT
    assert server.connections == 2
    assert [len(text) > 10 for text in server.texts] == [True, False]


def test_stray_lines_of_a_new_connection_are_the_servers_fault() -> None:
    with serving({"EHLO": [EHLO + b"250 stray\r\n"]}) as server, connected(server) as transport:
        refused = transport.send(make_envelope())
    assert isinstance(refused, Refused)
    assert refused.error_class is ErrorClass.SERVER
    assert (server.connections, server.texts) == (2, [])


def test_an_answer_before_the_dot_is_never_taken_for_the_answer_to_it() -> None:
    with serving({"DATA": [b"354 go on\r\n250 stray\r\n"]}) as server, connected(server) as transport:
        refused = transport.send(make_envelope())
    assert isinstance(refused, Refused)
    assert refused.error_class is ErrorClass.SERVER
    assert server.texts == []


def test_an_answer_out_of_step_before_the_text_is_the_servers_fault() -> None:
    with serving({"MAIL": [b"250 ok\r\n250 stray\r\n"]}) as server, connected(server) as transport:
        refused = transport.send(make_envelope())
    assert isinstance(refused, Refused)
    assert refused.error_class is ErrorClass.SERVER
    assert server.texts == []


@pytest.mark.parametrize("in_pieces", [False, True])
def test_commands_go_in_one_flight_and_are_answered_in_any_pieces(in_pieces: bool) -> None:
    with serving(in_pieces=in_pieces) as server, connected(server) as transport:
        for number in range(3):
            assert isinstance(transport.send(make_envelope(number=number)), Sent)
    assert len(server.texts) == 3
    assert sum(b"MAIL" in flight and b"RCPT" in flight and b"DATA" in flight for flight in server.flights) == 3


def test_a_server_that_only_announces_pipelining_gets_commands_one_by_one() -> None:
    with serving(only_first=True) as server:
        with connected(server) as transport:
            refused = transport.send(make_envelope())
        assert isinstance(refused, Refused)
        assert refused.error_class is ErrorClass.SERVER
        with connected(server) as transport:
            assert isinstance(transport.send(make_envelope()), Sent)
    assert len(server.texts) == 1


def test_a_server_that_complains_about_the_sequence_gets_commands_one_by_one() -> None:
    with (
        serving({"RCPT": [b"503 5.5.0 Improper use of pipelining\r\n", b"250 ok\r\n"]}) as server,
        connected(server) as transport,
    ):
        refused = transport.send(make_envelope())
        assert isinstance(refused, Refused)
        assert refused.error_class is ErrorClass.SERVER
        assert isinstance(transport.send(make_envelope()), Sent)
    assert len(server.texts) == 1


def test_a_text_that_is_asked_for_without_a_recipient_is_ended_and_the_session_goes_on() -> None:
    """RFC 2920 section 3.1: RCPT was refused and DATA accepted all the same."""
    answers = {"RCPT": [b"550 5.1.1 No such user\r\n", b"250 ok\r\n"], "DOT": [b"554 no valid recipients\r\n"]}
    with serving(answers) as server, connected(server) as transport:  # type: ignore[arg-type]
        refused = transport.send(make_envelope())
        assert isinstance(refused, Refused)
        assert refused.error_class is ErrorClass.RECIPIENT_PERMANENT
        server.answers["DOT"] = [b"250 queued\r\n"]
        assert isinstance(transport.send(make_envelope(number=2)), Sent)
    assert server.connections == 1
    assert [len(text) > 10 for text in server.texts] == [False, True]


def test_a_recipient_gets_no_empty_message_when_only_the_sender_was_refused() -> None:
    with serving({"MAIL": [b"451 4.3.0 Later\r\n"]}) as server, connected(server) as transport:
        refused = transport.send(make_envelope())
    assert isinstance(refused, Refused)
    assert server.texts == []


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_421_in_the_middle_of_a_flight_ends_the_connection(verb: str) -> None:
    with (
        serving({verb: [b"421 4.3.2 Shutting down\r\n", b"354 go\r\n" if verb == "DATA" else b"250 ok\r\n"]}) as server,
        connected(server) as transport,
    ):
        refused = transport.send(make_envelope())
        assert isinstance(refused, Refused)
        assert refused.error_class is ErrorClass.SERVER
        assert isinstance(transport.send(make_envelope(number=2)), Sent)
    assert server.connections == 2
    assert len([text for text in server.texts if len(text) > 10]) == 1


FIRST, SECOND, THIRD = (make_envelope(f"person{number}@prospect.example", number) for number in (1, 2, 3))


def texts(server: Server) -> list[int]:
    """The numbers of the messages whose texts came."""
    return [number for text in server.texts for number in (1, 2, 3) if b"<%d@sender.example>" % number in text]


def test_the_next_envelope_comes_before_the_dot_is_answered_and_its_text_after() -> None:
    """The server answers the first dots once it has been told of the next message: both waits are one."""
    with serving(holds=2) as server, connected(server) as transport:
        assert isinstance(transport.send(FIRST, SECOND), Sent)
        assert texts(server) == [1]
        assert isinstance(transport.send(SECOND, THIRD), Sent)
        assert isinstance(transport.send(THIRD), Sent)
    assert (texts(server), server.connections) == ([1, 2, 3], 1)


def test_an_envelope_that_is_not_sent_after_all_costs_the_connection_and_nothing_else() -> None:
    with serving(holds=1) as server, connected(server) as transport:
        assert isinstance(transport.send(FIRST, SECOND), Sent)
        assert isinstance(transport.send(THIRD), Sent)
    assert (texts(server), server.connections) == ([1, 3], 2)


def test_closing_with_an_envelope_announced_sends_no_text() -> None:
    with serving(holds=1) as server, connected(server) as transport:
        assert isinstance(transport.send(FIRST, SECOND), Sent)
    assert [text for text in server.texts if b"QUIT" in text] == []
    assert (texts(server), server.connections) == ([1], 1)


def test_a_recipient_refused_in_the_flight_of_the_dot_is_refused_and_the_session_goes_on() -> None:
    answers: dict[str, list[bytes | None]] = {
        "RCPT": [b"250 ok\r\n", b"550 5.1.1 No such user\r\n", b"250 ok\r\n"],
        "DATA": [b"354 go on\r\n", b"554 no valid recipients\r\n", b"354 go on\r\n"],
    }
    with serving(answers, holds=1) as server, connected(server) as transport:
        assert isinstance(transport.send(FIRST, SECOND), Sent)
        refused = transport.send(SECOND, THIRD)
        assert isinstance(refused, Refused)
        assert refused.error_class is ErrorClass.RECIPIENT_PERMANENT
        assert isinstance(transport.send(THIRD), Sent)
    assert (texts(server), server.connections) == ([1, 3], 1)


def test_a_refused_text_leaves_the_next_envelope_standing() -> None:
    with (
        serving({"DOT": [b"554 5.7.1 Spam\r\n", b"250 queued\r\n"]}, holds=1) as server,
        connected(server) as transport,
    ):
        refused = transport.send(FIRST, SECOND)
        assert isinstance(refused, Refused)
        assert refused.error_class is ErrorClass.CONTENT
        assert isinstance(transport.send(SECOND), Sent)
    assert (texts(server), server.connections) == ([1, 2], 1)


@pytest.mark.parametrize(
    "complaint", [b"554 SMTP synchronization error\r\n", b"503 bad sequence\r\n", b"150 stray\r\n"]
)
def test_only_a_refusal_of_the_recipient_is_trusted_behind_a_dot(complaint: bytes) -> None:
    """A refused sender would stop the mailbox: it is asked again on a new connection, and not behind a dot any more."""
    with (
        serving({"MAIL": [b"250 ok\r\n", complaint, b"250 ok\r\n"]}, holds=1) as server,
        connected(server) as transport,
    ):
        assert isinstance(transport.send(FIRST, SECOND), Sent)
        assert isinstance(transport.send(SECOND, THIRD), Sent)
        assert isinstance(transport.send(THIRD), Sent)
    assert (texts(server), server.connections) == ([1, 2, 3], 2)


def test_commands_that_a_server_loses_behind_a_dot_are_sent_again_and_no_more_behind_one() -> None:
    with serving(holds=1, forgets=True) as server, connected(server) as transport:
        assert isinstance(transport.send(FIRST, SECOND), Sent)
        assert isinstance(transport.send(SECOND, THIRD), Sent)
        assert isinstance(transport.send(THIRD), Sent)
    assert (texts(server), server.connections) == ([1, 2, 3], 2)


@pytest.mark.parametrize("end", [None, b"421 4.7.0 Too many messages\r\n"])
def test_a_server_that_ends_the_session_behind_a_dot_gets_the_next_message_by_a_new_one(end: bytes | None) -> None:
    with (
        serving({"MAIL": [b"250 ok\r\n", end, b"250 ok\r\n"]}, holds=2) as server,
        connected(server) as transport,
    ):
        assert isinstance(transport.send(FIRST, SECOND), Sent)
        # the server is given an envelope behind the dot again, or it would not answer this one
        assert isinstance(transport.send(SECOND, THIRD), Sent)
        assert isinstance(transport.send(THIRD), Sent)
    assert (texts(server), server.connections) == ([1, 2, 3], 2)


def test_an_unanswered_text_is_unknown_and_its_follower_is_sent_again() -> None:
    with serving({"DOT": [None, b"250 queued\r\n"]}) as server, connected(server) as transport:
        assert isinstance(transport.send(FIRST, SECOND), Unknown)
        assert isinstance(transport.send(SECOND), Sent)
    assert (texts(server), server.connections) == ([1, 2], 2)
