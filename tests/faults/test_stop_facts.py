"""P2: no email is sent after a stop fact is stored, at any point between due and sent. P5: the same for pauses.

What is already in the hands of the server may arrive: nothing leaves later than that one dialogue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Sequence as Many
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from emails.choices import BounceType, EventType
from emails.facts.events import NewEvent, record_events
from emails.facts.external_events import record_external_event
from emails.facts.suppressions import suppress
from emails.models import EmailMessage, ExecutorState, Mailbox
from emails.rendering import compose as composing
from emails.sending import delivery, final_check
from execution.control.enrollments import exit_enrollments, pause_enrollments
from execution.control.switches import archive_sequence, pause_executor, pause_mailbox, pause_sequence
from execution.engine import loading
from execution.engine import tick as engine
from execution.engine.backoff import Policy
from sequences.models import Enrollment, Sequence
from simulation.mail_server import MailServer, Moment, Stall
from tests.factories import NOW, EnrollmentFactory, ExecutorStateFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.concurrent_work import ConcurrentWork
from tests.faults.driving import DrivenClock
from tests.faults.processes import wait_until
from tests.faults.promises import assert_ledger_explains

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

Fact = Callable[[Enrollment], object]
SAM = "sam@acme.example"


def event(type_: EventType, **more: Any) -> Fact:
    def store(person: Enrollment) -> int:
        new = NewEvent(type_, "tests", f"{type_}:{person.pk}", NOW, contact_id=person.contact_id, **more)
        return record_events([new], NOW)

    return store


def suppressed(**what: str) -> Fact:
    def store(person: Enrollment) -> None:
        with transaction.atomic():
            given: dict[str, Any] = {name: [value] for name, value in what.items()}
            if "emails" in given:
                given["emails"] = [person.contact.email.upper()]
            suppress(person.workspace_id, actor=SAM, now=NOW, **given)

    return store


def goal_event(person: Enrollment) -> None:
    facts: dict[str, Any] = {"event_key": "crm-1", "event_type": "meeting_booked", "occurred_at": NOW}
    record_external_event(person.contact, **facts, actor=SAM, now=NOW)


STOPS: dict[str, tuple[Fact, str]] = {
    "replied": (event(EventType.REPLIED), "replied"),
    "unsubscribed": (event(EventType.UNSUBSCRIBED), "unsubscribed"),
    "complained": (event(EventType.COMPLAINED), "complained"),
    "bounced": (event(EventType.BOUNCED, bounce_type=BounceType.HARD), "bounced"),
    "suppressed address": (suppressed(emails="theirs"), "suppressed"),
    "suppressed domain": (suppressed(domains="prospect.example"), "suppressed"),
    "exited by hand": (lambda person: exit_enrollments([person.pk], actor=SAM, now=NOW), "manual"),
    "goal by event": (goal_event, "goal_met"),
    "archived": (lambda person: archive_sequence(person.sequence, actor=SAM, now=NOW), "sequence_archived"),
}
PAUSES: dict[str, Fact] = {
    "enrollment": lambda person: pause_enrollments([person.pk], actor=SAM, now=NOW),
    "sequence": lambda person: pause_sequence(Sequence.objects.get(pk=person.sequence_id), actor=SAM, now=NOW),
    "mailbox": lambda person: pause_mailbox(Mailbox.objects.get(), actor=SAM, now=NOW),
    "executor": lambda person: pause_executor(actor=SAM, now=NOW),
    "out of office": event(EventType.AUTO_REPLIED),
}


@pytest.fixture
def person(server: MailServer) -> Enrollment:
    """Two emails without a delay in between: there is always a next one that must not leave."""
    ExecutorStateFactory()
    sequence = SequenceFactory(goal={"event": "meeting_booked"})
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?")
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
    enrolled_at = NOW - timedelta(days=1)
    enrollment: Enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox, enrolled_at=enrolled_at)
    return enrollment


def assert_stopped(person: Enrollment, reason: str, server: MailServer, *, at_most: int) -> None:
    person.refresh_from_db()
    status = "replied" if reason == "replied" else "auto_exited"
    assert (person.status, person.auto_exit_reason, person.wake_at) == (status, reason, None)
    assert len(server.messages) <= at_most
    assert not EmailMessage.objects.filter(status__in=["queued", "sending"]).exists()
    assert_ledger_explains(server.messages)


def store_at(owner: Any, name: str, fact: Callable[[], object], *, after: bool = False) -> Any:
    """Patch: when the function is called the first time, the fact is stored elsewhere as far as locks let it."""
    run = getattr(owner, name)
    others: list[ConcurrentWork] = []

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        answer = run(*args, **kwargs) if after else None
        if not others:
            others.append(ConcurrentWork(fact).start())
            others[0].run_until_blocked()
        return answer if after else run(*args, **kwargs)

    patch = mock.patch.object(owner, name, wrapped)
    return patch, others


DECIDING = [(loading, "load_stop_facts", False), (engine, "decide", True), (engine, "apply_outcomes", True)]


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize(("owner", "name", "after"), DECIDING, ids=["before facts", "decided", "applied"])
def test_a_stop_fact_stored_while_deciding_prevents_the_email(
    stop: str, owner: Any, name: str, after: bool, server: MailServer, person: Enrollment
) -> None:
    """The fact waits for the row's lock and wakes the row after the tick: the tick's email is withdrawn."""
    fact, reason = STOPS[stop]
    patch, others = store_at(owner, name, lambda: fact(person), after=after)
    with patch:
        engine.run_tick(NOW, 10, Policy())
    others[0].join()
    DrivenClock().run()
    assert_stopped(person, reason, server, at_most=0)


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_fact_withdraws_the_queued_email(stop: str, server: MailServer, person: Enrollment) -> None:
    engine.run_tick(NOW, 10, Policy())
    assert EmailMessage.objects.get().status == "queued"
    fact, reason = STOPS[stop]
    fact(person)
    DrivenClock().run()
    assert_stopped(person, reason, server, at_most=0)
    assert EmailMessage.objects.get().status == "withheld"


@pytest.mark.parametrize("stop", STOPS)
def test_the_final_check_stops_an_email_before_the_engine_decides(
    stop: str, server: MailServer, person: Enrollment
) -> None:
    """Only the lane works: the fact is stored, the engine has not decided yet, and still nothing is sent."""
    engine.run_tick(NOW, 10, Policy())
    fact, reason = STOPS[stop]
    fact(person)
    assert delivery.deliver_lane(DrivenClock(), "tests", delivery.HeldLeases()) in {0, None}
    assert server.messages == []
    DrivenClock().run()
    assert_stopped(person, reason, server, at_most=0)


def test_the_final_check_holds_mail_for_an_absent_contact(server: MailServer, person: Enrollment) -> None:
    """Before the engine has paused them: a lane that works alone must not write to an empty desk."""
    engine.run_tick(NOW, 10, Policy())
    PAUSES["out of office"](person)
    delivery.deliver_lane(DrivenClock(), "tests", delivery.HeldLeases())
    assert server.messages == []
    message = EmailMessage.objects.get()
    held_by = "resting: out of office until 2026-03-16 (assumed: the answer states no date)"
    assert (message.status, message.held_by) == ("queued", held_by)


def test_absent_contacts_later_in_the_same_chunk_get_no_email(server: MailServer, person: Enrollment) -> None:
    other: Enrollment = EnrollmentFactory(sequence=person.sequence, mailbox=person.mailbox)
    both = {enrollment.contact.email: enrollment for enrollment in (person, other)}

    def away(message: Any) -> None:
        if len(server.messages) == 1:
            taken = set(server.messages[0].recipients)
            with ConcurrentWork(lambda: [PAUSES["out of office"](both[email]) for email in set(both) - taken]):
                pass

    server.on_message = away
    engine.run_tick(NOW, 10, Policy())
    chunk = mock.patch.object(delivery, "claim_chunk", lambda lease, now, size: final_check.claim_chunk(lease, now, 2))
    with chunk, mock.patch.object(delivery, "_CHECK_SECONDS", 0.0):
        delivery.deliver_lane(DrivenClock(), "tests", delivery.HeldLeases())
    assert len(server.messages) == 1


LOOKING = [
    (final_check, "load_stop_facts", False),
    (final_check, "_mark", True),
    (delivery, "_send_all", False),
    (delivery, "compose", True),
]


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize(("owner", "name", "after"), LOOKING, ids=["locked", "marked", "committed", "composed"])
def test_a_stop_fact_stored_during_the_claim_stops_all_but_that_message(
    stop: str, owner: Any, name: str, after: bool, server: MailServer, person: Enrollment
) -> None:
    fact, reason = STOPS[stop]
    patch, others = store_at(owner, name, lambda: fact(person), after=after)
    with patch:
        DrivenClock().run()
    others[0].join()
    DrivenClock().run()
    assert_stopped(person, reason, server, at_most=1)


def test_an_unsent_message_of_a_stopped_enrollment_is_withheld(server: MailServer, person: Enrollment) -> None:
    """It is put back, but not into a queue that no worker will ever empty."""
    server.on(Moment.MAIL, "421 4.3.2 Too busy", times=1)
    patch, others = store_at(delivery, "_send_all", lambda: exit_enrollments([person.pk], actor=SAM, now=NOW))
    with patch:
        DrivenClock().run()
    others[0].join()
    message = EmailMessage.objects.get()
    assert (message.status, message.withheld_reason, message.attempts) == ("withheld", "manual", 0)


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_fact_stored_while_sending_prevents_the_next_email(
    stop: str, server: MailServer, person: Enrollment
) -> None:
    stall = Stall()
    server.on(Moment.RCPT, stall)
    fact, reason = STOPS[stop]
    try:
        with ConcurrentWork(DrivenClock().run):
            wait_until(stall.reached.is_set, "the email is being handed over")
            fact(person)
            stall.release()
    finally:
        stall.release()
    DrivenClock().run()
    assert_stopped(person, reason, server, at_most=1)
    assert EmailMessage.objects.get().status == "sent"


def test_a_stop_fact_holds_later_emails_of_the_same_chunk(server: MailServer, person: Enrollment) -> None:
    """Marked together, sent one by one: what is stored during the first dialogue keeps the next ones back."""
    others: list[Enrollment] = [EnrollmentFactory(sequence=person.sequence, mailbox=person.mailbox) for _ in range(7)]
    by_address: dict[str, Enrollment] = {enrollment.contact.email: enrollment for enrollment in [person, *others]}
    stored = threading.Event()

    def unsubscribe_the_others(message: Any) -> None:
        if len(server.messages) == 4 and not stored.is_set():
            taken = {recipient for received in server.messages for recipient in received.recipients}
            with ConcurrentWork(
                lambda: [event(EventType.UNSUBSCRIBED)(by_address[e]) for e in set(by_address) - taken]
            ):
                stored.set()

    server.on_message = unsubscribe_the_others
    with mock.patch.object(delivery, "_CHECK_SECONDS", 0.0):
        DrivenClock().run()
    assert stored.is_set()
    assert len(server.messages) == 8, "four people got both emails, four none"
    assert Enrollment.objects.filter(auto_exit_reason="unsubscribed").count() == 4
    assert_ledger_explains(server.messages)


def test_a_chunk_that_takes_long_does_not_outlast_its_window(
    server: MailServer, person: Enrollment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P5: what a slow server keeps waiting goes back and is looked at again: after the window's end it waits."""
    Sequence.objects.update(window={"timezone": "UTC", "mon-fri": ["09:00-10:05"]})
    for _ in range(7):
        EnrollmentFactory(sequence=person.sequence, mailbox=person.mailbox)
    clock = DrivenClock()

    def be_slow(message: Any) -> None:
        if len(server.messages) == 4:
            clock.pass_by(minutes=10)

    server.on_message = be_slow
    monkeypatch.setattr(delivery, "_CHUNK_SECONDS", 0.0)
    clock.run()
    assert len(server.messages) == 4
    assert EmailMessage.objects.filter(status="queued", held_by__startswith="window").count() == 4

    clock.run_through(NOW + timedelta(days=2))
    assert len(server.messages) == 16
    assert set(EmailMessage.objects.values_list("attempts", flat=True)) == {1}
    for sent_at in EmailMessage.objects.values_list("handed_over_at", flat=True):
        assert sent_at is not None
        assert (9, 0) <= (sent_at.hour, sent_at.minute) < (10, 5)


