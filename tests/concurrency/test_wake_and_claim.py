"""Engines, facts and users at the same rows at the same time: nothing is missed, nothing happens twice (P1, P4)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.models import EmailEvent, EmailMessage
from execution.control import edit as editing
from execution.control import replan_edit as following
from execution.control.enroll import EnrollResult, enroll_contacts
from execution.control.enrollments import pause_enrollments, skip_steps
from execution.control.switches import pause_sequence
from execution.engine import loading
from execution.engine import tick as engine
from execution.engine.backoff import Policy
from execution.engine.claim import claim_by_id, claim_due
from execution.engine.tick import run_tick
from execution.models import ExecutionLog
from sequences.authoring.queries import load_draft
from sequences.models import Enrollment, Sequence
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    SentMessageFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.faults.concurrent_work import ConcurrentWork

pytestmark = pytest.mark.django_db(transaction=True)
SAM = "sam@acme.example"


def in_parallel(times: int, work: Callable[[int], Any]) -> list[Any]:
    """All start at the same moment, each on a connection of its own."""
    start = threading.Barrier(times)

    def run(number: int) -> Any:
        try:
            start.wait(30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def waiting_for_an_open() -> Enrollment:
    """Its email was sent, and a branch waits two days for an open."""
    sequence = SequenceFactory()
    step = StepFactory(sequence=sequence)
    split = SplitStepFactory(sequence=sequence)
    after = TaskStepFactory(sequence=sequence)
    split.if_true_goto = after
    split.save(update_fields=["if_true_goto"])
    enrollment: Enrollment = EnrollmentFactory(sequence=sequence, current_step=split, visit=2, emails_sent=1)
    SentMessageFactory(enrollment=enrollment, step=step, visit=1)
    return enrollment


@pytest.mark.parametrize(
    ("owner", "name"), [(loading, "load_step_facts"), (engine, "decide"), (engine, "apply_outcomes")]
)
def test_a_fact_stored_during_a_tick_is_processed(owner: Any, name: str) -> None:
    """Committed between claim and commit, it waits for the row and wakes it again: an open does not wait two days."""
    enrollment = waiting_for_an_open()
    message = EmailMessage.objects.get()
    opened = NewEvent(EventType.OPENED, "tests", "1", NOW, message_pk=message.pk)
    others: list[ConcurrentWork] = []
    run = getattr(owner, name)

    def during(*args: Any) -> Any:
        answer = run(*args)
        if not others:
            others.append(ConcurrentWork(lambda: record_events([opened], NOW)).start())
            others[0].run_until_blocked()
            assert others[0].is_waiting, "the wake must wait for the tick"
        return answer

    with mock.patch.object(owner, name, during):
        run_tick(NOW, 10, Policy())
    others[0].join()
    enrollment.refresh_from_db()
    assert enrollment.wake_at is not None
    assert enrollment.wake_at <= NOW

    run_tick(NOW, 10, Policy())
    log = ExecutionLog.objects.get(enrollment=enrollment, action="branched")
    assert log.details["answer"] is True


def test_the_same_event_fifty_times_at_once_is_one_fact() -> None:
    enrollment = waiting_for_an_open()
    message = EmailMessage.objects.get()
    reply = NewEvent(EventType.REPLIED, "esp", "evt_1", NOW, message_pk=message.pk, contact_id=enrollment.contact_id)

    new = in_parallel(25, lambda _: record_events([reply, reply], NOW))

    assert sum(new) == 1
    assert EmailEvent.objects.count() == 1
    run_tick(NOW, 10, Policy())
    enrollment.refresh_from_db()
    assert enrollment.status == "replied"
    assert ExecutionLog.objects.filter(enrollment=enrollment, action="exited").count() == 1


def test_many_engines_take_every_row_once() -> None:
    """Eight ticks at once over the same rows: each email is queued once and logged once."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=sequence.workspace)
    for _ in range(120):
        EnrollmentFactory(sequence=sequence, mailbox=mailbox)

    def work(_: int) -> int:
        claimed = 0
        while tick := run_tick(NOW, 7, Policy()).claimed:
            claimed += tick
        return claimed

    claimed = in_parallel(8, work)
    while run_tick(NOW, 50, Policy()).claimed:
        pass

    assert sum(claimed) <= 120
    assert EmailMessage.objects.count() == 120
    queued = Counter(ExecutionLog.objects.filter(action="queued").values_list("enrollment_id", flat=True))
    assert (len(queued), set(queued.values())) == (120, {1})


