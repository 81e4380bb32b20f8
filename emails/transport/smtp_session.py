"""One SMTP session that knows how far it got and when it must give up (RFC 5321). Knows no mailbox and no policy."""

from __future__ import annotations

import io
import re
import smtplib
import socket
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from common.deadlines import Deadline
from common.dialler import Dialler
from emails.transport.errors import Stage

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT_AT_LINE_START = re.compile(rb"(?m)^\.")
MAX_CHALLENGES = 5
_OUT_OF_SEQUENCE = frozenset({500, 502, 503})
# Servers that offer PIPELINING and understood no more than the first of several commands, as long as the process lives.
_NOT_PIPELINING: set[tuple[str, int]] = set()
# Those that did not take the next envelope behind a final dot, likewise.
_NOT_FOLLOWING: set[tuple[str, int]] = set()


# The commands of an envelope, with the class of answers that go on.
_ANSWERS = ((Stage.MAIL, 200), (Stage.RCPT, 200), (Stage.DATA, 300))


def _write_commands(sender: str, options: Sequence[str], recipient: str) -> tuple[str, str, str]:
    mail = f"MAIL FROM:<{sender}>{''.join(f' {option}' for option in options)}\r\n"
    return mail, f"RCPT TO:<{recipient}>\r\n", "DATA\r\n"


class _TimedReader(io.RawIOBase):
    """Reads a socket under the session's deadline: also a server that drips one byte at a time comes to an end."""

    def __init__(self, session: StagedSMTP, sock: socket.socket) -> None:
        self._session = session
        self._sock = sock
        self.is_instant = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(0 if self.is_instant else self._session.patience())
        return self._sock.recv_into(buffer)