@pytest.mark.parametrize("pause", PAUSES)
def test_pausing_holds_a_queued_email_and_resuming_sends_it(pause: str, server: MailServer, person: Enrollment) -> None:
    engine.run_tick(NOW, 10, Policy())
    PAUSES[pause](person)
    DrivenClock().run()
    assert server.messages == []
    assert EmailMessage.objects.get().status == "queued"


@pytest.mark.parametrize("pause", PAUSES)
def test_pausing_while_sending_lets_that_email_finish_and_holds_the_next(
    pause: str, server: MailServer, person: Enrollment
) -> None:
    stall = Stall()
    server.on(Moment.RCPT, stall)
    try:
        with ConcurrentWork(DrivenClock().run):
            wait_until(stall.reached.is_set, "the email is being handed over")
            PAUSES[pause](person)
            stall.release()
    finally:
        stall.release()
    DrivenClock().run()
    assert len(server.messages) == 1
    assert EmailMessage.objects.exclude(status="queued").get().status == "sent"
    person.refresh_from_db()
    assert person.status == ("paused" if pause in {"enrollment", "out of office"} else "active")


def test_an_executor_paused_in_the_middle_of_a_batch_finishes_it_and_stops(
    server: MailServer, person: Enrollment
) -> None:
    """P5: one transaction is the most that still happens; no email of it leaves before a resume."""
    patch, others = store_at(engine, "decide", lambda: pause_executor(actor=SAM, now=NOW))
    with patch:
        assert engine.run_tick(NOW, 10, Policy()).claimed == 1
    others[0].join()
    assert DrivenClock().run() == (0, 0)
    assert server.messages == []
    ExecutorState.objects.update(is_paused=False)
    DrivenClock().run()
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    ("seconds", "pace", "sizes"), [(0.0, {}, (1, 1)), (1e6, {}, (1, 5)), (1e6, {"gap_seconds": 1}, (1, 1))]
)
def test_the_chunk_size_follows_the_speed_of_the_server(
    seconds: float, pace: dict[str, int], sizes: tuple[int, int], server: MailServer, person: Enrollment
) -> None:
    for _ in range(5):
        EnrollmentFactory(sequence=person.sequence, mailbox=person.mailbox)
    Mailbox.objects.update(**pace)
    seen: list[int] = []

    def count(message_ids: Many[int], now: datetime) -> Any:
        seen.append(EmailMessage.objects.filter(status="sending").count())
        return composing.compose(message_ids, now)

    with mock.patch.object(delivery, "compose", count), mock.patch.object(delivery, "_UNCONFIRMED_SECONDS", seconds):
        DrivenClock().run_through(NOW + timedelta(minutes=1))
    assert (seen[0], max(seen)) == sizes
    assert_ledger_explains(server.messages)
