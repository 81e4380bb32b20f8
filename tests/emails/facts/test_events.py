"""Facts from outside: stored exactly once, and what they wake, suppress, prove and leave unchanged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from emails.choices import BounceType, EventType, MessageStatus, Verdict
from emails.facts.events import NewEvent, record_events
from emails.models import EmailEvent, EmailMessage, Suppression
from execution.engine.policy import engine_policy
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from sequences.choices import AccountReplyPolicy
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    AccountFactory,
    CompletedEnrollmentFactory,
    ContactFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    PausedEnrollmentFactory,
    QuarantinedEnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.support.counting import count_statements

LATER = NOW + timedelta(hours=1)


def new_event(message: EmailMessage, kind: EventType = EventType.REPLIED, **values: Any) -> NewEvent:
    given = {"provider": "tests", "provider_event_id": f"{kind}-{message.pk}", "occurred_at": LATER, **values}
    return NewEvent(type=kind, message_pk=message.pk, **given)


def sent_message(**values: Any) -> EmailMessage:
    """A sent message of an enrollment without a wake time."""
    message: EmailMessage = SentMessageFactory(enrollment__wake_at=None, **values)
    return message


def wake_of(enrollment: Enrollment) -> Any:
    return Enrollment.objects.values_list("wake_at", flat=True).get(pk=enrollment.pk)


def decide() -> None:
    run_until_idle(Options(policy=engine_policy(), stage=Stage.DECIDE), lambda: LATER)


@pytest.mark.django_db
def test_the_same_fact_twice_is_one_fact() -> None:
    event = new_event(sent_message())
    assert record_events([event, event], LATER) == 1
    assert record_events([replace(event, detail="told again")], LATER + timedelta(hours=1)) == 0
    stored = EmailEvent.objects.get()
    assert (stored.detail, stored.recorded_at) == ("", LATER)


@pytest.mark.django_db
def test_a_known_fact_wakes_no_enrollment_again() -> None:
    message = sent_message()
    record_events([new_event(message)], LATER)
    Enrollment.objects.update(wake_at=None)
    record_events([new_event(message)], LATER + timedelta(hours=1))
    assert wake_of(message.enrollment) is None


def in_parallel(times: int, work: Callable[[int], int]) -> list[int]:
    """Each in a transaction and on a connection of its own, and all at the same moment."""
    gate = threading.Barrier(times)

    def run(number: int) -> int:
        try:
            connection.ensure_connection()
            gate.wait(timeout=30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.django_db(transaction=True)
def test_fifty_deliveries_of_one_fact_in_parallel_are_one() -> None:
    event = new_event(sent_message(), EventType.UNSUBSCRIBED)
    counts = in_parallel(10, lambda _: sum(record_events([event], LATER) for _ in range(5)))
    assert sum(counts) == 1
    assert EmailEvent.objects.count() == 1
    assert Suppression.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_batches_in_any_order_do_not_deadlock() -> None:
    message = sent_message()
    # many and large, so that without one order two of them meet in the middle
    batches = [
        [new_event(message, EventType.OPENED, provider_event_id=f"{number}:{n}") for n in range(500)]
        for number in range(8)
    ]
    counts = in_parallel(4, lambda n: sum(record_events(batch if n % 2 else batch[::-1], LATER) for batch in batches))
    assert sum(counts) == 8 * 500


@pytest.mark.django_db
def test_a_batch_of_facts_costs_as_many_statements_as_one() -> None:
    few, many = [sent_message()], [sent_message() for _ in range(20)]
    with count_statements() as one:
        record_events([new_event(message) for message in few], LATER)
    with count_statements() as twenty:
        record_events([new_event(message) for message in many], LATER)
    assert twenty.count == one.count


@pytest.mark.django_db
def test_a_fact_takes_what_it_does_not_know_from_its_message() -> None:
    message = sent_message()
    record_events([new_event(message)], LATER)
    event = EmailEvent.objects.get()
    assert (event.workspace, event.enrollment, event.contact, event.mailbox) == (
        message.workspace,
        message.enrollment,
        message.contact,
        message.mailbox,
    )


@pytest.mark.django_db
def test_a_fact_from_the_future_happened_now() -> None:
    record_events([new_event(sent_message(), occurred_at=LATER + timedelta(days=3))], LATER)
    assert EmailEvent.objects.get().occurred_at == LATER


@pytest.mark.django_db
def test_a_fact_about_an_unknown_message_is_not_stored() -> None:
    lost = NewEvent(EventType.OPENED, "tests", "1", LATER, message_pk=2**40)
    assert record_events([lost], LATER) == 0


@pytest.mark.django_db
def test_a_nul_byte_in_a_server_reply_is_stored() -> None:
    record_events([new_event(sent_message(), detail="a\x00b", payload={"text": "c\x00d"})], LATER)
    stored = EmailEvent.objects.get()
    assert (stored.detail, stored.payload) == ("ab", {"text": "cd"})


@pytest.mark.django_db
def test_a_reply_ends_all_enrollments_of_the_contact_also_paused_ones() -> None:
    message = sent_message()
    given = {"contact": message.contact, "mailbox": message.mailbox, "wake_at": None}
    sequence = {"sequence__workspace": message.workspace}
    StepFactory(sequence=message.enrollment.sequence)
    others: list[Enrollment] = [
        EnrollmentFactory(**sequence, **given),
        PausedEnrollmentFactory(**sequence, **given),
        QuarantinedEnrollmentFactory(**sequence, **given),
    ]
    ended = CompletedEnrollmentFactory(**sequence, **given)

    record_events([new_event(message)], LATER)

    assert [wake_of(each) for each in (message.enrollment, *others)] == [LATER] * 4
    assert wake_of(ended) is None
    decide()
    live = Enrollment.objects.filter(pk__in=[message.enrollment_id, *[each.pk for each in others]])
    assert set(live.values_list("status", "auto_exit_reason")) == {("replied", "replied")}
    ended.refresh_from_db()
    assert ended.status == "completed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (AccountReplyPolicy.IGNORE, "active"),
        (AccountReplyPolicy.DELAY, "paused"),
        (AccountReplyPolicy.PAUSE, "paused"),
        (AccountReplyPolicy.STOP, "auto_exited"),
    ],
)
def test_a_reply_affects_colleagues_by_the_workspace_policy(policy: AccountReplyPolicy, expected: str) -> None:
    workspace = WorkspaceFactory(account_reply_policy=policy.value)
    account = AccountFactory(workspace=workspace)
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=workspace)
    mine, colleague = (
        EnrollmentFactory(
            sequence=sequence,
            mailbox=mailbox,
            contact=ContactFactory(workspace=workspace, account=account),
            wake_at=None,
            next_step_at=LATER + timedelta(days=1),
        )
        for _ in range(2)
    )
    stranger = EnrollmentFactory(sequence=sequence, mailbox=mailbox, wake_at=None)

    record_events([new_event(SentMessageFactory(enrollment=mine))], LATER)

    assert wake_of(colleague) == (None if policy == AccountReplyPolicy.IGNORE else LATER)
    assert wake_of(stranger) is None
    decide()
    colleague.refresh_from_db()
    assert colleague.status == expected


@pytest.mark.django_db
def test_contacts_at_a_free_mail_provider_are_no_colleagues() -> None:
    workspace = WorkspaceFactory(account_reply_policy=AccountReplyPolicy.STOP.value)
    account = AccountFactory(workspace=workspace, domain="gmail.com")
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    mine, other = (
        EnrollmentFactory(
            sequence=sequence,
            contact=ContactFactory(workspace=workspace, account=account),
            next_step_at=LATER + timedelta(days=1),
        )
        for _ in range(2)
    )
    record_events([new_event(SentMessageFactory(enrollment=mine))], LATER)
    decide()
    other.refresh_from_db()
    assert other.status == "active"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [EventType.OPENED, EventType.CLICKED])
def test_a_machine_visit_wakes_no_enrollment(kind: EventType) -> None:
    message = sent_message()
    record_events([new_event(message, kind, verdict=Verdict.MACHINE, verdict_reason="a scanner")], LATER)
    assert wake_of(message.enrollment) is None
    assert EmailEvent.objects.get().verdict_reason == "a scanner"


@pytest.mark.django_db
def test_a_human_open_wakes_only_its_enrollment() -> None:
    message = sent_message()
    other = EnrollmentFactory(sequence__workspace=message.workspace, contact=message.contact, wake_at=None)
    record_events([new_event(message, EventType.OPENED)], LATER)
    assert wake_of(message.enrollment) == LATER
    assert wake_of(other) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "bounce_type", "expected"),
    [
        (EventType.BOUNCED, BounceType.HARD.value, "bounced"),
        (EventType.COMPLAINED, "", "complained"),
        (EventType.UNSUBSCRIBED, "", "unsubscribed"),
    ],
)
def test_opt_outs_complaints_and_hard_bounces_suppress_and_exit(
    kind: EventType, bounce_type: str, expected: str
) -> None:
    message = sent_message()
    other = EnrollmentFactory(sequence__workspace=message.workspace, contact=message.contact, wake_at=None)
    elsewhere = SentMessageFactory(contact=ContactFactory(email=message.contact.email), enrollment__wake_at=None)
    record_events([new_event(message, kind, bounce_type=bounce_type, detail="why")], LATER)
    suppression = Suppression.objects.get()
    assert (suppression.email, suppression.reason, suppression.note) == (message.recipient.lower(), expected, "why")
    assert suppression.workspace == message.workspace
    assert wake_of(elsewhere.enrollment) is None
    decide()
    other.refresh_from_db()
    assert (other.status, other.auto_exit_reason) == ("auto_exited", expected)


@pytest.mark.django_db
def test_a_soft_bounce_suppresses_no_address_and_the_third_pauses() -> None:
    message = sent_message()
    StepFactory(sequence=message.enrollment.sequence)
    for number in (1, 2, 3):
        soft = new_event(message, EventType.BOUNCED, bounce_type="soft", provider_event_id=str(number))
        record_events([soft], LATER)
    assert not Suppression.objects.exists()
    decide()
    message.enrollment.refresh_from_db()
    assert message.enrollment.status == "paused"
    assert "3 soft bounces" in message.enrollment.pause_reason


def absence(message: EmailMessage, written_at: datetime) -> list[NewEvent]:
    until = LATER + timedelta(days=5)
    return [new_event(message, EventType.AUTO_REPLIED, occurred_at=written_at, until_at=until)]


def mail_by_hand(message: EmailMessage, written_at: datetime) -> list[NewEvent]:
    return [new_event(message, EventType.HAND_WRITTEN, occurred_at=written_at)]


def soft_bounces(message: EmailMessage, written_at: datetime) -> list[NewEvent]:
    kind: dict[str, Any] = {"occurred_at": written_at, "bounce_type": "soft"}
    return [new_event(message, EventType.BOUNCED, provider_event_id=str(number), **kind) for number in range(3)]


def colleagues_reply(message: EmailMessage, written_at: datetime) -> list[NewEvent]:
    colleague = ContactFactory(workspace=message.workspace, account=message.contact.account)
    return [NewEvent(EventType.REPLIED, "tests", "reply", written_at, contact_id=colleague.pk)]


@pytest.mark.django_db
@pytest.mark.parametrize("write", [absence, mail_by_hand, soft_bounces, colleagues_reply])
@pytest.mark.parametrize(("is_read_before", "expected"), [(False, "paused"), (True, "completed")])
def test_a_fact_read_after_a_resume_pauses_even_if_it_is_older(
    write: Callable[[EmailMessage, datetime], list[NewEvent]], is_read_before: bool, expected: str
) -> None:
    """A resume overrules the facts that were known by then, and no others."""
    workspace = WorkspaceFactory(account_reply_policy="pause", hand_written_policy="pause")
    account = AccountFactory(workspace=workspace)
    sequence = StepFactory(sequence__workspace=workspace).sequence
    message = sent_message(enrollment__sequence=sequence, enrollment__contact__account=account)
    resumed_at = LATER - timedelta(minutes=2)
    facts = write(message, LATER - timedelta(minutes=30))

    if is_read_before:
        record_events(facts, resumed_at - timedelta(minutes=1))
    Enrollment.objects.update(resumed_at=resumed_at)
    if not is_read_before:
        record_events(facts, resumed_at + timedelta(minutes=1))
    decide()

    assert Enrollment.objects.get().status == expected


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [EventType.REPLIED, EventType.OPENED, EventType.DELIVERED])
def test_a_fact_proves_that_an_unknown_message_left(kind: EventType) -> None:
    message = EmailMessageFactory(
        enrollment__wake_at=None, status=MessageStatus.UNKNOWN.value, attempts=1, handed_over_at=NOW, unknown_at=NOW
    )
    record_events([new_event(message, kind)], LATER)
    message.refresh_from_db()
    assert (message.status, message.sent_at, message.resolved_by) == ("sent", NOW, "evidence:tests")
    enrollment = Enrollment.objects.get(pk=message.enrollment_id)
    assert (enrollment.emails_sent, enrollment.wake_at) == (1, LATER)


@pytest.mark.django_db
def test_a_message_being_sent_is_left_to_its_worker() -> None:
    message = EmailMessageFactory(
        status=MessageStatus.SENDING.value,
        attempts=1,
        handed_over_at=NOW,
        lease_token="00000000-0000-0000-0000-000000000001",
        leased_until=LATER + timedelta(seconds=30),
    )
    record_events([new_event(message, EventType.OPENED)], LATER)
    message.refresh_from_db()
    assert message.status == "sending"


@pytest.mark.django_db
def test_a_machine_open_proves_delivery_and_wakes_the_enrollment() -> None:
    message = EmailMessageFactory(
        enrollment__wake_at=None, status=MessageStatus.UNKNOWN.value, attempts=1, handed_over_at=NOW, unknown_at=NOW
    )
    record_events([new_event(message, EventType.OPENED, verdict=Verdict.MACHINE)], LATER)
    message.refresh_from_db()
    assert message.status == "sent"
    assert wake_of(message.enrollment) == LATER


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["half \ud800 a letter", "zero \x00 byte", "a written-out \\u0000 and \\ud800", "\\"])
def test_any_text_from_outside_can_be_stored(text: str) -> None:
    payload = {"text": text, text: [text, {"deep": text}], "number": float("nan")}
    event = new_event(sent_message(), provider_event_id=text, detail=text, payload=payload)
    assert record_events([event], LATER) == 1
    assert record_events([event], LATER) == 0
    stored = EmailEvent.objects.get()
    assert stored.payload["text"] == stored.detail == stored.provider_event_id
    assert stored.detail == text.replace("\x00", "").replace("\ud800", "?")
