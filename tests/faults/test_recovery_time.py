"""After a kill, work resumes: rows are free at once, lanes when their lease ends. `benchmarks.moments` times it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from emails.models import EmailMessage
from emails.sending.lanes import LEASE_SECONDS, RENEW_SECONDS
from execution.engine.claim import claim_due
from sequences.models import Enrollment
from simulation.mail_server import MailServer, Moment, Stall
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.processes import CommandProcess, Executor, has_ended, kill, wait_until
from tests.faults.promises import run_successor

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def enroll(people: int, port: int = 9) -> None:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=port)
    for _ in range(people):
        EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=timezone.now())


def claimable() -> int:
    with transaction.atomic():
        return len(claim_due(timezone.now(), 1000))


def a_session_idles_in_transaction() -> bool:
    """Not asked by claiming: that would take the rows from the engine that is to hold them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state = 'idle in transaction' AND xact_start < clock_timestamp() - interval '0.3 seconds'"
        )
        row: tuple[int] = cursor.fetchone()
    return row[0] > 0


@pytest.mark.parametrize("point", ["claimed", "applied"])
def test_rows_of_a_killed_engine_are_claimable_at_once(point: str, command_process: CommandProcess) -> None:
    """Killed in the middle of a batch, with all its rows locked: PostgreSQL takes its transaction back at once."""
    enroll(people=50)
    engine = command_process.freeze("run_executor", "--once", point=point)
    try:
        wait_until(a_session_idles_in_transaction, "the engine holds all rows")
        assert claimable() == 0
        assert EmailMessage.objects.count() == 0, "what is not committed is not seen"
    finally:
        engine.kill()
    wait_until(lambda: claimable() == 50, "the rows are free")
    wait_until(lambda: has_ended(engine), "the engine is gone")


def test_a_started_executor_commits(database_url: str) -> None:
    """From the start of the process, with every import; `benchmarks.moments` measures it."""
    enroll(people=1)
    with Executor(database_url, "run_executor", "--stage", "decide"):
        wait_until(EmailMessage.objects.exists, "the first commit")


def test_a_killed_senders_lane_is_taken_over_when_its_lease_is_over(
    command_process: CommandProcess, server: MailServer
) -> None:
    """Not a moment before: it might still be alive. A lease that is renewed in time outlasts any dialogue."""
    assert RENEW_SECONDS * 3 < LEASE_SECONDS < 60
    stall = Stall()
    server.on(Moment.RCPT, stall, times=1)
    enroll(people=3, port=server.port)
    worker = command_process.start("run_executor")
    try:
        wait_until(stall.reached.is_set, "the worker hands something over")
    finally:
        kill(worker)
        stall.release()
    run_successor(ahead=timedelta(seconds=5))
    assert server.messages == []
    run_successor(ahead=timedelta(seconds=LEASE_SECONDS + 1))
    assert len(server.messages) == 2
    assert Enrollment.objects.filter(status="completed").count() == 2
