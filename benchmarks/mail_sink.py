"""An SMTP server that does nothing but count, fast, and answers late on request: `python -m benchmarks.mail_sink`.

aiosmtpd takes longer for a message than its sender. `--delay` is the time from a command to its answer, so it is
the round trip of a distant server; commands that come together are answered together (RFC 2920).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import smtplib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.rounds import WrongResultError

_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"


class _Counts:
    def __init__(self) -> None:
        self.messages = self.octets = 0
        self.recipients: set[bytes] = set()


class _Session(asyncio.Protocol):
    def __init__(self, counts: _Counts, delay: float) -> None:
        self._counts = counts
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._given = b""
        self._is_data = False
        self._recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._answer(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._given += data
        answers = b""
        while True:
            mark = b"\r\n.\r\n" if self._is_data else b"\r\n"
            taken, found, rest = self._given.partition(mark)
            if not found:
                break
            self._given = rest
            answers += self._take_message(taken) if self._is_data else self._take_command(taken)
        if answers:
            self._answer(answers)

    def _answer(self, answers: bytes) -> None:
        if self._delay:
            self._loop.call_later(self._delay, self._transport.write, answers)
        else:
            self._transport.write(answers)

    def _take_message(self, message: bytes) -> bytes:
        self._is_data = False
        self._counts.messages += 1
        self._counts.octets += len(message)
        self._counts.recipients.add(self._recipient)
        return b"250 2.0.0 Ok: queued as %d\r\n" % self._counts.messages

    def _take_command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipient = line[8:].partition(b">")[0]
        elif verb == b"DATA":
            self._is_data = True
            return b"354 go on\r\n"
        elif verb in {b"EHLO", b"HELO"}:
            return _EHLO
        elif verb == b"QUIT":
            self._loop.call_later(self._delay, self._transport.close)
            return b"221 2.0.0 Bye\r\n"
        elif verb == b"XTAK":
            counts = self._counts
            taken = {"messages": counts.messages, "recipients": len(counts.recipients), "octets": counts.octets}
            counts.__init__()  # type: ignore[misc]
            return b"250 " + json.dumps(taken).encode() + b"\r\n"
        return b"250 2.0.0 Ok\r\n"


@dataclass(frozen=True, slots=True)
class Sink:
    """A running server, as its clients see it."""

    port: int

    def forget(self) -> None:
        self._take()

    def check(self, count: int, octets: range) -> None:
        """Exactly `count` messages came, each to another recipient, of about that size. Raises `WrongResultError`."""
        taken = self._take()
        if taken["messages"] != count or taken["recipients"] != count:
            raise WrongResultError(f"the mail server has {taken}, expected {count} messages to {count} recipients")
        if taken["octets"] // count not in octets:
            raise WrongResultError(f"messages have {taken['octets'] // count} octets, expected {octets}")

    def _take(self) -> dict[str, int]:
        with smtplib.SMTP("127.0.0.1", self.port) as session:
            taken: dict[str, int] = json.loads(session.docmd("XTAKE")[1])
        return taken


@contextmanager
def mail_sink(delay: float = 0.0) -> Iterator[Sink]:
    """A server in a process of its own."""
    process = processes.start("-m", "benchmarks.mail_sink", "--delay", str(delay))
    try:
        assert process.stdout is not None
        yield Sink(int(process.stdout.readline()))
    finally:
        processes.end(process)


async def _serve(delay: float) -> None:
    counts = _Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(counts, delay), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail_sink", description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS")
    asyncio.run(_serve(parser.parse_args().delay))


if __name__ == "__main__":
    main()
