"""A stop with sends under way: answers that are outstanding are waited for, and nothing else is. P1, P4."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from django_q.tasks import async_task

from emails.models import EmailMessage, Mailbox
from emails.sending.under_way import UNDER_WAY
from execution.engine.backoff import Policy
from execution.models import Worker
from execution.worker.options import Options
from execution.worker.runner import Runner
from execution.worker.schedules import list_jobs
from sequences.models import Enrollment
from simulation.mail_server import MailServer, Moment, Stall
from tests.faults.processes import DEADLINE_SECONDS, Executor, wait_until
from tests.faults.promises import run_successor
from tests.faults.three_steps import enroll_in_three_steps

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

MAILBOXES = 3


def all_wait_for_the_answer() -> bool:
    return EmailMessage.objects.filter(status="sending").count() == MAILBOXES


def by_group(executor: Executor, number: signal.Signals) -> None:
    os.killpg(executor.process.pid, number)


def by_first_process(executor: Executor, number: signal.Signals) -> None:
    executor.process.send_signal(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stop", [by_group, by_first_process])
@pytest.mark.parametrize("command", ["run_executor", "qcluster"])
def test_a_stop_waits_for_the_answer_to_a_message_and_records_it(
    command: str, stop: Callable[[Executor, signal.Signals], None], number: signal.Signals,
    database_url: str, server: MailServer, tmp_path: Path,
) -> None:  # fmt: skip
    stall, log = Stall(), tmp_path / "log"
    server.on(Moment.DOT, stall)
    enroll_in_three_steps(server, people=6, mailboxes=MAILBOXES)
    if command == "qcluster":
        async_task(list_jobs(1)[0].function)
    group = "import os; os.setsid()"
    with Executor(database_url, command, prelude=group, log=log, LOG_LEVEL="INFO", Q_WORKERS="1") as executor:
        try:
            wait_until(all_wait_for_the_answer, "each mailbox has sent something")
            stop(executor, number)
            text = f"{MAILBOXES} sending queues wait for the answers".encode()
            wait_until(lambda: text in log.read_bytes(), "the executor waits")
        finally:
            stall.release()
        assert executor.process.wait(DEADLINE_SECONDS) == 0
    assert EmailMessage.objects.filter(status="sent").count() == MAILBOXES == len(server.messages)
    assert not EmailMessage.objects.exclude(status__in=["sent", "queued"]).exists()
    assert not Mailbox.objects.exclude(lease_token=None).exists()
    assert not Worker.objects.filter(stopped_at=None).exists()


@pytest.mark.parametrize("moment", [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA])
def test_a_stop_breaks_off_what_no_server_can_have_accepted(
    moment: Moment, database_url: str, server: MailServer
) -> None:
    stall = Stall()
    server.on(moment, stall)
    enroll_in_three_steps(server, people=MAILBOXES, mailboxes=MAILBOXES)
    with Executor(database_url, "run_executor") as executor:
        wait_until(all_wait_for_the_answer, "each mailbox has begun")
        assert stall.reached.wait(30)
        executor.send(signal.SIGTERM)
        assert executor.process.wait(DEADLINE_SECONDS) == 0
    stall.release()
    server.forget_rules()
    assert set(EmailMessage.objects.values_list("status", "attempts")) == {("queued", 0)}
    assert set(Mailbox.objects.values_list("status", "breaker_failures")) == {("active", 0)}
    run_successor()
    assert not Enrollment.objects.exclude(status="completed").exists()


def test_a_job_that_ends_leaves_its_outstanding_answers_to_the_process(server: MailServer) -> None:
    """The next job begins while a server still thinks; its answer is recorded all the same."""
    stall = Stall()
    server.on(Moment.DOT, stall)
    enroll_in_three_steps(server, people=1)
    runner = Runner(Options(policy=Policy()), timezone.now)

    def run_job() -> None:
        try:
            runner.run(until=timezone.now() + timedelta(seconds=3))
        finally:
            connection.close()

    job = threading.Thread(target=run_job)
    job.start()
    assert stall.reached.wait(30)
    job.join(60)
    assert not job.is_alive()
    assert UNDER_WAY.count() == 1
    assert runner.leases.tokens(), "its lease is renewed"
    stall.release()
    assert UNDER_WAY.wait(30)
    wait_until(lambda: not runner.leases.tokens(), "its lane is released")
    assert EmailMessage.objects.get().status == "sent"
    assert Mailbox.objects.get().lease_token is None