class StagedSMTP(smtplib.SMTP):
    """smtplib's client with the stage reached, a deadline over all operations, TLS from the start if asked, and a
    text that is written separately from its final dot."""

    def __init__(
        self,
        host: str,
        ehlo_name: str,
        *,
        operation_seconds: float,
        answer_seconds: float,
        dialler: Dialler,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(local_hostname=ehlo_name, timeout=operation_seconds)
        self.stage = Stage.CONNECT
        self.is_dot_written = False
        self.is_following = False
        self._endpoint = ("", 0)
        self._host = host  # the name that STARTTLS verifies the certificate against
        self._operation_seconds = operation_seconds
        self._answer_seconds = answer_seconds
        self._before_dot = threading.Lock()
        self._is_broken_off = False
        self._dialled: socket.socket | None = None
        self._dialler = dialler
        self._tls_context = tls_context
        self._deadline = Deadline(operation_seconds)

    def begin(self, deadline: Deadline) -> None:
        """Everything from now on belongs to one message with this deadline."""
        self._deadline = deadline
        self.is_dot_written = self.is_following = False

    def remaining(self, at_most: float) -> float:
        """Seconds left of the message's deadline, `at_most` so many. TimeoutError when none are."""
        return self._deadline.remaining(at_most)

    def break_off(self) -> None:
        """From another thread: end the dialogue, unless the final dot was written. No dot is written from now on."""
        with self._before_dot:
            self._is_broken_off = True
            if not self.is_dot_written and self._dialled is not None:
                with suppress(OSError):
                    # of the plain socket: shutting TLS down would free the session while it is being read
                    socket.socket.shutdown(self._dialled, socket.SHUT_RDWR)

    def _note_socket(self, sock: socket.socket) -> None:
        with self._before_dot:
            self._dialled = sock
            if self._is_broken_off:
                raise ConnectionAbortedError("the worker stops")

    def patience(self) -> float:
        return self._deadline.remaining(3600 if self.is_dot_written else self._operation_seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._endpoint = (host, port)
        sock = self._dialler.connect(
            host, port, self._deadline, at_most=self._operation_seconds, on_socket=self._note_socket
        )
        if self._tls_context is None:
            return sock
        sock.settimeout(self.patience())
        sock = self._tls_context.wrap_socket(sock, server_hostname=self._host)
        self._note_socket(sock)
        return sock

    def starttls(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(self.patience())
        answer = super().starttls(*args, **kwargs)
        if self.sock is not None:
            self._note_socket(self.sock)
        return answer

    def send(self, s: Any) -> None:
        """Write all of it. OSError, unlike smtplib's, keeps its kind: whether bytes can have left depends on it."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        try:
            self.sock.settimeout(self.patience())
            self.sock.sendall(s.encode(self.command_encoding) if isinstance(s, str) else s)
        except OSError:
            self.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_TimedReader(self, self.sock))
        return super().getreply()

    def auth(self, mechanism: str, authobject: Callable[..., str | None], *, initial_response_ok: bool = True) -> Any:
        """RFC 4954 as smtplib does it, but passwords may hold any character (UTF-8), and no reply is kept in a text."""
        initial = authobject() if initial_response_ok else None
        line = mechanism.upper() + ("" if initial is None else " " + b64encode(initial.encode()).decode())
        code, reply = self.docmd("AUTH", line)
        for count in range(2 if initial is not None else 1, MAX_CHALLENGES + 2):
            if code != 334:
                break
            self._auth_challenge_count = count
            answer = authobject(b64decode(reply)) or ""
            code, reply = self.docmd(b64encode(answer.encode()).decode())
        if code not in {235, 503}:
            raise smtplib.SMTPAuthenticationError(code, reply)
        return code, reply

    def announce(self, sender: str, options: Sequence[str], recipient: str) -> tuple[int, bytes] | None:
        """MAIL, RCPT and DATA; together, in one round trip, where the server takes it so (RFC 2920).

        The addresses hold neither space nor bracket. None: the server waits for the text. Else the first refusal;
        `stage` says of what, and the session is in step.
        """
        lines = _write_commands(sender, options, recipient)
        if self._may_pipeline():
            self.stage = Stage.MAIL
            self.send("".join(lines))
            return self.read_announced()
        for (stage, hundred), line in zip(_ANSWERS, lines, strict=True):
            self.stage = stage
            self.send(line)
            code, reply = self.read_answer(stage)
            if not hundred <= code < hundred + 100:
                return code, reply
        return None

    def write_following(self, sender: str, options: Sequence[str], recipient: str) -> bytes:
        """The commands of `announce` for `write_text` to send behind its final dot; empty where the server may not
        take them so."""
        if not self._may_pipeline() or self._endpoint in _NOT_FOLLOWING:
            return b""
        return "".join(_write_commands(sender, options, recipient)).encode(self.command_encoding)

    def note_not_following(self) -> None:
        """Commands behind a final dot were not understood by this server: it gets none again."""
        _NOT_FOLLOWING.add(self._endpoint)

    def _may_pipeline(self) -> bool:
        return self.has_extn("pipelining") and self._endpoint not in _NOT_PIPELINING

    def read_answer(self, to: Stage) -> tuple[int, bytes]:
        """The answer to the command of this stage; named apart so that a fault can be set between any two of them."""
        return self.getreply()

    def read_announced(self) -> tuple[int, bytes] | None:
        """The answers to commands that were sent in one flight, as `announce` gives them."""
        self.stage = Stage.MAIL
        refusal: tuple[int, bytes] | None = None
        is_recipient_refused = False
        try:
            for stage, hundred in _ANSWERS:
                self.stage = self.stage if refusal else stage
                code, reply = self.read_answer(stage)
                if stage is Stage.RCPT:
                    is_recipient_refused = 400 <= code < 600
                if not refusal and not hundred <= code < hundred + 100:
                    if stage is not Stage.MAIL and code in _OUT_OF_SEQUENCE:
                        raise smtplib.SMTPServerDisconnected(f"commands in one flight are not understood: {code}")
                    refusal = code, reply
            if refusal and code == 354 and is_recipient_refused:
                # RFC 2920 section 3.1: it waits for a text although no recipient is left
                self.send(b".\r\n")
                self.getreply()
            elif refusal and code == 354:
                # a recipient is left who must not get an empty message
                self.close()
        except (OSError, smtplib.SMTPException):
            if not refusal:
                if self.stage is not Stage.MAIL:
                    # it understood the first command only; the next attempt sends them one by one
                    _NOT_PIPELINING.add(self._endpoint)
                raise
            self.close()
        return refusal

    def write_text(self, mime: bytes, following: bytes = b"") -> tuple[int, bytes]:
        """Write the message after a 354, then the final dot, then read the answer (RFC 5321 section 4.1.1.4).

        `following`: sent in the flight of the dot; `is_following` tells whether the server has got it.
        Whatever is raised while `is_dot_written` is false: the server cannot have accepted the message.
        """
        self.stage = Stage.BODY
        text = _DOT_AT_LINE_START.sub(b"..", _LINE_END.sub(b"\r\n", mime))
        self.send(text if text.endswith(b"\r\n") else text + b"\r\n")
        unread = self.peek()
        if unread == b"":
            self.close()
            raise smtplib.SMTPServerDisconnected("connection closed while the text was written")
        if unread:
            # no answer is due before the dot: a refusal ends the text, anything else is out of step
            code, reply = self.getreply()
            self.close()
            if 400 <= code < 600:
                return code, reply
            raise smtplib.SMTPServerDisconnected(f"an answer before the end of the text: {code}")
        with self._before_dot:
            if self._is_broken_off:
                raise smtplib.SMTPServerDisconnected("the worker stops")
            self.is_dot_written = True
            # the answer may take long, and has a time of its own
            self._deadline = Deadline(self._answer_seconds)
        try:
            self.send(b".\r\n")
        except ConnectionError:
            # the kernel refused these bytes: the connection was gone before the dot
            self.is_dot_written = False
            raise
        is_cut = bool(following) and not self._send_behind_dot(following)
        code, reply = self.getreply()
        self.stage = Stage.DONE
        if is_cut:
            self.close()
        return code, reply

    def _send_behind_dot(self, following: bytes) -> bool:
        """Whether all of it was written. Else the answer to the dot is still worth reading, and the session is over."""
        assert self.sock is not None
        try:
            self.sock.sendall(following)
        except OSError:
            return False
        self.is_following = True
        return True

    def peek(self) -> bytes | None:
        """What the server has sent and no command has asked for; empty when it has hung up, None when there is nothing.

        Answers are matched to commands by order alone, and what can be known must not stay unknown.
        """
        if self.sock is None or not isinstance(self.file, io.BufferedReader):
            return None
        reader = self.file.raw
        assert isinstance(reader, _TimedReader)
        reader.is_instant = True
        try:
            return self.file.peek(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""
        finally:
            reader.is_instant = False
