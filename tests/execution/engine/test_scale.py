"""10,000 due enrollments in one run: the same few statements per batch, and no memory kept (P6)."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta
from typing import Any

import psutil
import pytest
from django.db import connection

from emails.models import EmailMessage
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.support.counting import count_statements

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

PEOPLE, BATCH = 10_000, 500
# With the savepoint and its release, which stand here for the begin and the commit of the engine.
MOST_STATEMENTS = 10 + 2


def clone(enrollment: Enrollment, count: int) -> None:
    """That many more like this one, each with a contact of its own, in two statements."""
    with connection.cursor() as cursor:
        columns = _columns(cursor, "sequences_contact", "email")
        cursor.execute(
            f"INSERT INTO sequences_contact (email, {columns}) SELECT 'person' || n || '@many.example', {columns} "
            "FROM sequences_contact, generate_series(1, %s) n WHERE id = %s",
            [count, enrollment.contact_id],
        )
        columns = _columns(cursor, "sequences_enrollment", "contact_id")
        cursor.execute(
            f"INSERT INTO sequences_enrollment (contact_id, {columns}) "
            f"SELECT c.contact_id, {columns} FROM sequences_enrollment e, "
            "(SELECT id AS contact_id FROM sequences_contact WHERE email LIKE %s) c WHERE e.id = %s",
            ["person%@many.example", enrollment.pk],
        )
        cursor.execute("ANALYZE")


def _columns(cursor: Any, table: str, changed: str) -> str:
    cursor.execute(
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND column_name NOT IN ('id', %s)",
        [table, changed],
    )
    found: str = cursor.fetchone()[0]
    return found


def one_in(step: Any, **fields: Any) -> Enrollment:
    enrollment: Enrollment = EnrollmentFactory(
        sequence=step.sequence,
        current_step=step,
        mailbox=MailboxFactory(workspace=step.sequence.workspace),
        contact=ContactFactory(workspace=step.sequence.workspace),
        **fields,
    )
    return enrollment


def count_for_one_tick(limit: int) -> int:
    with count_statements() as statements:
        assert run_tick(NOW, limit, Policy()).claimed == limit
    return statements.count


@pytest.mark.timeout(600)
def test_ten_thousand_emails_are_queued_in_even_batches_with_flat_memory() -> None:
    clone(one_in(StepFactory()), PEOPLE - 1)
    process = psutil.Process()
    counts: set[int] = set()
    kept: dict[int, int] = {}
    resident: dict[int, int] = {}
    tracemalloc.start()
    try:
        for batch in range(1, PEOPLE // BATCH + 1):
            counts.add(count_for_one_tick(BATCH))
            gc.collect()
            kept[batch], resident[batch] = tracemalloc.get_traced_memory()[0], process.memory_info().rss
    finally:
        tracemalloc.stop()

    assert run_tick(NOW, BATCH, Policy()).claimed == 0
    assert EmailMessage.objects.filter(status="queued").count() == PEOPLE
    assert len(counts) == 1, "every batch costs the same statements"
    assert max(counts) <= MOST_STATEMENTS
    assert kept[20] - kept[5] < 1_000_000, "nothing of a batch is kept"
    assert resident[20] - resident[5] < 30_000_000


@pytest.mark.parametrize("kind", ["email", "sent email", "task", "split", "quarantine", "wait"])
def test_a_hundred_rows_take_the_statements_of_one(kind: str) -> None:
    """Whatever the outcome of the rows, and whatever the size of the batch."""
    counts = []
    for size in (1, 100):
        Enrollment.objects.update(wake_at=None)
        first = _ready_for(kind)
        if size > 1:
            clone(first, size - 1)
        if kind == "sent email":
            for person in Enrollment.objects.filter(sequence=first.sequence):
                SentMessageFactory(enrollment=person, step=person.current_step, visit=person.visit)
        counts.append(count_for_one_tick(size))
        Enrollment.objects.filter(contact__email__startswith="person").delete()
    assert counts[0] == counts[1]
    assert counts[1] <= MOST_STATEMENTS


def _ready_for(kind: str) -> Enrollment:
    sequence = SequenceFactory()
    match kind:
        case "email" | "sent email":
            step = StepFactory(sequence=sequence)
            StepFactory(sequence=sequence)
        case "task":
            step = TaskStepFactory(sequence=sequence)
            StepFactory(sequence=sequence)
        case "split":
            step = SplitStepFactory(sequence=sequence, condition_config={"wait_hours": 0})
        case "quarantine":
            step = StepFactory(sequence=sequence, body="Hello {{ contact.nickname }}")
        case _:
            step = StepFactory(sequence=sequence)
            return one_in(step, next_step_at=NOW + timedelta(days=1), wake_at=NOW)
    return one_in(step)
