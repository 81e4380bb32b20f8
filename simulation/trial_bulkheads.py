"""Slow servers of one workspace beside healthy ones of another, in the product's own thread pools. For P12 and P13.

Each episode makes two workspaces, lets a pool serve both, and removes them again. The slow server answers nothing until
the episode ends, so what is measured is whether the healthy one is served before that. The seconds are real; the clock
of the trial stands still.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from common.dispatcher import Dispatcher
from emails.choices import AuthMethod, Inbound, MessageStatus, Security
from emails.inbound.inbox_jobs import prepare_inboxes
from emails.models import EmailMessage, Mailbox
from emails.sending.delivery import HeldLeases
from execution.control.edit import store_sequence
from execution.control.enroll import enroll_contacts
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.insight.progress import Part, read_progress
from execution.models import WebhookDelivery
from execution.webhooks_out.operations import ping, subscribe
from execution.worker.pools import make_inbox_pool, make_lane_pool, make_webhook_pool
from sequences.models import Contact, Workspace
from sequences.yaml.form import parse_text
from simulation.mail_server import MailServer, Moment, Rule, Stall
from simulation.trial_inboxes import Inboxes
from simulation.trial_truth import Episode

ACTOR = "trial"
_SLOW_HOST, _HEALTHY_HOST = "127.0.0.2", "127.0.0.3"
_SLOW, _HEALTHY = 24, 8
_LANE_THREADS = 8
# The promise, with the time that one email takes on a busy machine.
LATE_SECONDS = 30.0
_POLL_SECONDS = 0.05
# More than five minutes; what was read at the beginning is due again, but not for so long.
_LOOK_AHEAD = timedelta(minutes=5, seconds=30)
# Open at all hours: an episode begins when it begins.
_SEQUENCE = b"""name: Beside
window: {timezone: UTC, mon-sun: ["00:00-24:00"]}
steps:
  - email: {subject: Hello, body: A word about your work}
