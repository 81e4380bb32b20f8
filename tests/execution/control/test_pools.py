"""Enrolling into a mailbox pool: each enrollment gets one mailbox, by which its first email leaves earliest."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from emails.models import MailboxPool
from execution.control.enroll import EnrollError, EnrollResult, enroll_contacts
from execution.models import ExecutionLog
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    ContactFactory,
    MailboxFactory,
    MembershipFactory,
    SendLimitFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    TaskStepFactory,
    UserFactory,
)
from tests.support.counting import count_statements
from tests.support.pools import make_pool

pytestmark = pytest.mark.django_db
WINDOW = {"timezone": "UTC", "mon-fri": ["09:00-17:00"]}


def make_mailbox(sequence: Any, daily: int | None = None, **fields: Any) -> Any:
    mailbox = MailboxFactory(workspace=sequence.workspace, **fields)
    if mailbox.owner is not None:
        MembershipFactory(user=mailbox.owner, workspace=sequence.workspace)
    if daily is not None:
        SendLimitFactory(mailbox=mailbox, maximum=daily)
    return mailbox


def enroll(sequence: Any, pool: MailboxPool, people: int, **more: Any) -> EnrollResult:
    contacts = [ContactFactory(workspace=sequence.workspace).pk for _ in range(people)]
    given: dict[str, Any] = {"mailbox": None, "owner": None, **more}
    return enroll_contacts(sequence=sequence, contact_ids=contacts, pool=pool, actor="ada", now=NOW, **given)


def spread(result: EnrollResult) -> list[int]:
    """How many enrollments each mailbox got, in the order of their ids."""
    counts = Counter(Enrollment.objects.filter(pk__in=result.enrolled).values_list("mailbox_id", flat=True))
    return [counts[pk] for pk in sorted(pk for pk in counts if pk)]


@pytest.fixture
def sequence() -> Any:
    made = SequenceFactory(window=WINDOW)
    StepFactory(sequence=made)
    return made


def test_contacts_are_spread_by_what_each_mailbox_has_left(sequence: Any) -> None:
    full, half, free = (make_mailbox(sequence, daily=10) for _ in range(3))
    for mailbox, sent in ((full, 10), (half, 6)):
        for _ in range(sent):
            row = CompletedEnrollmentFactory(sequence=sequence, mailbox=mailbox)
            SentMessageFactory(enrollment=row, mailbox=mailbox, handed_over_at=NOW - timedelta(hours=1))
    result = enroll(sequence, make_pool(sequence.workspace, full, half, free), 14)
    counts = Counter(Enrollment.objects.filter(pk__in=result.enrolled).values_list("mailbox_id", flat=True))
    assert counts == {half.pk: 4, free.pk: 10}
    # the day is full: the next ones are spread over the next day
    later = enroll(sequence, make_pool(sequence.workspace, full, half, free, name="All"), 30)
    assert spread(later) == [10, 10, 10]


def test_ramps_spacing_breakers_and_queues_count_too(sequence: Any) -> None:
    slow = make_mailbox(sequence, gap_seconds=7_200, jitter_seconds=0)
    ramping = make_mailbox(sequence, ramp_enabled=True, ramp_start=3, ramp_step=1)
    tripped = make_mailbox(sequence, breaker_state="open", breaker_failures=5, breaker_until=NOW + timedelta(hours=30))
    free = make_mailbox(sequence, daily=20)
    enroll_contacts(
        sequence=sequence, contact_ids=[ContactFactory(workspace=sequence.workspace).pk for _ in range(15)],
        mailbox=free, owner=None, actor="ada", now=NOW,
    )  # fmt: skip
    result = enroll(sequence, make_pool(sequence.workspace, slow, ramping, tripped, free), 12)
    counts = Counter(Enrollment.objects.filter(pk__in=result.enrolled).values_list("mailbox_id", flat=True))
    # from 10:00 to 17:00 every two hours; the first day of a ramp; what the queue leaves of twenty
    assert counts == {slow.pk: 4, ramping.pk: 3, free.pk: 5}


def test_follow_ups_that_do_not_fit_lead_to_another_mailbox(sequence: Any) -> None:
    StepFactory(sequence=sequence, delay_days=1)
    busy_tomorrow, free = make_mailbox(sequence, daily=5), make_mailbox(sequence, daily=5)
    enroll_contacts(
        sequence=sequence, contact_ids=[ContactFactory(workspace=sequence.workspace).pk for _ in range(5)],
        mailbox=busy_tomorrow, owner=None, actor="ada", now=NOW, start_at=NOW + timedelta(days=1),
    )  # fmt: skip
    result = enroll(sequence, make_pool(sequence.workspace, busy_tomorrow, free), 4)
    assert set(Enrollment.objects.filter(pk__in=result.enrolled).values_list("mailbox_id", flat=True)) == {free.pk}


def test_only_mailboxes_that_can_send_are_chosen(sequence: Any) -> None:
    paused = make_mailbox(sequence, status="paused", status_reason="on leave")
    broken = make_mailbox(sequence, status="broken", status_reason="login refused")
    off = make_mailbox(sequence, daily=0)
    gone = MailboxFactory(workspace=sequence.workspace, owner=UserFactory(is_active=False))
    usable = make_mailbox(sequence)
    pool = make_pool(sequence.workspace, paused, broken, off, gone, usable)
    assert spread(enroll(sequence, pool, 6)) == [6]
    usable.status, usable.status_reason = "paused", "x"
    usable.save()
    before = Enrollment.objects.count()
    with pytest.raises(EnrollError, match="the pool 'West' has no mailbox that can send"):
        enroll(sequence, pool, 2)
    assert Enrollment.objects.count() == before


def test_the_owner_is_the_mailboxs_unless_one_is_named(sequence: Any) -> None:
    TaskStepFactory(sequence=sequence)
    one, two = (make_mailbox(sequence, owner=UserFactory()) for _ in range(2))
    shared = make_mailbox(sequence)
    pool, ada = make_pool(sequence.workspace, one, two, shared), MembershipFactory(workspace=sequence.workspace).user
    rows = Enrollment.objects.filter(pk__in=enroll(sequence, pool, 6, stand_in=ada).enrolled)
    owners = {one.pk: one.owner_id, two.pk: two.owner_id, shared.pk: ada.pk}
    assert {row.mailbox_id: row.owner_id for row in rows} == owners
    assert {row.pool_id for row in rows} == {pool.pk}
    # without a stand-in the tasks of the shared one would have no owner
    assert spread(enroll(sequence, pool, 6)) == [3, 3]
    named = Enrollment.objects.filter(pk__in=enroll(sequence, pool, 6, owner=ada).enrolled)
    assert {row.owner_id for row in named} == {ada.pk}
    line = ExecutionLog.objects.filter(enrollment=rows[0].pk, action="enrolled").get()
    assert line.details == {"mailbox": rows[0].mailbox.address, "pool": "West"}


def test_the_time_zone_of_the_mailbox_plans_the_first_step() -> None:
    made = SequenceFactory(window={"timezone": "contact", "mon-fri": ["09:00-17:00"]})
    StepFactory(sequence=made)
    tokyo, kiritimati = (make_mailbox(made, daily=1, timezone=zone) for zone in ("Asia/Tokyo", "Pacific/Kiritimati"))
    contacts = [ContactFactory(workspace=made.workspace, timezone="", account=None).pk for _ in range(2)]
    pool = make_pool(made.workspace, tokyo, kiritimati)
    result = enroll_contacts(
        sequence=made, contact_ids=contacts, mailbox=None, owner=None, pool=pool, actor="ada", now=NOW
    )
    rows = Enrollment.objects.filter(pk__in=result.enrolled)
    due = {row.mailbox.timezone: (row.next_step_at, row.wake_at) for row in rows}
    assert len(due) == 2
    at = {zone: NOW.replace(hour=0) + offset for zone, offset in (
        ("Asia/Tokyo", timedelta(days=1)), ("Pacific/Kiritimati", timedelta(hours=19)))}  # fmt: skip
    assert due == {zone: (when, when) for zone, when in at.items()}


def test_the_same_pool_gives_the_same_answer_and_statements_do_not_grow(sequence: Any) -> None:
    pool = make_pool(sequence.workspace, *(make_mailbox(sequence, daily=7) for _ in range(3)))
    paused = SequenceFactory(workspace=sequence.workspace, status="paused", pause_reason="x", window=WINDOW)
    StepFactory(sequence=paused)
    assert spread(enroll(paused, pool, 9)) == [3, 3, 3]
    counts = []
    for people in (3, 30):
        contacts = [ContactFactory(workspace=sequence.workspace).pk for _ in range(people)]
        with count_statements() as statements:
            enroll_contacts(
                sequence=sequence, contact_ids=contacts, mailbox=None, owner=None, pool=pool, actor="ada", now=NOW
            )
        counts.append(statements.count)
    assert counts[0] == counts[1]


def test_a_mailbox_and_a_pool_cannot_both_be_named(sequence: Any) -> None:
    mailbox = make_mailbox(sequence)
    with pytest.raises(EnrollError, match="name one of them"):
        enroll(sequence, make_pool(sequence.workspace, mailbox), 1, mailbox=mailbox)
    foreign = make_pool(SequenceFactory().workspace, name="Foreign")
    with pytest.raises(EnrollError, match="not of this workspace"):
        enroll(sequence, foreign, 1)
