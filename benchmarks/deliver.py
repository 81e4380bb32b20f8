"""Handing over: our crash-safe lane beside Django's mail backend with its connection kept, no queue and no database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.mail import EmailMultiAlternatives, get_connection

from benchmarks import decide
from emails.delivery import HeldLeases, deliver_lane
from execution.backoff import Policy
from execution.engine import run_tick

_port = 0
_BODY = "Hello,\n\nhow does planning go?\n\nAda\n"


@contextmanager
def mail_server() -> Iterator[int]:
    """An SMTP server in a process of its own."""
    command = [sys.executable, "-m", "execution.simulation.mail_server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


def prepare(count: int, port: int) -> None:
    """`count` queued messages of one unpaced mailbox."""
    global _port
    _port = port
    decide.prepare(count, port)
    while run_tick(decide.NOW, decide.BATCH, Policy()).claimed:
        pass


def through_the_lane(count: int) -> None:
    delivered = 0
    while (handed_over := deliver_lane(lambda: decide.NOW, "benchmark", HeldLeases())) is not None:
        delivered += handed_over
    if delivered != count:
        raise RuntimeError(f"{delivered} of {count} messages were handed over")


def with_django_kept(count: int) -> None:
    with get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=_port) as kept:
        for number in range(count):
            message = EmailMultiAlternatives(
                "Quick question", _BODY, "sdr@sender.example", [f"person{number}@firm.example"], connection=kept
            )
            message.attach_alternative(f"<p>{_BODY}</p>", "text/html")
            message.send()


WAYS = {"through the lane": through_the_lane, "Django, connection kept": with_django_kept}
