"""Workers that freeze, resume, stop and work side by side. P1: never twice. P7: another worker goes on."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from common.db import fetch_all
from emails.models import EmailMessage, Mailbox
from execution.models import ExecutionLog, Worker
from sequences.models import Enrollment, Sequence
from simulation.mail_server import MailServer, Moment, Stall
from tasks_app.models import Task
from tests.conftest import PATIENT, bound_idleness
from tests.factories import (
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.faults.processes import CommandProcess, Executor, has_ended, kill, wait_until
from tests.faults.promises import assert_ledger_explains, run_successor

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def enroll(server: MailServer, people: int, mailboxes: int = 1) -> None:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    TaskStepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?")
    owner = MembershipFactory(workspace=sequence.workspace).user
    boxes = [MailboxFactory(workspace=sequence.workspace, smtp_port=server.port, owner=owner) for _ in range(mailboxes)]
    now = timezone.now()
    for number in range(people):
        EnrollmentFactory(sequence=sequence, mailbox=boxes[number % mailboxes], at=now)


def all_completed() -> bool:
    return not Enrollment.objects.exclude(status="completed").exists()


@pytest.mark.parametrize("moment", [Moment.RCPT, Moment.DOT])
def test_a_frozen_worker_that_comes_back_settles_what_it_knows(
    moment: Moment, command_process: CommandProcess, server: MailServer
) -> None:
    """Stopped with one email in hand for more than two lease times; the server's late answer is evidence."""
    stall = Stall()
    server.on(moment, stall, times=1)
    enroll(server, people=4)
    worker = command_process.start("run_executor")
    try:
        wait_until(stall.reached.is_set, "the worker hands something over")
        in_hand = set(EmailMessage.objects.filter(status="sending").values_list("id", flat=True))
        worker.send_signal(signal.SIGSTOP)

        run_successor()
        assert set(EmailMessage.objects.filter(status="unknown").values_list("id", flat=True)) == in_hand
        before = len(server.messages)
        assert before == 2 * 3, "the next worker goes on with all others"

        stall.release()
        worker.send_signal(signal.SIGCONT)
        wait_until(lambda: len(server.messages) == before + 1, "the late dialogue comes to its end")
        worker.terminate()
        wait_until(lambda: has_ended(worker), "the late worker ends")
    finally:
        stall.release()
        worker.send_signal(signal.SIGCONT)
        kill(worker)

    assert list(EmailMessage.objects.filter(id__in=in_hand).values_list("status", "resolved_by")) == [
        ("sent", "evidence:answer")
    ]
    assert_ledger_explains(server.messages)
    run_successor()
    assert not EmailMessage.objects.exclude(status="sent").exists()
    assert len(server.messages) == 2 * 4
    assert all_completed()


@pytest.fixture
def short_idleness() -> Iterator[None]:
    """What is set for a database takes precedence over what the product asks for."""
    bound_idleness("1s")
    yield
    bound_idleness(PATIENT)


def test_a_session_may_stand_in_a_transaction_for_30_seconds(transactional_db: None) -> None:
    bound_idleness(None)
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("30s",)
    finally:
        own.close()
        bound_idleness(PATIENT)


def a_session_idles_in_transaction() -> bool:
    return bool(
        fetch_all(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND xact_start < clock_timestamp() - interval '0.3 seconds'",
            {},
        )
    )


@pytest.mark.parametrize("point", ["claimed", "statement 2 of apply", "applied", "marked", "results written"])
def test_a_worker_frozen_in_a_transaction_loses_it(
    point: str, command_process: CommandProcess, server: MailServer, short_idleness: None
) -> None:
    """PostgreSQL ends the session of a process that stands still, so others go on while it still stands."""
    enroll(server, people=6)
    worker = command_process.freeze("run_executor", "--once", point=point)
    try:
        wait_until(a_session_idles_in_transaction, "the worker stands in a transaction")
        run_successor()
        wait_until(lambda: not a_session_idles_in_transaction(), "its session is ended")
        run_successor()
        assert not has_ended(worker)
    finally:
        kill(worker)
    assert_ledger_explains(server.messages)
    unknown = EmailMessage.objects.filter(status="unknown").values_list("enrollment_id", flat=True)
    assert set(Enrollment.objects.exclude(status="completed").values_list("id", flat=True)) == set(unknown)
    assert len(server.messages) == 2 * 6 - len(unknown)


