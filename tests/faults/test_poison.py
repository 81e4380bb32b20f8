"""One row that cannot work never fails its neighbours of the same batch. P4: it is quarantined, with a dead letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError

from emails.models import EmailMessage, Mailbox
from emails.sending import delivery
from emails.transport import open_transport as open_real_transport
from execution.control.switches import archive_sequence
from execution.engine import decide as decide_module
from execution.engine import loading
from execution.engine import tick as engine
from execution.engine.backoff import Policy
from execution.models import DeadLetter, ExecutionLog
from sequences.models import Contact, Enrollment, Sequence, Step
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    ContactFactory,
    DelayStepFactory,
    EnrollmentFactory,
    MailboxFactory,
    SequenceFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.faults.concurrent_work import ConcurrentWork
from tests.faults.database import failing
from tests.faults.driving import DrivenClock
from tests.faults.promises import assert_ledger_explains

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

NEIGHBOURS = 6
LONG_LOOP = "{% for a in (1..9999) %}{% for b in (1..9999) %}{{ contact.first_name }}{% endfor %}{% endfor %}"


@pytest.fixture
def mailbox(server: MailServer) -> Mailbox:
    found: Mailbox = MailboxFactory(smtp_port=server.port)
    return found


@pytest.fixture
def neighbours(mailbox: Mailbox) -> list[Enrollment]:
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    return [EnrollmentFactory(sequence=sequence, mailbox=mailbox) for _ in range(NEIGHBOURS)]


def poison(mailbox: Mailbox, **step: Any) -> Enrollment:
    """An enrollment in a sequence of its own whose only step is this, due with the neighbours."""
    sequence = SequenceFactory(workspace=mailbox.workspace)
    kind = step.pop("factory", StepFactory)
    kind(sequence=sequence, **step)
    enrollment: Enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    return enrollment


def assert_neighbours_completed(neighbours: list[Enrollment], server: MailServer) -> None:
    for neighbour in neighbours:
        neighbour.refresh_from_db()
        assert (neighbour.status, neighbour.retry_count) == ("completed", 0), neighbour.last_error
    assert_ledger_explains(server.messages)
    assert {message.recipients[0] for message in server.messages} >= {n.contact.email for n in neighbours}


def assert_quarantined(enrollment: Enrollment, error_class: str) -> DeadLetter:
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.wake_at) == ("quarantined", None)
    assert enrollment.last_error
    letter = DeadLetter.objects.get()
    assert (letter.enrollment_id, letter.error_class, letter.resolved_at) == (enrollment.pk, error_class, None)
    assert ExecutionLog.objects.filter(enrollment=enrollment, action="quarantined").count() == 1
    return letter


POISONS: dict[str, tuple[dict[str, Any], str]] = {
    "endless loop": ({"body": LONG_LOOP}, "template"),
    "ten megabytes": ({"body": "x" * 10_000_000}, "template"),
    "missing field": ({"body": "Hello {{ contact.nickname }}"}, "template"),
    "broken template": ({"body": "Hello {{ contact.first_name"}, "template"),
    "no subject": ({"subject": ""}, "data"),
    "unknown step type": ({"type": "carrier_pigeon", "subject": "", "body": ""}, "step"),
    "unknown condition": ({"type": "conditional_split", "condition_type": "moon", "subject": "", "body": ""}, "step"),
}


@pytest.mark.parametrize("name", POISONS)
def test_a_step_that_cannot_run_is_quarantined(
    name: str, server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    fields, error_class = POISONS[name]
    bad = poison(mailbox, **fields)
    DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    assert_quarantined(bad, error_class)
    assert len(server.messages) == NEIGHBOURS
    assert DrivenClock().run() == (0, 0), "it is not tried again"


# Faults of a value, and one whose class calls itself operational although waiting will not cure it.
@pytest.mark.parametrize("state", ["22021", "23514", "54000"])
def test_a_row_that_the_database_refuses_does_not_stop_others(
    state: str, server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    """PostgreSQL refuses the whole batch for one row: it is halved until the row is found."""
    bad = poison(mailbox, factory=TaskStepFactory, instructions="poison")
    with failing("tasks_app_task", "INSERT", state, when="NEW.instructions = 'poison'", times=1000):
        DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    letter = assert_quarantined(bad, "database")
    assert "fault of the test" in letter.error
    assert "Traceback" in letter.error_trace


@pytest.mark.parametrize("address", ["eve@x.example\nBcc: all@x.example", "no at sign", "<eve@x.example>", "eve@"])
def test_an_address_with_smtp_syntax_cannot_be_stored(address: str, mailbox: Mailbox) -> None:
    """Whatever writes it: the database refuses it, so no byte of it reaches a header or a command."""
    contact = ContactFactory(workspace=mailbox.workspace)
    with pytest.raises(IntegrityError, match="contact_email_form"):
        Contact.objects.filter(pk=contact.pk).update(email=address)


def test_an_enrollment_at_a_deleted_step_is_quarantined(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    bad = poison(mailbox)
    Step.objects.filter(sequence=bad.sequence).delete()
    DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    assert "deleted" in assert_quarantined(bad, "data").error


def test_a_queued_message_of_a_deleted_step_is_not_sent(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    bad = poison(mailbox)
    engine.run_tick(NOW, 100, Policy())
    Step.objects.filter(sequence=bad.sequence).delete()
    DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    bad.refresh_from_db()
    assert bad.status == "quarantined"
    assert len(server.messages) == NEIGHBOURS


def test_a_queued_message_of_an_archived_sequence_is_not_sent(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    stopped = poison(mailbox)
    engine.run_tick(NOW, 100, Policy())
    archive_sequence(Sequence.objects.get(pk=stopped.sequence_id), actor="sam@acme.example", now=NOW)
    DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    stopped.refresh_from_db()
    assert (stopped.status, stopped.auto_exit_reason) == ("auto_exited", "sequence_archived")
    assert EmailMessage.objects.get(enrollment=stopped).status == "withheld"


def test_a_contact_deleted_while_its_message_is_being_sent(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    """Erased with everything about them while their email is on its way: the others' results are kept."""
    gone = poison(mailbox)

    def erase(message: Any) -> None:
        if message.recipients[0] == gone_address:
            _in_own_connection(lambda: Contact.objects.filter(pk=gone.contact_id).delete())

    gone_address = gone.contact.email
    server.on_message = erase
    DrivenClock().run()
    for neighbour in neighbours:
        neighbour.refresh_from_db()
        assert neighbour.status == "completed"
    assert not Enrollment.objects.filter(pk=gone.pk).exists()
    assert not EmailMessage.objects.exclude(status="sent").exists()


