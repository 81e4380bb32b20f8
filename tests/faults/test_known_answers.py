"""A server's answer that is known is recorded whatever the database does, and however late. P1, P4, P8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import InterfaceError, connection, transaction

from common.database_errors import is_temporary
from common.db import fetch_all
from emails.choices import ErrorClass
from emails.models import EmailMessage, Mailbox
from emails.pacing.breaker import Breaker
from emails.sending import delivery, resolving
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import LEASE_SECONDS, Lease, LeaseLostError, take_lane
from emails.sending.recovery import recover_expired
from emails.sending.results import Result
from emails.transport.send_result import Refused, SendResult, Sent, Unknown
from execution.models import DeadLetter
from sequences.models import Enrollment
from simulation.mail_server import MailServer, Moment, Stall
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.database import failing
from tests.faults.processes import Executor, wait_until
from tests.faults.promises import run_successor
from tests.faults.three_steps import assert_each_thing_once, enroll_in_three_steps, no_enrollment_is_active

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

PEOPLE = 4


@contextmanager
def database_setting(name: str, value: str) -> Iterator[None]:
    """For every session that begins within it, and those that run now are ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (database,) = cursor.fetchone()
        cursor.execute(f'ALTER DATABASE "{database}" SET {name} = %s', [value])
        end_other_sessions()
        try:
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{database}" RESET {name}')


def end_other_sessions() -> None:
    fetch_all(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        {},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("default_transaction_read_only", "on", "read-only transaction"),
        ("idle_session_timeout", "200ms", ""),
        ("application_name", "sessions are ended", ""),
    ],
)
def test_answers_reach_the_ledger_after_the_database_has_failed(
    setting: str, value: str, text: str, database_url: str, server: MailServer, tmp_path: Path
) -> None:
    """Two mailboxes wait for their answers while the database turns read-only, or ends every session."""
    stall, log = Stall(), tmp_path / "log"
    server.on(Moment.DOT, stall)
    enroll_in_three_steps(server, PEOPLE, mailboxes=2)
    with Executor(database_url, "run_executor", log=log, LOG_LEVEL="INFO") as executor:
        wait_until(lambda: EmailMessage.objects.filter(status="sending").count() == 2, "both mailboxes have sent")
        wait_until(lambda: stall.waiting == 2, "both servers have the message")
        with database_setting(setting, value):
            server.forget_rules()
            stall.release()
            wait_until(lambda: len(server.messages) >= 2, "the servers have answered")
            if text:
                wait_until(lambda: text in log.read_text(), "writing is refused")
            assert not DeadLetter.objects.exists()
        wait_until(no_enrollment_is_active, "all have come to their end")
        assert executor.stop() == 0
    assert_each_thing_once(PEOPLE, server)
    assert not DeadLetter.objects.exists()
    assert not EmailMessage.objects.exclude(status="sent").exists()


@pytest.mark.parametrize("state", ["25006", "25P03", "26000", "40P01", "53100", "55P03", "57014", "XX000", "23514"])
def test_a_result_is_recorded_again_after_any_error_of_the_database(
    state: str, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_RECORD_PAUSE_SECONDS", 0.01)
    enroll_in_three_steps(server, people=1)
    with failing("emails_emailmessage", "UPDATE", state, when="NEW.status = 'sent'", times=3):
        run_successor()
    assert_each_thing_once(1, server)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (psycopg.errors.TransactionTimeout(), True),
        (psycopg.errors.InvalidSqlStatementName(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.QueryCanceled(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.IdleSessionTimeout(), True),
        (psycopg.errors.IoError(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.errors.InternalError_(), True),
        (psycopg.errors.FeatureNotSupported(), True),
        (psycopg.OperationalError("the connection is lost"), True),
        (InterfaceError("connection already closed"), True),
        (psycopg.errors.ProgramLimitExceeded(), False),
        (psycopg.errors.CheckViolation(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.NumericValueOutOfRange(), False),
        (psycopg.errors.UndefinedTable(), False),
        (ValueError(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_no_row_causes_is_temporary(error: Exception, expected: bool) -> None:
    assert is_temporary(error) is expected


@pytest.mark.parametrize("state", ["25006", "26000", "XX000"])
def test_a_temporary_error_while_deciding_quarantines_no_enrollment(state: str, server: MailServer) -> None:
    enroll_in_three_steps(server, people=3)
    with failing("execution_executionlog", "INSERT", state), pytest.raises(psycopg.Error):
        run_successor()
    assert not DeadLetter.objects.exists()
    run_successor()
    assert_each_thing_once(3, server)


def mark_one() -> tuple[Lease, EmailMessage]:
    """A message marked as being sent, whose lease is then lost."""
    mailbox = MailboxFactory(lane_at=NOW)
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    message = EmailMessageFactory(enrollment=EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=NOW), at=NOW)
    lease = take_lane(NOW, "tests")
    assert lease is not None
    with transaction.atomic():
        assert list(claim_chunk(lease, NOW, 1).message_ids) == [message.pk]
    return lease, message


LATE = NOW + timedelta(seconds=LEASE_SECONDS + 1)


def record_late(lease: Lease, message: EmailMessage, answer: SendResult | None) -> str:
    with pytest.raises(LeaseLostError):
        delivery._record(lease, [Result(message.pk, answer, LATE)], Breaker(), lambda: LATE)
    message.refresh_from_db()
    return str(message.status)


def test_an_acceptance_after_the_lease_was_lost_settles_the_message() -> None:
    lease, message = mark_one()
    recover_expired(LATE)
    assert record_late(lease, message, Sent("4F1A", "250 queued as 4F1A")) == "sent"
    assert (message.provider_message_id, message.resolved_by) == ("4F1A", "evidence:answer")
    assert Enrollment.objects.get().emails_sent == 1
    # once more changes nothing
    assert record_late(lease, message, Sent("other", "250")) == "sent"
    assert Enrollment.objects.get().emails_sent == 1


def test_an_acceptance_takes_back_what_a_user_had_sent_again() -> None:
    lease, message = mark_one()
    recover_expired(LATE)
    with transaction.atomic():
        assert resolving.send_again(message.pk, "ada", "", LATE)
    assert record_late(lease, message, Sent("", "250")) == "sent"
    assert Enrollment.objects.get().emails_sent == 1


@pytest.mark.parametrize("answer", [Refused(ErrorClass.SERVER, "421", "421 Closing"), None])
def test_a_late_refusal_puts_the_message_back_into_the_queue(answer: SendResult | None) -> None:
    lease, message = mark_one()
    recover_expired(LATE)
    assert record_late(lease, message, answer) == "queued"
    assert (message.attempts, message.handed_over_at) == (0, None)
    assert Mailbox.objects.get().lane_at == LATE


def test_a_late_result_that_is_itself_unknown_changes_nothing() -> None:
    lease, message = mark_one()
    recover_expired(LATE)
    assert record_late(lease, message, Unknown("no answer")) == "unknown"
