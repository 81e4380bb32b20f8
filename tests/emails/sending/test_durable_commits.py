"""Marks and results are committed durably, whatever the database is set to; and a process knows what it committed."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from common.db import fetch_all
from emails.models import EmailMessage, Mailbox
from emails.pacing.breaker import Breaker
from emails.sending import journal
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import Lease, take_lane
from emails.sending.results import Result, record_results
from emails.transport.send_result import Sent
from tests.factories import NOW, EmailMessageFactory, MailboxFactory, StepFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_journal() -> None:
    journal._entries.clear()


def how_it_commits() -> str:
    mode: str = fetch_all("SELECT current_setting('synchronous_commit') AS mode", {})[0]["mode"]
    return mode


def lease() -> Lease:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, lane_at=NOW)
    EmailMessageFactory(enrollment__sequence=step.sequence, enrollment__mailbox=mailbox)
    taken = take_lane(NOW, "worker")
    assert taken is not None
    return taken


@pytest.mark.parametrize(
    ("configured", "then"),
    [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")],
)
def test_mark_and_result_wait_for_the_disk_and_never_for_less_than_configured(configured: str, then: str) -> None:
    held = lease()
    with connection.cursor() as cursor:
        cursor.execute(f"SET synchronous_commit = {configured}")
    try:
        with transaction.atomic():
            (message,) = claim_chunk(held, NOW, 1).message_ids
            assert how_it_commits() == then
        assert how_it_commits() == configured
        with transaction.atomic():
            record_results(held, [Result(message, Sent("", "250 ok"), NOW)], Breaker(), NOW, 0.5)
            assert how_it_commits() == then
    finally:
        connection.close()


def test_a_process_finds_that_the_ledger_has_forgotten_its_mark_or_its_result() -> None:
    held = lease()
    assert journal.count_forgotten() == 0
    with transaction.atomic():
        (message,) = claim_chunk(held, NOW, 1).message_ids
    assert journal.count_forgotten() == 0
    EmailMessage.objects.update(status="queued", lease_token=None, leased_until=None, handed_over_at=None)
    assert journal.count_forgotten() == 1, "the mark is lost: it would be sent again"

    Mailbox.objects.update(lease_token=held.token)
    with transaction.atomic():
        claim_chunk(held, NOW, 1)
    with transaction.atomic():
        record_results(held, [Result(message, Sent("", "250 ok"), NOW)], Breaker(), NOW, 0.5)
    assert journal.count_forgotten() == 0
    EmailMessage.objects.update(status="sending", lease_token=held.token, leased_until=NOW, sent_at=None)
    assert journal.count_forgotten() == 1, "the result is lost"
    EmailMessage.objects.all().delete()
    assert journal.count_forgotten() == 1, "the message is lost"


def test_what_was_rolled_back_was_never_noted() -> None:
    held = lease()
    with transaction.atomic():
        claim_chunk(held, NOW, 1)
        transaction.set_rollback(True)
    assert journal.count_forgotten() == 0
    assert EmailMessage.objects.get().status == "queued"
