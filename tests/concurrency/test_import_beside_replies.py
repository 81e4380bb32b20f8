"""Imports beside what locks the same rows in another order: nothing is lost, and both come to their end."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from common.db import execute
from common.deadlocks import retry_deadlocks
from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from sequences.contacts import csv_import
from sequences.contacts.csv_import import import_contacts
from sequences.contacts.operations import wake_waiting_for_fields
from sequences.enrollment_sql import lock_enrollments
from sequences.models import Contact, Enrollment
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    SplitStepFactory,
)
from tests.faults.concurrent_work import ConcurrentWork

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


def waiting(number: int) -> list[Enrollment]:
    """Enrollments that wait at a branch on a contact field, so that importing their contacts wakes them."""
    sequence = SequenceFactory()
    step = SplitStepFactory(
        sequence=sequence,
        condition_type="contact_field",
        condition_config={"field": "stage", "operator": "equals", "value": "won", "wait_hours": 48},
    )
    return [EnrollmentFactory(sequence=sequence, current_step=step, wake_at=None) for _ in range(number)]


def file_of(contacts: list[Contact], stage: str) -> bytes:
    return ("email,stage\n" + "".join(f"{contact.email},{stage}\n" for contact in contacts)).encode()


def test_an_import_that_loses_a_deadlock_is_done_again_as_a_whole(tmp_path: Path) -> None:
    (enrollment,) = waiting(1)
    other = ContactFactory.build().email
    file = tmp_path / "contacts.csv"
    file.write_bytes(file_of([enrollment.contact], "won") + f"{other},new\n".encode())
    output = StringIO()
    command = ("import_contacts", str(file), "--workspace", enrollment.workspace.slug, "--json")
    with transaction.atomic():
        # the other transaction finds the deadlock first
        execute("SET LOCAL deadlock_timeout = '60s'", {})
        lock_enrollments([enrollment.pk])
        work = ConcurrentWork(lambda: call_command(*command, stdout=output, stderr=StringIO())).start()
        work.run_until_blocked()
        execute("UPDATE sequences_contact SET title = 'CEO' WHERE id = %(id)s", {"id": enrollment.contact_id})
    work.join()
    assert json.loads(output.getvalue()) == {"created": 1, "updated": 1, "rejected": []}
    contact = Contact.objects.get(pk=enrollment.contact_id)
    assert (contact.title, contact.fields) == ("CEO", {"stage": "won"})
    assert Contact.objects.filter(email=other).count() == 1
    enrollment.refresh_from_db()
    assert enrollment.wake_at is not None


def test_enrollments_are_woken_once_after_the_last_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "BATCH_ROWS", 2)
    calls: list[list[int]] = []

    def wake(contact_ids: Sequence[int], now: datetime) -> None:
        calls.append(list(contact_ids))
        wake_waiting_for_fields(contact_ids, now)

    monkeypatch.setattr(csv_import, "wake_waiting_for_fields", wake)
    contacts = [enrollment.contact for enrollment in waiting(5)]
    import_contacts(contacts[0].workspace_id, "x.csv", io.BytesIO(file_of(contacts, "won")), NOW)
    assert [sorted(ids) for ids in calls] == [sorted(contact.pk for contact in contacts)]
    assert Enrollment.objects.filter(wake_at=NOW).count() == 5


def test_imports_and_replies_at_the_same_time_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "BATCH_ROWS", 3)
    enrollments = waiting(24)
    messages: list[Any] = [SentMessageFactory(enrollment=enrollment) for enrollment in enrollments]
    contacts = [enrollment.contact for enrollment in enrollments]
    start = threading.Barrier(4)

    def imports(stage: str, chosen: list[Contact]) -> None:
        content = file_of(chosen, stage)
        for _ in range(3):
            retry_deadlocks(
                lambda: import_contacts(chosen[0].workspace_id, "x.csv", io.BytesIO(content), timezone.now())
            )

    def replies(chosen: list[Any]) -> None:
        for message in chosen:
            event = NewEvent(
                type=EventType.REPLIED,
                provider="tests",
                provider_event_id=f"reply:{message.pk}",
                occurred_at=NOW,
                message_pk=message.pk,
            )

            def store(event: NewEvent = event) -> None:
                with transaction.atomic():
                    record_events([event], NOW)

            retry_deadlocks(store)

    def run(work: Any, *args: Any) -> None:
        try:
            start.wait(60)
            work(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(run, imports, "won", contacts),
            pool.submit(run, imports, "lost", contacts[::-1]),
            pool.submit(run, replies, messages[:12]),
            pool.submit(run, replies, messages[:11:-1]),
        ]
        for job in jobs:
            job.result()
    assert all(contact.fields["stage"] in {"won", "lost"} for contact in Contact.objects.all())
    assert not Enrollment.objects.filter(wake_at=None).exists(), "each is woken by its reply or its field"