"""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Pair:
    slow: Workspace
    healthy: Workspace


@contextmanager
def _two_workspaces() -> Iterator[_Pair]:
    slow, healthy = (
        Workspace.objects.create(name=name, slug=name, timezone="UTC", postal_address="1 Trial Street")
        for name in ("beside-slow", "beside-healthy")
    )
    try:
        yield _Pair(slow, healthy)
    finally:
        slow.delete()
        healthy.delete()


def send_beside_slow_servers(clock: Clock) -> Episode:
    """Lanes: a mail server that accepts connections and says nothing."""
    with ExitStack() as stack:
        stall = Stall()
        slow = stack.enter_context(MailServer(host=_SLOW_HOST))
        slow.rules.append(Rule(Moment.CONNECT, stall))
        healthy = stack.enter_context(MailServer(host=_HEALTHY_HOST))
        pair = stack.enter_context(_two_workspaces())
        _queue_emails(pair.slow, slow, _SLOW, clock())
        _queue_emails(pair.healthy, healthy, _HEALTHY, clock())
        done = EmailMessage.objects.filter(workspace=pair.healthy, status=MessageStatus.SENT.value)
        errors: list[Exception] = []
        ended = threading.Event()
        pool = make_lane_pool(
            clock,
            "trial",
            HeldLeases(),
            _LANE_THREADS,
            is_stopping=ended.is_set,
            on_served=lambda count: None,
            on_error=errors.append,
            workspace_id=None,
        )

        def release() -> None:
            ended.set()
            stall.release()

        return _run_episode("slow servers", Part.LANES, pool, pair, clock(), done.count, release)


def read_beside_slow_inboxes(clock: Clock, inboxes: Inboxes) -> Episode:
    """Inboxes: an IMAP server that takes the login and says nothing more."""
    gate = threading.Event()
    with _two_workspaces() as pair:
        slow = _make_mailboxes(pair.slow, _SLOW, {"imap_host": _SLOW_HOST})
        healthy = _make_mailboxes(pair.healthy, _HEALTHY, {"imap_host": _HEALTHY_HOST})
        for mailbox in slow:
            inboxes[mailbox.address].gate = gate
        prepare_inboxes(clock())
        done = Mailbox.objects.filter(workspace=pair.healthy, inbox_read_at__isnull=False)
        pool = make_inbox_pool(
            clock,
            mailbox_ids=[mailbox.pk for mailbox in (*slow, *healthy)],
            workspace_id=None,
            on_facts=lambda count: None,
            on_error=lambda error: None,
        )
        return _run_episode("slow inboxes", Part.INBOXES, pool, pair, clock(), done.count, gate.set)


def post_beside_slow_receivers(clock: Clock) -> Episode:
    """Webhooks: two receivers that take the request and do not answer."""
    gate = threading.Event()
    with ExitStack() as stack:
        slow_port = stack.enter_context(_receiver(_SLOW_HOST, gate))
        answers = threading.Event()
        answers.set()
        healthy_port = stack.enter_context(_receiver(_HEALTHY_HOST, answers))
        pair = stack.enter_context(_two_workspaces())
        for workspace, host, port, number in (
            (pair.slow, _SLOW_HOST, slow_port, 2),
            (pair.healthy, _HEALTHY_HOST, healthy_port, 1),
        ):
            for path in range(number):
                url = f"http://{host}:{port}/{path}"
                subscription = subscribe(workspace, {"url": url, "events": ["*"]}, actor=ACTOR, now=clock())
                for _ in range(_HEALTHY):
                    ping(subscription, clock())
        done = WebhookDelivery.objects.filter(workspace=pair.healthy, state="delivered")
        pool = make_webhook_pool(clock, on_error=lambda error: None)
        return _run_episode("slow hooks", Part.WEBHOOKS, pool, pair, clock(), done.count, gate.set)


def _run_episode(
    kind: str,
    part: Part,
    pool: Dispatcher,
    pair: _Pair,
    now: datetime,
    count_done: Callable[[], int],
    release: Callable[[], None],
) -> Episode:
    """Let the pool serve both until the healthy one is done, then look ahead: is the slow one named, and it alone?"""
    began = time.monotonic()
    try:
        while (served := count_done()) < _HEALTHY and time.monotonic() - began < LATE_SECONDS:
            pool.wake()
            time.sleep(_POLL_SECONDS)
        seconds = time.monotonic() - began
        found = read_progress(now + _LOOK_AHEAD, [pair.slow.pk, pair.healthy.pk]).standstills
        named = {each.workspace_id for each in found if each.part is part}
    finally:
        pool.stop()
        release()
        pool.join(LATE_SECONDS)
    return Episode(kind, now, _HEALTHY - served, seconds, is_named=named == {pair.slow.pk})


def _queue_emails(workspace: Workspace, server: MailServer, number: int, now: datetime) -> None:
    sequence = store_sequence(
        workspace, parse_text("Beside", _SEQUENCE).draft, activate=True, actor=ACTOR, now=now
    ).saved.sequence
    place = {"smtp_host": server.host, "smtp_port": server.port}
    for mailbox in _make_mailboxes(workspace, number, place):
        contact = Contact.objects.create(workspace=workspace, email=f"{mailbox.pk}@{workspace.slug}.example")
        enroll_contacts(sequence=sequence, contact_ids=[contact.pk], mailbox=mailbox, owner=None, actor=ACTOR, now=now)
    while run_tick(now, 500, Policy(), workspace.pk).is_full:
        pass


def _make_mailboxes(workspace: Workspace, number: int, place: dict[str, Any]) -> list[Mailbox]:
    fields = {
        "smtp_security": Security.NONE.value,
        "imap_security": Security.NONE.value,
        "auth_method": AuthMethod.NONE.value,
        "inbound": Inbound.IMAP.value if "imap_host" in place else Inbound.NONE.value,
        "gap_seconds": 0,
        "jitter_seconds": 0,
        "ramp_enabled": False,
        **place,
    }
    return Mailbox.objects.bulk_create(
        [Mailbox(workspace=workspace, address=f"b{n}@{workspace.slug}.example", **fields) for n in range(number)]
    )


@contextmanager
def _receiver(host: str, answers: threading.Event) -> Iterator[int]:
    """A web server that answers every POST with 204 once the event is set. Yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answers.wait(2 * LATE_SECONDS)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer((host, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