def test_two_executors_and_a_scheduled_job_share_the_work(command_process: CommandProcess, server: MailServer) -> None:
    """What django-q2 runs, twice at once, beside two commands: each thing happens once."""
    enroll(server, people=60, mailboxes=6)
    job = "from execution.worker import jobs; jobs._RUNS_SECONDS = 12; jobs.run_engine()"
    workers = [command_process.start("run_executor"), command_process.start("run_executor")]
    workers += [command_process.start("shell", "-c", job), command_process.start("shell", "-c", job)]
    try:
        wait_until(all_completed, "all enrollments complete")
        for worker in workers[:2]:
            worker.terminate()
        wait_until(lambda: all(has_ended(worker) for worker in workers), "all leave, the jobs by their own clock")
    finally:
        for worker in workers:
            kill(worker)

    assert len(server.messages) == 120
    assert_ledger_explains(server.messages)
    assert Task.objects.count() == 60
    executed = Counter(ExecutionLog.objects.filter(action="executed").values_list("enrollment_id", "step_number"))
    assert len(executed) == 180
    assert set(executed.values()) == {1}
    assert sorted(Worker.objects.values_list("kind", flat=True)) == ["qcluster"] * 2 + ["run_executor"] * 2
    assert not Worker.objects.filter(stopped_at=None).exists()


def test_contacts_are_imported_twice_while_the_engine_runs(
    command_process: CommandProcess, server: MailServer, tmp_path: Path
) -> None:
    """Two imports of the same file at once, beside two engines: every row is one contact and gets each email once."""
    enroll(server, people=0)
    sequence, mailbox = Sequence.objects.get(), Mailbox.objects.get()
    rows = [f"ada{number}@prospect.example,Ada{number}" for number in range(150)]
    (tmp_path / "contacts.csv").write_text("\n".join(["email,first_name", *rows]))
    into = ("--workspace", sequence.workspace.slug, "--enroll-in", sequence.name, "--mailbox", mailbox.address)
    engines = [command_process.start("run_executor"), command_process.start("run_executor")]
    try:
        imports = [command_process.start("import_contacts", str(tmp_path / "contacts.csv"), *into) for _ in range(2)]
        wait_until(lambda: all(has_ended(process) for process in imports), "both imports end")
        wait_until(lambda: Enrollment.objects.exists() and all_completed(), "all enrollments complete")
    finally:
        for engine in engines:
            kill(engine)
    assert Enrollment.objects.count() == 150
    assert len(server.messages) == 300
    assert_ledger_explains(server.messages)


class TestSigterm:
    """`run_executor` leaves with status 0 within ten seconds, in whatever it is stopped."""

    def test_sigterm_finishes_the_current_messages(self, database_url: str, server: MailServer) -> None:
        enroll(server, people=200, mailboxes=2)
        with Executor(database_url, "run_executor") as executor:
            wait_until(lambda: server.message_count >= 5, "mail is leaving")
            assert _stop(executor) == 0
        assert not Mailbox.objects.exclude(lease_token=None).exists()
        assert not EmailMessage.objects.filter(status__in=["sending", "unknown"]).exists()
        assert EmailMessage.objects.filter(status="sent").count() == len(server.messages)
        assert Worker.objects.get().stopped_at is not None
        run_successor()
        assert all_completed()
        assert_ledger_explains(server.messages)

    def test_sigterm_stops_an_idle_executor_at_once(self, database_url: str) -> None:
        with Executor(database_url, "run_executor") as executor:
            wait_until(Worker.objects.exists, "it has started")
            assert _stop(executor) == 0
        assert Worker.objects.get().stopped_at is not None

    def test_a_server_that_does_not_answer_within_the_wait_leaves_an_unknown_outcome(
        self, database_url: str, server: MailServer
    ) -> None:
        stall = Stall()
        server.on(Moment.DOT, stall)
        enroll(server, people=1)
        try:
            with Executor(database_url, "run_executor", STOP_WAIT_SECONDS="0") as executor:
                wait_until(stall.reached.is_set, "the email is being handed over")
                assert _stop(executor) == 0
        finally:
            stall.release()
        run_successor()
        assert EmailMessage.objects.get().status == "unknown"


def _stop(executor: Executor) -> int:
    process = psutil.Process(executor.process.pid)
    executor.send(signal.SIGTERM)
    wait_until(lambda: has_ended(process), "it ends")
    return executor.process.wait()
