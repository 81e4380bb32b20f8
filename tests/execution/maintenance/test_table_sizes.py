"""Table sizes through a week of enrolling and ending: deleted rows make room for new ones."""

from __future__ import annotations

import pytest
from django.db import connection

from benchmarks.churn import EMAILS_EACH, live
from emails.models import EmailMessage

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

COHORT, DAYS = 400, 7
# Day 1 brings the first people, and on the day after the third email theirs are the first texts and logs that go.
FULL = EMAILS_EACH + 1


def vacuum() -> None:
    """What autovacuum does when it thinks fit."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


def count_texts() -> int:
    return EmailMessage.objects.exclude(text="", html="").count()


def test_tables_keep_their_size_through_a_week() -> None:
    days, texts = [], []
    for day in live(COHORT, DAYS, vacuum):
        days.append(day)
        texts.append(count_texts())
    assert [day.emails for day in days] == [COHORT * min(day.number, EMAILS_EACH) for day in days]
    first, last = days[FULL], days[-1]

    logs = [day.tables["execution_executionlog"] for day in days]
    assert logs[-1].rows == logs[FULL].rows
    assert logs[-1].bytes <= logs[FULL].bytes
    assert texts[-1] == texts[FULL] < EmailMessage.objects.count()
    # rows that stay for good cost no more than those before them: nothing is left behind among them
    for table, size in last.tables.items():
        assert size.bytes_per_row <= first.tables[table].bytes_per_row * 1.05, table
