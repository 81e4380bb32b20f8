"""A mail server was down until its breaker opened; correcting the mailbox sends at once instead of after an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from emails.api.saving import change_mailbox
from emails.models import Mailbox
from execution.control.switches import pause_mailbox, resume_mailbox
from execution.engine.backoff import Policy
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, StepFactory

pytestmark = pytest.mark.django_db(transaction=True)

GAP = 120


def deliver(at: datetime) -> None:
    run_until_idle(Options(policy=Policy()), lambda: at)


def resume(mailbox: Mailbox, now: Any, port: int) -> None:
    Mailbox.objects.update(smtp_port=port)
    pause_mailbox(mailbox, actor="ada", now=now, reason="down")
    resume_mailbox(mailbox, actor="ada", now=now)


def change(mailbox: Mailbox, now: Any, port: int) -> None:
    change_mailbox(mailbox, {"smtp_port": port}, now)


@pytest.mark.parametrize("repair", [resume, change])
@pytest.mark.parametrize(("gap", "waits"), [(0, 0), (GAP, GAP)])
def test_a_repaired_mailbox_sends_at_once_at_its_pace(repair: Any, gap: int, waits: int) -> None:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=1, gap_seconds=gap)
    EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
    now = NOW
    while Mailbox.objects.get().breaker_trips < 6:
        deliver(now)
        now = max(Mailbox.objects.get().lane_at or now, now)
    opened = Mailbox.objects.get()
    assert opened.breaker_until is not None
    now = opened.breaker_until - timedelta(minutes=15)
    with MailServer() as server:
        repair(mailbox, now, server.port)
        now += timedelta(seconds=waits)
        deliver(now)
        assert len(server.messages) == 1
    assert Mailbox.objects.get().breaker_state == "closed"
