"""A mail server that is away for an hour. P8: nothing is quarantined, no attempt is used, one alert is raised."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.core import mail

from emails.models import EmailMessage, Mailbox
from execution.insight.alerts import reconcile_alerts
from execution.models import Alert, ControlLog, DeadLetter, ExecutionLog
from sequences.models import Enrollment
from simulation.mail_server import Action, MailServer, Moment, Reply, Situation, Stall
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory, UserFactory
from tests.faults.driving import DrivenClock
from tests.faults.processes import CommandProcess, kill, wait_until
from tests.faults.promises import assert_ledger_explains

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

PEOPLE = 12
BACK_AT = NOW + timedelta(minutes=60)


def enroll(server: MailServer, people: int = PEOPLE) -> Mailbox:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    mailbox: Mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port, owner=UserFactory())
    for _ in range(people):
        EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    return mailbox


def live_through_the_hour(server: MailServer, clock: DrivenClock, mailbox: Mailbox) -> list[datetime]:
    """At every moment at which the lane may try, until the hour is over; the moments of the tries."""
    tries = []
    while clock.now < BACK_AT:
        connections = server.connection_count
        clock.run()
        tries += [clock.now] * (server.connection_count - connections)
        reconcile_alerts(clock.now)
        assert clock.jump()
    return tries


def test_an_hour_without_the_server_loses_nothing(server: MailServer) -> None:
    mailbox, clock = enroll(server), DrivenClock()
    server.refuse_everything()

    tries = live_through_the_hour(server, clock, mailbox)

    assert set(Enrollment.objects.values_list("status", "retry_count", "last_error")) == {("active", 0, "")}
    assert set(EmailMessage.objects.values_list("status", "attempts")) == {("queued", 0)}
    assert not DeadLetter.objects.exists()
    assert not ExecutionLog.objects.filter(action__in=["failed", "retried"]).exists()
    mailbox.refresh_from_db()
    assert (mailbox.status, mailbox.breaker_state) == ("active", "open")

    # five failures in a row open it, then probes after 1, 2, 4 … minutes, give or take a fifth
    assert tries[4] - tries[0] < timedelta(minutes=1)
    waits = [later - earlier for earlier, later in pairwise(tries[4:])]
    assert len(waits) in {5, 6}, "the last one by chance"
    for doubled, wait in enumerate(waits):
        minutes = timedelta(minutes=2**doubled)
        assert 0.8 * minutes <= wait <= 1.2 * minutes, (doubled, wait)

    alert = Alert.objects.get()
    assert alert.cleared_at is None
    assert len([sent for sent in mail.outbox if mailbox.address in f"{sent.subject}{sent.body}"]) == 1

    server.forget_rules()
    clock.run_through(clock.now + timedelta(hours=2))
    reconcile_alerts(clock.now)
    assert len(server.messages) == PEOPLE
    assert_ledger_explains(server.messages)
    assert set(Enrollment.objects.values_list("status", "retry_count")) == {("completed", 0)}
    mailbox.refresh_from_db()
    assert (mailbox.breaker_state, mailbox.breaker_failures, mailbox.breaker_trips) == ("closed", 0, 0)
    told = ControlLog.objects.filter(target="mailbox", target_id=mailbox.pk).order_by("pk")
    assert list(told.values_list("action", "actor")) == [("failing", "engine"), ("recovered", "engine")]
    alert.refresh_from_db()
    assert alert.cleared_at is not None


def test_a_half_open_breaker_risks_one_message(server: MailServer) -> None:
    """The probe is a single message, also when a whole chunk waits; only its success lets the others follow."""
    mailbox, clock = enroll(server), DrivenClock()
    named: list[datetime] = []

    def busy(situation: Situation) -> Action | None:
        if situation.moment is not Moment.MAIL:
            return None
        named.append(clock.now)
        return Reply("421 4.3.2 Too busy")

    server.behaviour = busy
    live_through_the_hour(server, clock, mailbox)
    assert len(named) == len(set(named)), "one message a try, and no more"
    assert len(named) in {10, 11}, "the last one by chance"

    server.forget_rules()
    server.on(Moment.RCPT, "550 5.1.1 No such user here", times=1)
    clock.run_through(clock.now + timedelta(hours=2))
    assert len(server.messages) == PEOPLE - 1, "a refused recipient proves that the server is back"
    mailbox.refresh_from_db()
    assert mailbox.breaker_state == "closed"


def test_failures_that_are_not_in_a_row_do_not_open_the_breaker(server: MailServer) -> None:
    mailbox, clock = enroll(server), DrivenClock()
    named = 0

    def every_second(situation: Situation) -> Action | None:
        nonlocal named
        named += situation.moment is Moment.MAIL
        is_refused = situation.moment is Moment.MAIL and named % 2 == 1
        return Reply("421 4.3.2 Too busy") if is_refused else None

    server.behaviour = every_second
    clock.run_through(NOW + timedelta(minutes=2))
    assert named >= 2 * PEOPLE - 1
    assert len(server.messages) == PEOPLE
    mailbox.refresh_from_db()
    assert (mailbox.breaker_state, mailbox.breaker_trips) == ("closed", 0)


def test_a_greylisting_server_gets_everything_on_the_second_try(server: MailServer) -> None:
    enroll(server)
    server.greylist()
    clock = DrivenClock()
    clock.run()
    assert server.messages == []
    assert set(Enrollment.objects.values_list("status", "retry_count")) == {("active", 1)}

    clock.run_through(NOW + timedelta(minutes=6))
    assert len(server.messages) == PEOPLE
    assert set(Enrollment.objects.values_list("status", "retry_count")) == {("completed", 0)}
    assert {server.attempts(enrollment.contact.email) for enrollment in Enrollment.objects.all()} == {2}


def test_a_stalled_server_delays_no_other_lane(server: MailServer, command_process: CommandProcess) -> None:
    """While one mailbox's server says nothing, all the others' mail leaves; several lanes at once in one process."""
    stall = Stall()
    with MailServer() as silent:
        silent.on(Moment.DATA, stall)
        stuck = enroll(silent, people=2)
        lanes = [enroll(server, people=3) for _ in range(3)]
        Enrollment.objects.update(wake_at=NOW, next_step_at=NOW)
        executor = command_process.start("run_executor")
        try:
            wait_until(stall.reached.is_set, "the silent server is asked")
            wait_until(lambda: len(server.messages) == 9, "the mail of the other lanes leaves")
            wait_until(lambda: Enrollment.objects.filter(status="completed").count() == 9, "they complete")
            assert EmailMessage.objects.get(status="sending").mailbox_id == stuck.pk
            assert {message.sender for message in server.messages} == {lane.address for lane in lanes}
        finally:
            kill(executor)
            stall.release()