def test_a_runaway_is_stopped_and_its_neighbours_run(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    """A loop in which no time passes, put in behind the validation's back."""
    bad = poison(mailbox, factory=DelayStepFactory, delay_days=0)
    first = Step.objects.get(sequence=bad.sequence)
    StepFactory(
        sequence=first.sequence,
        type="conditional_split",
        condition_type="contact_field",
        condition_config={"field": "email", "operator": "is_set", "wait_hours": 0},
        if_true_goto=first,
        if_false_goto=first,
    )
    DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    assert_quarantined(bad, "runaway")


def _raise_for(bad: Enrollment, real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    def broken(snapshot: Any, *args: Any, **kwargs: Any) -> Any:
        if (snapshot["id"] if isinstance(snapshot, dict) else snapshot.id) == bad.pk:
            raise error
        return real(snapshot, *args, **kwargs)

    return broken


def test_a_bug_while_deciding_one_row_does_not_stop_others(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment], caplog: pytest.LogCaptureFixture
) -> None:
    """Even its message cannot be stored as it is."""
    caplog.set_level("CRITICAL", logger="execution.engine.tick")
    bad = poison(mailbox)
    error = ZeroDivisionError("no \x00 and no \ud800 stop it")
    with mock.patch.object(engine, "decide", _raise_for(bad, decide_module.decide, error)):
        DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    assert_quarantined(bad, "database")


def test_a_row_that_cannot_be_read_does_not_stop_others(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    bad = poison(mailbox)
    broken = _raise_for(bad, loading._build_snapshot, ValueError("cannot be read"))
    with mock.patch.object(loading, "_build_snapshot", broken):
        DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    assert_quarantined(bad, "database")


def test_a_row_completed_by_another_engine_stays_completed(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    """While the refused batch is being halved its rows are free: who was ended there is left alone."""
    bad = poison(mailbox, factory=TaskStepFactory, instructions="poison")
    halve = engine._run_halves

    def complete_concurrently(ids: Any, now: Any, policy: Any) -> None:
        Enrollment.objects.filter(pk=neighbours[0].pk).update(
            status="completed", completed_at=NOW, current_step=None, next_step_at=None, wake_at=None
        )
        halve(ids, now, policy)

    poisoned = failing("tasks_app_task", "INSERT", "22021", when="NEW.instructions = 'poison'", times=1000)
    with poisoned, mock.patch.object(engine, "_run_halves", complete_concurrently):
        engine.run_tick(NOW, 100, Policy())
    neighbours[0].refresh_from_db()
    assert neighbours[0].status == "completed"
    assert_quarantined(bad, "database")


def test_a_mailbox_that_cannot_be_served_delays_no_other(
    server: MailServer, mailbox: Mailbox, neighbours: list[Enrollment]
) -> None:
    """A bug in one lane is that lane's: it waits like one whose server is away, and alerts."""
    broken: Mailbox = MailboxFactory(workspace=mailbox.workspace, smtp_port=server.port)
    stuck = poison(broken)

    def open_transport(box: Mailbox) -> Any:
        if box.pk == broken.pk:
            raise ZeroDivisionError("a bug")
        return open_real_transport(box)

    with mock.patch.object(delivery, "open_transport", open_transport):
        DrivenClock().run()
    assert_neighbours_completed(neighbours, server)
    broken.refresh_from_db()
    stuck.refresh_from_db()
    assert (broken.breaker_failures, broken.lease_token) == (1, None)
    assert "ZeroDivisionError" in broken.breaker_error
    assert (stuck.status, stuck.retry_count) == ("active", 0)

    clock = DrivenClock()
    clock.pass_by(minutes=1)
    clock.run()
    stuck.refresh_from_db()
    assert stuck.status == "completed"


def _in_own_connection(work: Callable[[], object]) -> None:
    with ConcurrentWork(work):
        pass
