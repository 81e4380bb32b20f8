"""SIGKILL at every point of deciding and sending. P1: nothing twice. P4: nothing lost. P7: the next one goes on."""

from __future__ import annotations

import pytest
from django.utils import timezone

from emails.models import EmailMessage, Mailbox
from execution.models import ExecutionLog
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tasks_app.models import Task
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory, TaskStepFactory
from tests.faults.processes import CommandProcess
from tests.faults.promises import assert_ledger_explains, assert_no_enrollment_is_lost, run_successor

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

PEOPLE = 3
# Nothing can have left, or its sending is in the ledger: every enrollment completes.
CERTAIN = [
    ("claimed", 1),
    ("claimed", 3),
    ("decided", 2),
    ("statement 1 of apply", 1),
    ("statement 2 of apply", 1),
    ("statement 3 of apply", 1),
    ("statement 4 of apply", 1),
    ("statement 2 of apply", 2),
    ("applied", 1),
    ("applied", 4),
    ("tick committed", 1),
    ("tick committed", 2),
    ("lane leased", 1),
    ("marked", 1),
    ("marked", 2),
    ("results committed", 1),
    ("results committed", 2),
    ("lane released", 1),
]
# Between the mark and the result the ledger cannot know: (point, how often it was passed, whether the server has it).
UNCERTAIN = [
    ("mark committed", 1, 0),
    ("composed", 1, 0),
    ("connected", 1, 0),
    ("MAIL answered", 1, 0),
    ("RCPT answered", 1, 0),
    ("DATA answered", 1, 0),
    ("text written", 1, 0),
    ("dot answered", 1, 1),
    ("handed over", 1, 1),
    ("results written", 1, 1),
    ("dot answered", 3, 2),
]


@pytest.fixture
def people(server: MailServer) -> list[Enrollment]:
    """Three people in email, task, threaded email; all due now."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    TaskStepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?")
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    return [EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=timezone.now()) for _ in range(PEOPLE)]


def assert_each_thing_once() -> None:
    """P1, P10: no task and no log entry twice; a tick that was killed left nothing behind."""
    completed = Enrollment.objects.filter(status="completed")
    assert Task.objects.count() == len({task.enrollment_id for task in Task.objects.all()})
    for enrollment in completed:
        executed = ExecutionLog.objects.filter(enrollment=enrollment, action="executed")
        assert sorted(executed.values_list("step_number", flat=True)) == [1, 2, 3]
        assert (enrollment.emails_sent, enrollment.steps_completed) == (2, 3)
    assert not Mailbox.objects.exclude(lease_token=None).exists()


@pytest.mark.parametrize(("point", "nth"), CERTAIN)
def test_a_kill_with_all_state_in_the_database_loses_nothing(
    point: str, nth: int, command_process: CommandProcess, server: MailServer, people: list[Enrollment]
) -> None:
    assert command_process.run("run_executor", "--once", point=point, nth=nth), "the point was never reached"

    run_successor()

    assert_ledger_explains(server.messages)
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}
    assert len(server.messages) == 2 * PEOPLE
    assert_each_thing_once()


@pytest.mark.parametrize(("point", "nth", "arrived"), UNCERTAIN)
def test_a_kill_while_sending_leaves_an_unknown_outcome(
    point: str, nth: int, arrived: int, command_process: CommandProcess, server: MailServer, people: list[Enrollment]
) -> None:
    assert command_process.run("run_executor", "--once", point=point, nth=nth), "the point was never reached"
    in_hand = set(EmailMessage.objects.filter(status="sending").values_list("id", flat=True))
    assert in_hand

    run_successor()

    assert set(EmailMessage.objects.filter(status="unknown").values_list("id", flat=True)) == in_hand
    assert_ledger_explains(server.messages)
    assert_no_enrollment_is_lost()
    assert_each_thing_once()
    assert len(server.messages) - EmailMessage.objects.filter(status="sent").count() == arrived


def test_a_kill_right_after_the_final_dot_is_unknown(
    command_process: CommandProcess, server: MailServer, people: list[Enrollment]
) -> None:
    """The dot is in the kernel's hands: the server may or may not answer it; both ends are allowed, twice is not."""
    assert command_process.run("run_executor", "--once", point="dot written")

    run_successor()

    assert EmailMessage.objects.filter(status="unknown").count() == 1
    assert_ledger_explains(server.messages)
    assert_no_enrollment_is_lost()


def test_the_harness_itself_changes_nothing(
    command_process: CommandProcess, server: MailServer, people: list[Enrollment]
) -> None:
    """The control group: the harness itself changes nothing."""
    assert not command_process.run("run_executor", "--once")
    assert_ledger_explains(server.messages)
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}
    assert_each_thing_once()
