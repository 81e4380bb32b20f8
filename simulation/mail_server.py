"""A real SMTP server that does what a script says: the network's other end in tests, the simulation and the demo.

It keeps every accepted message in the order of acceptance and, with `record_path`, on disk before it answers, so that
the record survives any kill. Also a program of its own: `python -m simulation.mail_server --help`. It must
know nothing of Django and nothing of the product.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulation.mail_protocol import ScriptedSMTP
from simulation.mail_script import Action, Behaviour, Drop, Moment, Reply, Rule, Situation, Stall

__all__ = [
    "Action",
    "Behaviour",
    "Drop",
    "MailServer",
    "Moment",
    "ReceivedMessage",
    "Reply",
    "Rule",
    "Situation",
    "Stall",
    "read_record",
]


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One accepted message, numbered from 1 in the order of acceptance."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    data: bytes = field(repr=False)
    user: str
    connection: int
    peer: str

    @property
    def parsed(self) -> EmailMessage:
        parsed = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def message_id(self) -> str:
        headers = BytesHeaderParser(policy=policy.default).parsebytes(self.data)
        return str(headers["Message-ID"] or "")


def read_record(path: Path) -> list[ReceivedMessage]:
    """The messages of a record file in order. A last line cut off by a kill was never confirmed and is left out."""
    lines = path.read_text(encoding="ascii").split("\n")[:-1] if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [
        ReceivedMessage(
            **{**row, "recipients": tuple(row["recipients"]), "data": row["data"].encode("latin-1")},
        )
        for row in rows
    ]


class MailServer:
    """SMTP on 127.0.0.1 in a thread of its own. `start()` and `stop()` may alternate: the port stays the same.

    `users` maps names to passwords and makes login obligatory; `bearers` maps names to XOAUTH2 access tokens. Without
    either, any login is good and none is needed. `certificate` offers STARTTLS, or TLS from the first byte.
    `pipelining` announces RFC 2920, as nearly every server does.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Mapping[str, str] | None = None,
        bearers: Mapping[str, str] | None = None,
        tls_context: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        pipelining: bool = True,
        behaviour: Behaviour | None = None,
        on_message: Callable[[ReceivedMessage], None] | None = None,
        record_path: Path | None = None,
        keep_messages: bool = True,
    ) -> None:
        self.host = host
        self.port = port
        self.users = dict(users or {})
        self.bearers = dict(bearers or {})
        self.tls_context = tls_context
        self.implicit_tls = implicit_tls
        self.pipelining = pipelining
        self.behaviour = behaviour
        self.on_message = on_message
        self.record_path = record_path
        self.keep_messages = keep_messages
        self.messages: list[ReceivedMessage] = []
        self.message_count = 0
        self.connection_count = 0
        self.login_count = 0
        self.rules: list[Rule] = []
        self._attempts: dict[str, int] = {}
        self._changed = threading.Condition()
        self.protocols: set[ScriptedSMTP] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._record: Any = None

    # --- scripting

    def on(
        self,
        moment: Moment,
        action: Action | str,
        *,
        recipient: str = "",
        sender: str = "",
        times: int | None = None,
    ) -> Rule:
        """Add a rule; a text is the reply. The rule added first wins, rules win over `behaviour`."""
        rule = Rule(moment, Reply(action) if isinstance(action, str) else action, recipient, sender, times)
        with self._changed:
            self.rules.append(rule)
        return rule

    def refuse_everything(self, reply: str = "421 4.3.2 Service not available, closing transmission channel") -> Rule:
        """Every new connection is refused, every open one is cut: an outage that can be lifted with `forget_rules`."""
        rule = self.on(Moment.CONNECT, reply)
        self.drop_connections()
        return rule

    def greylist(self, reply: str = "450 4.7.1 Greylisted, please try again later") -> None:
        """Refuse the first attempt of every recipient."""

        def first_attempt(situation: Situation) -> Action | None:
            return Reply(reply) if situation.moment is Moment.RCPT and situation.attempt == 1 else None

        self.behaviour = first_attempt

    def forget_rules(self) -> None:
        with self._changed:
            self.rules.clear()
        self.behaviour = None

    def choose_action(self, situation: Situation) -> Action | None:
        with self._changed:
            for rule in self.rules:
                if rule.fits(situation):
                    if rule.times is not None:
                        rule.times -= 1
                    return rule.action
        return self.behaviour(situation) if self.behaviour else None

    def count_attempt(self, recipient: str) -> None:
        self._attempts[recipient.lower()] = self.attempts(recipient) + 1

    def attempts(self, recipient: str) -> int:
        """How often this recipient was named at RCPT."""
        return self._attempts.get(recipient.lower(), 0)

    # --- what arrived

    def accept(self, protocol: ScriptedSMTP, sender: str, recipients: Iterable[str], data: bytes) -> None:
        message = ReceivedMessage(
            self.message_count + 1, sender, tuple(recipients), data, protocol.user, protocol.number, protocol.peer
        )
        if self._record is not None:
            row = {name: getattr(message, name) for name in ("number", "sender", "recipients", "user", "connection")}
            row |= {"peer": message.peer, "data": data.decode("latin-1")}
            self._record.write((json.dumps(row) + "\n").encode("ascii"))
            self._record.flush()
            os.fsync(self._record.fileno())
        with self._changed:
            self.message_count += 1
            if self.keep_messages:
                self.messages.append(message)
            self._changed.notify_all()
        if self.on_message:
            self.on_message(message)

    def wait_for_messages(self, count: int, timeout_seconds: float = 10.0) -> list[ReceivedMessage]:
        """The messages, once there are at least `count`. TimeoutError if they do not come."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.message_count >= count, timeout_seconds):
                raise TimeoutError(f"{self.message_count} of {count} messages came within {timeout_seconds} s")
            return list(self.messages)

    def messages_to(self, recipient: str) -> list[ReceivedMessage]:
        wanted = recipient.lower()
        return [m for m in list(self.messages) if wanted in (address.lower() for address in m.recipients)]

    # --- life

    def start(self) -> Self:
        """Listen. OSError if the port is taken."""
        if self.record_path is not None:
            self._record = self.record_path.open("ab")
        started: list[BaseException | None] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started, ready), name="mail-server", daemon=True)
        self._thread.start()
        ready.wait()
        if started and started[0] is not None:
            self._thread.join()
            self._thread = None
            self._close_record()
            raise started[0]
        return self

    def stop(self) -> None:
        """Stop listening and cut every connection; as sudden as a pulled plug. Messages and rules stay."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = self._loop = None
        self._close_record()

    def drop_connections(self) -> None:
        """Cut all connections, as a server does with idle ones; new ones are welcome."""
        if self._loop is None:
            return
        done = threading.Event()

        def cut() -> None:
            for protocol in list(self.protocols):
                protocol.cut()
            done.set()

        self._loop.call_soon_threadsafe(cut)
        done.wait(5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _close_record(self) -> None:
        if self._record is not None:
            self._record.close()
            self._record = None

    def _run(self, started: list[BaseException | None], ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            listening = loop.run_until_complete(
                loop.create_server(
                    lambda: ScriptedSMTP(self, loop),
                    self.host,
                    self.port,
                    ssl=self.tls_context if self.implicit_tls else None,
                    backlog=512,
                )
            )
        except OSError as error:
            started.append(error)
            loop.close()
            ready.set()
            return
        self.port = listening.sockets[0].getsockname()[1]
        self._loop = loop
        loop.call_soon(ready.set)
        loop.run_forever()
        listening.close()
        for protocol in list(self.protocols):
            protocol.cut()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        # one more round, so that every cut connection has notified its protocol and closed its socket
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _parse_rule(text: str) -> Rule:
    where, _, reply = text.partition("=")
    moment, _, recipient = where.partition(":")
    action: Action = Reply(reply) if reply else Drop()
    return Rule(Moment(moment), action, recipient)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the first line on standard output says where."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.mail_server",
        description="A scripted SMTP server on the loopback interface.",
        epilog="Example: --port 2525 --record mail.jsonl --rule 'rcpt:bob@example.com=550 5.1.1 No such user'",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument("--record", type=Path, help="append every accepted message to this file before answering")
    parser.add_argument(
        "--rule",
        type=_parse_rule,
        action="append",
        default=[],
        metavar="MOMENT[:RECIPIENT]=REPLY",
        help=f"answer REPLY at {', '.join(Moment)}; without REPLY the connection is cut",
    )
    options = parser.parse_args(arguments)
    server = MailServer(host=options.host, port=options.port, record_path=options.record, keep_messages=False)
    server.rules.extend(options.rule)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        server.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}; choose another --port\n")
        return 1
    sys.stdout.write(json.dumps({"host": server.host, "port": server.port}) + "\n")
    sys.stdout.flush()
    ended.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
