"""The database fails over while emails are sent: none is sent twice, whatever the standby had not received."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from emails.models import ExecutorState
from execution.models import Alert, ControlLog, Worker
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import EnrollmentFactory
from tests.faults.processes import ROOT, Executor, child_env, wait_until
from tests.faults.replicas import Replicas, connected_to, running_replicas, template
from tests.faults.three_steps import assert_each_thing_once, enroll_in_three_steps, no_enrollment_is_active

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(400)]

ENV = {"EXECUTOR_POLL_SECONDS": "1", "EXECUTOR_BATCH_SIZE": "5", "LOG_LEVEL": "ERROR"}


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    with django_db_blocker.unblock(), template(lambda: call_command("migrate", verbosity=0)) as folder:
        yield folder


@pytest.fixture
def replicas(filled: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Replicas]:
    with django_db_blocker.unblock(), running_replicas(filled) as running, connected_to(running.hosts, "5432,5432"):
        yield running


def executor(replicas: Replicas) -> Executor:
    return Executor(replicas.url, "run_executor", **ENV)  # type: ignore[arg-type]


def manage(replicas: Replicas, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *args]
    return subprocess.run(command, cwd=ROOT, env=child_env(replicas.url), capture_output=True, text=True, check=False)


def fail_over(replicas: Replicas) -> None:
    connection.close()
    replicas.fail_over()


def state() -> ExecutorState:
    return ExecutorState.objects.get()


def count_twice(server: MailServer) -> int:
    """How many emails contacts have got again, by address and text: after lost commits the same text has another id."""
    texts = Counter(
        (message.recipients, message.parsed["Subject"], message.parsed.get_body().get_content())  # type: ignore[union-attr]
        for message in server.messages
    )
    return sum(number - 1 for number in texts.values())


def wait_for_mail(server: MailServer, number: int) -> None:
    wait_until(lambda: server.message_count >= number, f"{number} emails have arrived")


def test_after_synchronous_replication_work_goes_on_and_a_returned_primary_is_not_used(
    replicas: Replicas, server: MailServer
) -> None:
    replicas.replicate_synchronously()
    enroll_in_three_steps(server, people=60, mailboxes=2)
    with executor(replicas) as working:
        wait_for_mail(server, 15)
        fail_over(replicas)
        wait_for_mail(server, 40)
        # it accepts writes, stands first in DATABASE_URL, and has most of the emails still to send
        replicas.first.start()
        replicas.first.fetch("ALTER SYSTEM RESET synchronous_standby_names")
        replicas.first.fetch("SELECT pg_reload_conf()")
        assert not replicas.first.fetch("SELECT pg_is_in_recovery()")
        with executor(replicas) as another:
            wait_until(lambda: Worker.objects.count() == 2, "the other executor works on the new primary")
            wait_until(no_enrollment_is_active, "all enrollments complete")
            assert [working.stop(), another.stop()] == [0, 0]
    assert count_twice(server) == 0
    assert replicas.first.fetch("SELECT count(*) FROM execution_worker") == 1
    assert_each_thing_once(60, server)
    assert (state().timeline, state().is_synchronous, state().is_paused) == (2, False, False)
    reasons = ControlLog.objects.filter(target="executor").values_list("reason", flat=True)
    assert "failover of the database: every commit was found" in reasons


def test_after_asynchronous_replication_without_a_loss_a_living_worker_lets_work_go_on(
    replicas: Replicas, server: MailServer
) -> None:
    enroll_in_three_steps(server, people=4)
    with executor(replicas) as working:
        wait_until(no_enrollment_is_active, "all enrollments complete")
        EnrollmentFactory(
            sequence=Enrollment.objects.earliest("pk").sequence,
            mailbox=Enrollment.objects.earliest("pk").mailbox,
            at=timezone.now() + timedelta(seconds=30),
        )
        before = Worker.objects.get().heartbeat_at
        wait_until(lambda: Worker.objects.get().heartbeat_at > before, "it beats")
        replicas.wait_for_standby()
        fail_over(replicas)
        wait_until(lambda: state().timeline == 2, "the new server is trusted")
        assert not state().is_paused
        wait_until(no_enrollment_is_active, "what is due later is done")
        assert working.stop() == 0
    assert count_twice(server) == 0
    assert server.message_count == 10


@pytest.mark.parametrize("lives_through", [True, False])
def test_after_lost_commits_sending_pauses_until_after_restore(
    lives_through: bool, replicas: Replicas, server: MailServer
) -> None:
    enroll_in_three_steps(server, people=60, mailboxes=2)
    working = executor(replicas)
    try:
        wait_for_mail(server, 10)
        replicas.hold_back()
        wait_for_mail(server, server.message_count + 15)
        if not lives_through:
            working.kill()
        fail_over(replicas)
        sent = server.message_count
        if not lives_through:
            working = executor(replicas)
        wait_until(lambda: state().failed_over_at is not None, "sending is paused")
        assert "may have lost its last commits" in state().paused_reason
        assert server.message_count <= sent + 1, "one may have been on its way"
        wait_until(lambda: Alert.objects.filter(key="database:failover", cleared_at=None).exists(), "an alert")
        failed = manage(replicas, "run_executor", "--check")
        assert failed.returncode == 1
        assert "run manage.py after_restore" in failed.stderr

        assert manage(replicas, "after_restore", "--json").returncode == 0
        assert (state().is_paused, state().failed_over_at) == (False, None)
        wait_until(no_enrollment_is_active, "the others come to their end")
        assert working.stop() == 0
    finally:
        if working.process.poll() is None:
            working.kill()
    assert count_twice(server) == 0
    assert Enrollment.objects.filter(status="paused", pause_reason__contains="failed over").exists()
    again = manage(replicas, "after_restore")
    assert again.returncode == 2
    assert "the database has not failed over" in again.stderr


def test_a_pause_of_a_user_outlives_a_failover(replicas: Replicas, server: MailServer) -> None:
    enroll_in_three_steps(server, people=6)
    with executor(replicas) as working:
        wait_for_mail(server, 2)
        ExecutorState.objects.update(is_paused=True, paused_by="ops@sender.example", paused_reason="maintenance")
        working.kill()
    replicas.wait_for_standby()
    fail_over(replicas)
    with executor(replicas) as working:
        wait_until(lambda: state().failed_over_at is not None, "the failover is noticed")
        assert state().paused_reason.startswith("maintenance; the database failed over")
        assert manage(replicas, "after_restore").returncode == 0
        assert (state().is_paused, state().paused_by) == (True, "ops@sender.example")
        assert working.stop() == 0
