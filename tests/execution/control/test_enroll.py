"""Enrolling: the new enrollment, its log entry and first due time, and what the call as a whole refuses."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection

from emails.models import Mailbox
from execution.control.enroll import EnrollError, EnrollResult
from execution.models import ExecutionLog
from sequences.models import Enrollment, Sequence, Workspace
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    DelayStepFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    StepFactory,
    TaskStepFactory,
    WorkspaceFactory,
)
from tests.support.counting import count_statements
from tests.support.enrolling import enroll

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def sequence(workspace: Workspace) -> Sequence:
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    return sequence


@pytest.fixture
def mailbox(workspace: Workspace) -> Mailbox:
    return MailboxFactory(workspace=workspace)


def test_enrolling_starts_at_the_first_step_and_is_logged(sequence: Sequence, workspace: Workspace) -> None:
    owner = MembershipFactory(workspace=workspace).user
    mailbox = MailboxFactory(workspace=workspace, owner=owner)
    contact = ContactFactory(workspace=workspace)
    result = enroll(sequence, [contact], mailbox)
    enrollment = Enrollment.objects.get()
    assert result == EnrollResult((enrollment.pk,), ())
    first = sequence.steps.get()
    assert (enrollment.current_step, enrollment.visit, enrollment.status) == (first, 1, "active")
    assert (enrollment.mailbox, enrollment.owner, enrollment.workspace) == (mailbox, owner, workspace)
    assert {enrollment.enrolled_at, enrollment.previous_ended_at, enrollment.next_step_at, enrollment.wake_at} == {NOW}
    log = ExecutionLog.objects.get()
    assert (log.enrollment, log.action, log.actor, log.at) == (enrollment, "enrolled", "ada", NOW)
    assert (log.step_number, log.step_type, log.details) == (1, "email", {"mailbox": mailbox.address})


def test_enrolling_a_contact_twice_makes_one_enrollment(
    sequence: Sequence, workspace: Workspace, mailbox: Mailbox
) -> None:
    contact = ContactFactory(workspace=workspace)
    assert len(enroll(sequence, [contact, contact], mailbox).enrolled) == 1
    assert [left.code for left in enroll(sequence, [contact], mailbox).skipped] == ["already_in_sequence"]
    assert Enrollment.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "text"), [("draft", "is draft: activate it first"), ("archived", "is archived: use another one")]
)
def test_an_inactive_sequence_accepts_no_contacts(workspace: Workspace, status: str, text: str) -> None:
    sequence = SequenceFactory(workspace=workspace, status=status)
    with pytest.raises(EnrollError, match=text):
        enroll(sequence, [])


def test_a_paused_sequence_accepts_contacts_that_wait(workspace: Workspace, mailbox: Mailbox) -> None:
    sequence = SequenceFactory(workspace=workspace, status="paused", pause_reason="a holiday")
    StepFactory(sequence=sequence)
    assert len(enroll(sequence, [ContactFactory(workspace=workspace)], mailbox).enrolled) == 1


def test_a_sequence_without_steps_accepts_no_contacts(workspace: Workspace) -> None:
    with pytest.raises(EnrollError, match="has no steps"):
        enroll(SequenceFactory(workspace=workspace), [])


def test_a_mailbox_of_another_workspace_is_refused(sequence: Sequence, workspace: Workspace) -> None:
    with pytest.raises(EnrollError, match="is not of this workspace"):
        enroll(sequence, [ContactFactory(workspace=workspace)], MailboxFactory())


def test_the_owners_only_mailbox_is_taken(sequence: Sequence, workspace: Workspace) -> None:
    owner = MembershipFactory(workspace=workspace).user
    MailboxFactory(owner=owner)
    mailbox = MailboxFactory(workspace=workspace, owner=owner)
    enroll(sequence, [ContactFactory(workspace=workspace)], owner=owner)
    assert Enrollment.objects.get().mailbox == mailbox


def test_a_sequence_of_tasks_needs_no_mailbox(workspace: Workspace) -> None:
    sequence = SequenceFactory(workspace=workspace)
    TaskStepFactory(sequence=sequence)
    owner = MembershipFactory(workspace=workspace).user
    assert len(enroll(sequence, [ContactFactory(workspace=workspace)], owner=owner).enrolled) == 1


def test_the_first_step_is_planned_in_the_contacts_own_zone(workspace: Workspace, mailbox: Mailbox) -> None:
    sequence = SequenceFactory(workspace=workspace, window={"timezone": "contact", "mon-fri": ["09:00-17:00"]})
    StepFactory(sequence=sequence)
    people = {
        "berlin": ContactFactory(workspace=workspace, timezone="Europe/Berlin"),
        "los angeles": ContactFactory(
            workspace=workspace, account=AccountFactory(workspace=workspace, timezone="America/Los_Angeles")
        ),
        "nowhere": ContactFactory(workspace=workspace),
    }
    enroll(sequence, list(people.values()), mailbox)
    due = {name: Enrollment.objects.get(contact=contact).next_step_at for name, contact in people.items()}
    # Monday 10:00 UTC is 11:00 in Berlin, and 02:00 in Los Angeles (UTC-8 in March before the change).
    assert due == {"berlin": NOW, "los angeles": datetime(2026, 3, 2, 17, 0, tzinfo=UTC), "nowhere": NOW}


def test_holidays_and_windows_hold_emails_but_not_delays(mailbox: Mailbox) -> None:
    workspace = WorkspaceFactory(holiday_country="DE", extra_holidays=[NOW.date()], parallel_sequences=True)
    box = MailboxFactory(workspace=workspace)
    mails = SequenceFactory(workspace=workspace)
    StepFactory(sequence=mails)
    waits = SequenceFactory(workspace=workspace)
    DelayStepFactory(sequence=waits, delay_days=0, delay_hours=1)
    StepFactory(sequence=waits)
    contact = ContactFactory(workspace=workspace)
    enroll(mails, [contact], box)
    enroll(waits, [contact], box)
    assert Enrollment.objects.get(sequence=mails).next_step_at == datetime(2026, 3, 3, tzinfo=UTC)
    assert Enrollment.objects.get(sequence=waits).next_step_at == NOW + timedelta(hours=1)


def test_a_later_start_moves_the_first_step_and_an_earlier_one_does_not(
    sequence: Sequence, workspace: Workspace, mailbox: Mailbox
) -> None:
    later, earlier = ContactFactory(workspace=workspace), ContactFactory(workspace=workspace)
    enroll(sequence, [later], mailbox, start_at=NOW + timedelta(days=3))
    enroll(sequence, [earlier], mailbox, start_at=NOW - timedelta(days=3))
    assert Enrollment.objects.get(contact=later).next_step_at == NOW + timedelta(days=3)
    assert Enrollment.objects.get(contact=later).enrolled_at == NOW
    assert Enrollment.objects.get(contact=earlier).next_step_at == NOW


def test_hot_leads_have_priority(sequence: Sequence, workspace: Workspace, mailbox: Mailbox) -> None:
    Workspace.objects.update(parallel_sequences=True)
    cold, hot = (ContactFactory(workspace=workspace, engagement_score=score) for score in (34, 35))
    enroll(sequence, [cold, hot], mailbox)
    assert Enrollment.objects.get(contact=cold).priority == sequence.priority == 50
    assert Enrollment.objects.get(contact=hot).priority == 20
    urgent = SequenceFactory(workspace=workspace, priority=10)
    StepFactory(sequence=urgent)
    enroll(urgent, [hot], mailbox)
    assert Enrollment.objects.get(sequence=urgent).priority == 10


def test_a_batch_takes_the_same_number_of_statements_whatever_its_size(workspace: Workspace, mailbox: Mailbox) -> None:
    counts = []
    for people in (1, 50):
        sequence = SequenceFactory(workspace=workspace)
        StepFactory(sequence=sequence)
        contacts = ContactFactory.create_batch(people, workspace=workspace)
        with count_statements() as statements:
            assert len(enroll(sequence, contacts, mailbox).enrolled) == people
        counts.append(statements.count)
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_enroll_a_contact_once() -> None:
    workspace = WorkspaceFactory()
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=workspace)
    contacts = ContactFactory.create_batch(20, workspace=workspace)
    together = threading.Barrier(4)
    results: list[EnrollResult] = []

    def request(order: list[Any]) -> None:
        close_old_connections()
        try:
            together.wait(10)
            results.append(enroll(sequence, order, mailbox))
        finally:
            connection.close()

    threads = [threading.Thread(target=request, args=(order,)) for order in (contacts, contacts[::-1]) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 4
    assert sum(len(result.enrolled) for result in results) == 20
    assert sum(len(result.skipped) for result in results) == 60
    assert Enrollment.objects.count() == 20
