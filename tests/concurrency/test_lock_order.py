"""Two transactions that need the same rows lock them in one order: the second waits, and neither deadlocks."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from common.db import fetch_all
from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.models import EmailMessage, Mailbox, SendLimit
from emails.sending import final_check
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import LEASE_SECONDS, renew_leases, take_lane, wake_lanes
from emails.sending.results import Result, record_results
from emails.tracking.reclassify import classify_pending_visits
from emails.tracking.visits import CLASSIFIED_AFTER
from execution.control.replan_calendar import replanning
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from sequences.contacts.operations import change_row
from sequences.models import Contact, Enrollment
from tests.factories import (
    NOW,
    EmailEventFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SendLimitFactory,
    SentMessageFactory,
    SplitStepFactory,
    StepFactory,
)
from tests.faults.concurrent_work import ConcurrentWork
from tests.support.admin_pages import log_in_root

pytestmark = pytest.mark.django_db(transaction=True)

CHANGES: dict[str, Callable[[Client, SendLimit], Any]] = {
    "raised": lambda client, limit: client.post(
        reverse("admin:emails_sendlimit_change", args=[limit.pk]),
        {"scope": limit.scope, "window": limit.window, "maximum": limit.maximum + 1},
    ),
    "deleted": lambda client, limit: client.post(
        reverse("admin:emails_sendlimit_delete", args=[limit.pk]), {"post": "yes"}
    ),
    "deleted in the list": lambda client, limit: client.post(
        reverse("admin:emails_sendlimit_changelist"),
        {"action": "delete_selected", "_selected_action": [limit.pk], "post": "yes"},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changing_a_cap_while_a_lane_claims_does_not_deadlock(change: str) -> None:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace)
    EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
    limit = SendLimitFactory(workspace=step.workspace, scope="workspace", mailbox=None, maximum=5)
    run_tick(NOW, 10, Policy())
    lease = take_lane(NOW, "a worker")
    assert lease is not None
    client = log_in_root()
    answers = []
    with transaction.atomic():
        fetch_all(final_check._LANE, {"mailbox": lease.mailbox_id, "token": lease.token})
        person = ConcurrentWork(lambda: answers.append(CHANGES[change](client, limit))).start()
        person.run_until_blocked()
        chunk = claim_chunk(lease, NOW, 1)
    person.join()
    assert chunk.message_ids == (EmailMessage.objects.get().pk,)
    assert [answer.status_code for answer in answers] == [302]
    assert list(SendLimit.objects.values_list("maximum", flat=True)) == ([6] if change == "raised" else [])


def record_click(message: EmailMessage) -> None:
    click = NewEvent(EventType.CLICKED, "tests", "click", NOW, message_pk=message.pk)
    assert record_events([click], NOW) == 1


def settle_click(message: EmailMessage) -> None:
    assert classify_pending_visits(NOW) == 1


@pytest.mark.parametrize("tell", [record_click, settle_click])
def test_changing_a_contact_while_its_click_is_stored_does_not_deadlock(tell: Callable[[EmailMessage], None]) -> None:
    """They wait at a branch for a field, so that a change of the contact wakes them."""
    split = SplitStepFactory(
        condition_type="contact_field", condition_config={"field": "title", "operator": "is_set", "wait_hours": 48}
    )
    enrollment = EnrollmentFactory(sequence=split.sequence, current_step=split, wake_at=None)
    message = SentMessageFactory(enrollment=enrollment)
    if tell is settle_click:
        EmailEventFactory(
            message=message,
            type="clicked",
            verdict="pending",
            occurred_at=NOW - CLASSIFIED_AFTER,
            payload={"user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "method": "GET"},
        )
        EmailMessage.objects.update(handed_over_at=None)
    contact = Contact.objects.get()
    with transaction.atomic():
        Enrollment.objects.select_for_update(no_key=True).get(pk=enrollment.pk)
        fact = ConcurrentWork(lambda: tell(message)).start()
        fact.run_until_blocked()
        person = ConcurrentWork(lambda: change_row(contact, {"title": "CEO"}, NOW)).start()
        person.run_until_blocked()
    fact.join()
    person.join()
    contact.refresh_from_db()
    assert (contact.title, contact.score_due_at) == ("CEO", NOW)


def test_changing_a_time_zone_while_a_click_is_stored_does_not_deadlock() -> None:
    """Waiting enrollments are replanned, and locked for that."""
    step = StepFactory()
    enrollment = EnrollmentFactory(sequence=step.sequence)
    message = SentMessageFactory(enrollment=enrollment)
    contact = Contact.objects.get()
    with transaction.atomic():
        Enrollment.objects.select_for_update(no_key=True).get(pk=enrollment.pk)
        person = ConcurrentWork(lambda: change_zone(contact)).start()
        person.run_until_blocked()
        fact = ConcurrentWork(lambda: record_click(message)).start()
        fact.run_until_blocked()
    person.join()
    fact.join()
    contact.refresh_from_db()
    assert (contact.timezone, contact.score_due_at) == ("Asia/Tokyo", NOW)


def change_zone(contact: Contact) -> None:
    values = {"timezone": "Asia/Tokyo"}
    with replanning(contact, values, actor="ada", now=NOW):
        change_row(contact, values, NOW)


def test_renewing_leases_while_lanes_are_woken_does_not_deadlock() -> None:
    """Waking takes lanes in id order; renewed leases lie in the table in any order."""
    first, second, third = MailboxFactory.create_batch(3)
    for mailbox in (second, first):
        Mailbox.objects.filter(pk=mailbox.pk).update(display_name="moved to the end of the table")
    tokens = {mailbox.pk: uuid.uuid4() for mailbox in (first, second, third)}
    for pk, token in sorted(tokens.items(), reverse=True):
        Mailbox.objects.filter(pk=pk).update(lease_token=token, leased_until=NOW)
    with transaction.atomic():
        Mailbox.objects.select_for_update(no_key=True).get(pk=second.pk)
        renewing = ConcurrentWork(lambda: renew_leases(list(tokens.values()), NOW)).start()
        renewing.run_until_blocked()
        waking = ConcurrentWork(lambda: wake(first, second, third)).start()
        waking.run_until_blocked()
    renewing.join()
    waking.join()
    until = NOW + timedelta(seconds=LEASE_SECONDS)
    assert set(Mailbox.objects.values_list("leased_until", "lane_at")) == {(until, NOW)}


def wake(*mailboxes: Mailbox) -> None:
    with transaction.atomic():
        wake_lanes([mailbox.pk for mailbox in mailboxes], NOW)


def test_renewing_a_lease_while_results_are_recorded_does_not_deadlock() -> None:
    mailbox = MailboxFactory(lane_at=NOW)
    step = StepFactory(sequence__workspace=mailbox.workspace)
    message = EmailMessageFactory(enrollment=EnrollmentFactory(sequence=step.sequence, mailbox=mailbox))
    lease = take_lane(NOW, "a worker")
    assert lease is not None
    with transaction.atomic():
        chunk = claim_chunk(lease, NOW, 1)
    with transaction.atomic():
        EmailMessage.objects.select_for_update(no_key=True).get(pk=message.pk)
        renewing = ConcurrentWork(lambda: renew_leases([lease.token], NOW)).start()
        renewing.run_until_blocked()
        record_results(lease, [Result(message.pk, None, NOW)], chunk.breaker, NOW, 0.5)
    renewing.join()
    assert (EmailMessage.objects.get().status, Mailbox.objects.get().lane_at) == ("queued", NOW)
