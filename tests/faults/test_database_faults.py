"""Database errors. P4: the engine goes on by itself, nothing is lost, nothing happens twice."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

import pytest
from django.db import connection

from common.database_errors import DATABASE_ERRORS
from emails.models import EmailEvent, EmailMessage, Suppression
from emails.sending import results
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from sequences.models import Enrollment
from simulation.mail_server import MailServer, Moment
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory, WorkspaceFactory
from tests.faults.concurrent_work import ConcurrentWork
from tests.faults.database import count_faults, failing
from tests.faults.driving import DrivenClock
from tests.faults.processes import CommandProcess, Executor, kill, wait_until
from tests.faults.promises import assert_ledger_explains, assert_no_enrollment_is_lost, run_successor
from tests.faults.three_steps import assert_each_thing_once, enroll_in_three_steps, no_enrollment_is_active

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


# The server's error, and the row at whose writing it strikes: deadlock, serialization, statement timeout, a statement
# prepared before a migration, disk full.
STRIKES = [
    ("40P01", "sequences_enrollment", "UPDATE"),
    ("40001", "emails_emailmessage", "INSERT"),
    ("57014", "execution_executionlog", "INSERT"),
    ("0A000", "sequences_enrollment", "UPDATE"),
    ("53100", "emails_emailmessage", "INSERT"),
    ("53100", "tasks_app_task", "INSERT"),
    ("40P01", "emails_emailmessage", "UPDATE"),
    ("53100", "emails_emailmessage", "UPDATE"),
    ("57014", "emails_mailbox", "UPDATE"),
]


@pytest.mark.parametrize(("sqlstate", "table", "event"), STRIKES)
def test_a_temporary_error_loses_nothing(sqlstate: str, table: str, event: str, server: MailServer) -> None:
    """Three times in a row; the caller or the engine's loop starts it again. No attempt is used."""
    enroll_in_three_steps(server, people=3, at=NOW)
    clock = DrivenClock()
    with failing(table, event, sqlstate, times=3):
        for _ in range(10):
            try:
                clock.run()
            except DATABASE_ERRORS:
                connection.close()
        assert count_faults() >= 3
    clock.pass_by(minutes=2)
    clock.run()
    assert_each_thing_once(3, server)


@pytest.mark.parametrize("sqlstate", ["40P01", "53100"])
def test_a_result_waits_for_the_database_rather_than_being_lost(sqlstate: str, server: MailServer) -> None:
    """Only the worker knows the server's reply: it retries until the reply is written."""
    enroll_in_three_steps(server, people=1, at=NOW)
    when = "NEW.status = 'sent' AND OLD.status = 'sending'"
    with failing("emails_emailmessage", "UPDATE", sqlstate, when=when, times=2):
        DrivenClock().run()
        assert count_faults() >= 3
    assert_each_thing_once(1, server)


def test_a_running_executor_goes_on_by_itself_after_errors(command_process: CommandProcess, server: MailServer) -> None:
    enroll_in_three_steps(server, people=5)
    with failing("sequences_enrollment", "UPDATE", "53100", times=2):
        executor = command_process.start("run_executor")
        try:
            wait_until(lambda: Enrollment.objects.filter(status="completed").count() == 5, "all enrollments complete")
        finally:
            kill(executor)
    assert_each_thing_once(5, server)


def test_repeatedly_cut_connections_lose_nothing(command_process: CommandProcess, server: MailServer) -> None:
    """An administrator terminates every connection of a working executor, twenty times."""
    enroll_in_three_steps(server, people=60, mailboxes=4)
    executor = command_process.start("run_executor", slow_seconds=0.05)
    try:
        wait_until(lambda: server.message_count > 0, "mail is leaving")
        for _ in range(20):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            threading.Event().wait(0.1)
        before = server.message_count
        wait_until(lambda: server.message_count > before or no_enrollment_is_active(), "the executor goes on by itself")
    finally:
        kill(executor)
    run_successor()
    assert_ledger_explains(server.messages)
    assert_no_enrollment_is_lost()


def test_a_pool_with_fewer_connections_than_threads_is_enough(database_url: str, server: MailServer) -> None:
    """Two dozen threads share four connections: they wait for one another and none fails."""
    enroll_in_three_steps(server, people=40, mailboxes=8)
    with Executor(database_url, "run_executor", DATABASE_POOL="4"):
        wait_until(no_enrollment_is_active, "all enrollments complete")
    assert_each_thing_once(40, server)


def test_two_lanes_that_bounce_the_same_contact_at_once_do_not_deadlock(server: MailServer) -> None:
    """A real deadlock: each lane's result holds what the other's bounce wants. One gives way and writes again."""
    workspace = WorkspaceFactory()
    contact = None
    for sequence in (SequenceFactory(workspace=workspace), SequenceFactory(workspace=workspace)):
        StepFactory(sequence=sequence)
        mailbox = MailboxFactory(workspace=workspace, smtp_port=server.port)
        person: dict[str, Any] = {"contact": contact} if contact else {}
        contact = EnrollmentFactory(sequence=sequence, mailbox=mailbox, **person).contact
    server.on(Moment.RCPT, "550 5.1.1 No such user here")
    both_hold = threading.Barrier(2)
    record_bounces = results._record_bounces

    def together(*args: Any) -> None:
        if not both_hold.broken:
            try:
                both_hold.wait(10)
                both_hold.abort()
            except threading.BrokenBarrierError:
                pass
        record_bounces(*args)

    run_tick(NOW, 10, Policy())
    with mock.patch.object(results, "_record_bounces", together), ConcurrentWork(DrivenClock().run):
        DrivenClock().run()
    DrivenClock().run()
    assert set(Enrollment.objects.values_list("status", "auto_exit_reason")) == {("auto_exited", "bounced")}
    assert set(EmailMessage.objects.values_list("status", flat=True)) <= {"failed", "withheld"}
    assert Suppression.objects.count() == 1
    assert EmailEvent.objects.count() == EmailMessage.objects.filter(status="failed").count()