def test_a_locked_row_is_passed_over_and_found_again() -> None:
    held = EnrollmentFactory()
    free = EnrollmentFactory()
    with transaction.atomic():
        claim_by_id([held.pk])
        found: list[int] = []

        def claim() -> None:
            with transaction.atomic():
                found.extend(snapshot.id for snapshot in claim_due(NOW, 10))

        with ConcurrentWork(claim):
            pass
        assert found == [free.pk]
    with transaction.atomic():
        assert {snapshot.id for snapshot in claim_due(NOW, 10)} == {held.pk, free.pk}


def test_many_concurrent_requests_enroll_a_contact_once() -> None:
    """The database has the last word: one live enrollment per contact and sequence."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    member = MembershipFactory(workspace=sequence.workspace)
    mailbox = MailboxFactory(workspace=sequence.workspace, owner=member.user)
    contacts = [ContactFactory(workspace=sequence.workspace) for _ in range(5)]

    ids = [contact.pk for contact in contacts]

    def enroll(_: int) -> EnrollResult:
        return enroll_contacts(
            sequence=sequence, contact_ids=ids, mailbox=mailbox, owner=member.user, actor=SAM, now=NOW
        )

    answers = in_parallel(8, enroll)

    assert Enrollment.objects.count() == 5
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"active"}
    assert ExecutionLog.objects.filter(action="enrolled").count() == 5
    assert sum(len(answer.enrolled) for answer in answers) == 5


def test_two_users_take_the_same_action_at_once() -> None:
    """Pausing twice is once, with one entry in the log that says who was first."""
    enrollment = EnrollmentFactory(current_step=StepFactory())
    reports = in_parallel(6, lambda n: pause_enrollments([enrollment.pk], actor=f"user{n}", now=NOW))
    assert sum(len(report.changed) for report in reports) == 1
    assert sum(len(report.unchanged) for report in reports) == 5
    assert ExecutionLog.objects.filter(enrollment=enrollment, action="paused").count() == 1


def test_a_user_skips_a_step_while_the_engine_runs_it() -> None:
    """The second one sees what the first did: the step is executed or skipped, never both."""
    sequence = SequenceFactory()
    for _ in range(3):
        TaskStepFactory(sequence=sequence)
    people = [EnrollmentFactory(sequence=sequence) for _ in range(20)]
    ids = [person.pk for person in people]

    def work(number: int) -> None:
        if number == 0:
            skip_steps(ids, actor=SAM, now=NOW)
        else:
            run_tick(NOW, 20, Policy())

    in_parallel(3, work)
    while run_tick(NOW + timedelta(seconds=1), 100, Policy()).claimed:
        pass
    for person in people:
        steps = ExecutionLog.objects.filter(enrollment=person, action__in=["executed", "skipped"])
        assert sorted(steps.values_list("step_number", flat=True)) == [1, 2, 3]
        person.refresh_from_db()
        assert (person.status, person.steps_completed) == ("completed", 3)


def test_simultaneous_replies_of_colleagues_do_not_deadlock() -> None:
    """Each reply locks the rows of all contacts of the account, in the same order."""
    account = AccountFactory(workspace__account_reply_policy="stop")
    sequence = SequenceFactory(workspace=account.workspace)
    StepFactory(sequence=sequence)
    people = [EnrollmentFactory(sequence=sequence, contact__account=account) for _ in range(8)]

    def reply(number: int) -> int:
        event = NewEvent(EventType.REPLIED, "tests", str(number), NOW, contact_id=people[number].contact_id)
        return record_events([event], NOW)

    assert in_parallel(8, reply) == [1] * 8
    run_tick(NOW, 100, Policy())
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"replied"}


def test_a_sequence_can_be_edited_and_paused_at_once() -> None:
    """Both lock the sequence before its people: neither is broken off as a deadlock."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    EnrollmentFactory(sequence=sequence)
    draft = replace(load_draft(sequence), description="edited")
    others: list[ConcurrentWork] = []
    lock = following.lock_waiting

    def lock_and_pause(sequence_id: int) -> Any:
        locked = lock(sequence_id)
        others.append(ConcurrentWork(lambda: pause_sequence(sequence, actor=SAM, now=NOW)).start())
        others[0].run_until_blocked()
        return locked

    with mock.patch.object(editing, "lock_waiting", lock_and_pause):
        editing.edit_sequence(Sequence.objects.get(), draft, editing.EditOptions(), actor=SAM, now=NOW)
    others[0].join()
    stored = Sequence.objects.get()
    assert (stored.description, stored.status) == ("edited", "paused")
