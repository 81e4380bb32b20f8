"""Slow and silent servers of one tenant beside healthy ones of another, on real sockets. P12: the healthy do not wait.

Nothing is timed: what is slow does not answer before the healthy have been served.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from emails.inbound import imap, poll_due_inboxes
from emails.models import InboxState, Mailbox
from execution.engine.backoff import Policy
from execution.models import WebhookDelivery
from execution.webhooks_out.operations import ping, subscribe
from execution.worker.options import Options, Stage
from execution.worker.pools import INBOX_THREADS, WEBHOOK_THREADS, make_webhook_pool
from execution.worker.runner import Runner
from simulation.mail_server import MailServer, Moment, Rule, Stall
from tests.factories import (
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SequenceFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.fakes.receiver import Receiver
from tests.fakes.slow_imap import SlowImap
from tests.faults.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

SLOW_HOST = "127.0.0.2"
THREADS = 8


@contextmanager
def running(**options: Any) -> Iterator[Runner]:
    runner = Runner(Options(policy=Policy(), **options), timezone.now)
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        yield runner
    finally:
        runner.stop()
        thread.join()


def queue_emails(server: MailServer, mailboxes: int, each: int = 1) -> None:
    """In lanes of a workspace of their own, due already."""
    at = timezone.now() - timedelta(seconds=30)
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    for _ in range(mailboxes):
        mailbox = MailboxFactory(workspace=sequence.workspace, smtp_host=server.host, smtp_port=server.port, lane_at=at)
        for _ in range(each):
            enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=at, wake_at=None)
            EmailMessageFactory(enrollment=enrollment, at=at)


@contextmanager
def stalling_server() -> Iterator[tuple[MailServer, Stall]]:
    stall = Stall()
    with MailServer(host=SLOW_HOST) as slow:
        slow.rules.append(Rule(Moment.CONNECT, stall))
        try:
            yield slow, stall
        finally:
            stall.release()


def test_healthy_lanes_send_beside_a_silent_server(server: MailServer) -> None:
    with stalling_server() as (slow, stall):
        queue_emails(slow, 40)
        queue_emails(server, 12)
        with running(stage=Stage.DELIVER, lane_threads=THREADS) as runner:
            wait_until(lambda: len(server.messages) == 12, "the healthy lanes send")
            assert slow.connection_count <= THREADS // 4
            assert not slow.messages
            stall.release()
            wait_until(lambda: runner.delivered == 52, "the slow server's lanes send once it answers")


def test_all_threads_serve_one_quick_host(server: MailServer) -> None:
    """Most installations have one provider: its lanes are not held to a quarter."""
    queue_emails(server, 1)
    with running(stage=Stage.DELIVER, lane_threads=THREADS) as runner:
        wait_until(lambda: runner.delivered == 1, "the host is known as quick")
        stall = Stall()
        server.rules.append(Rule(Moment.CONNECT, stall))
        # of the same workspace and host
        mailbox = Mailbox.objects.get()
        sequence = mailbox.enrollments.get().sequence
        at = timezone.now()
        for _ in range(2 * THREADS):
            other = MailboxFactory(workspace=mailbox.workspace, smtp_port=server.port, lane_at=at)
            EmailMessageFactory(
                enrollment=EnrollmentFactory(sequence=sequence, mailbox=other, at=at, wake_at=None), at=at
            )
        runner.wake_lanes()
        wait_until(lambda: server.connection_count == 1 + THREADS, "each thread has a connection")
        stall.release()
        wait_until(lambda: runner.delivered == 1 + 2 * THREADS, "all are sent")


def test_quick_inboxes_are_read_beside_dripping_ones() -> None:
    with SlowImap(drips=True, host=SLOW_HOST) as dripping, SlowImap() as healthy:
        fields = {"inbound": "imap", "imap_security": "none", "imap_username": "ada"}
        for server, number in ((dripping, 30), (healthy, 20)):
            workspace = WorkspaceFactory()
            for _ in range(number):
                MailboxFactory(workspace=workspace, imap_host=server.host, imap_port=server.port, **fields)
        with running(stage=Stage.INBOUND):
            quick = Mailbox.objects.filter(imap_host=healthy.host, inbox_read_at__isnull=False)
            wait_until(lambda: quick.count() == 20, "the quick inboxes are read")
            assert 0 < dripping.most <= INBOX_THREADS // 4
            assert not Mailbox.objects.filter(imap_host=SLOW_HOST, inbox_read_at__isnull=False).exists()
            # its end is not waited for: what drips is cut off by its deadline
            dripping.drips = False
            dripping._closing.set()


def test_a_dripping_inbox_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "EXCHANGE_SECONDS", 0.2)
    with SlowImap(drips=True) as dripping:
        mailbox = MailboxFactory(
            inbound="imap", imap_security="none", imap_username="ada", imap_host=dripping.host, imap_port=dripping.port
        )
        assert poll_due_inboxes(timezone.now()) == 0
        wait_until(lambda: dripping.hung_up == 1, "the client hangs up")
    state = InboxState.objects.get(mailbox=mailbox)
    assert (state.failures, state.leased_until) == (1, None)
    assert state.last_error.endswith("no answer in time")


def test_a_healthy_receiver_is_called_beside_hanging_ones() -> None:
    with Receiver(drips=10**6) as hanging, Receiver() as healthy:
        now = timezone.now()
        slow = [
            subscribe(
                WorkspaceFactory(),
                {"url": hanging.url.replace("127.0.0.1", "localhost"), "events": ["*"]},
                actor="ada",
                now=now,
            )
            for _ in range(2)
        ]
        good = subscribe(WorkspaceFactory(), {"url": healthy.url, "events": ["*"]}, actor="ada", now=now)
        for _ in range(40):
            for subscription in (*slow, good):
                ping(subscription, now)
        errors: list[Exception] = []
        pool = make_webhook_pool(timezone.now, on_error=errors.append)
        try:
            pool.wake()
            delivered = WebhookDelivery.objects.filter(subscription=good, state="delivered")
            wait_until(lambda: delivered.count() == 40, "the healthy receiver has its events")
            assert len(hanging.calls) <= WEBHOOK_THREADS // 4
            assert not WebhookDelivery.objects.filter(subscription__in=slow, state="delivered").exists()
        finally:
            pool.stop()
            hanging.released.set()
            assert pool.join(30)
    assert not errors
