"""Whether the tables keep their size: `python -m benchmarks.churn`. Simulates days of enrolling and ending.

Every day a cohort is enrolled, each gets an email a day for three days and ends; the real engine decides, what is in
the outbox is recorded as sent as the lanes do, and retention deletes what ended the day before. A day takes
seconds here, so autovacuum looks every second: as often for its rows as in a real day, or less. What is kept for good
(people, rows of messages and events) makes tables longer; what it takes for each row must not grow.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.start import set_up

EMAILS_EACH = 3
_CHUNK = 500

_COHORT_CONTACTS = """
INSERT INTO sequences_contact (workspace_id, email, first_name, last_name, title, phone, timezone, fields,
    engagement_score, created_at, updated_at)
SELECT w.id, 'person' || %(day)s || '.' || n || '@firm' || n %% 500 || '.example', 'First', 'Last', '', '', '', '{}', 0,
       now(), now()
FROM sequences_workspace w, generate_series(1, %(people)s) n
"""
_COHORT = """
INSERT INTO sequences_enrollment (workspace_id, sequence_id, contact_id, mailbox_id, status, current_step_id, visit,
    previous_ended_at, next_step_at, wake_at, priority, retry_count, last_error, instant_transitions, pause_reason,
    paused_by, emails_sent, steps_completed, auto_exit_reason, enrolled_at, updated_at)
SELECT c.workspace_id, t.sequence_id, c.id, b.id, 'active', t.id, 1, %(now)s, %(now)s, %(now)s, 50, 0, '', 0, '', '', 0,
       0, '', %(now)s, %(now)s
FROM sequences_contact c JOIN sequences_step t ON t.number = 1 JOIN emails_mailbox b ON b.workspace_id = c.workspace_id
WHERE c.email LIKE 'person' || %(day)s || '.%%' ORDER BY c.id
"""
_HAND_OVER = """
UPDATE emails_emailmessage SET status = 'sending', lease_token = gen_random_uuid(), leased_until = %(now)s,
    handed_over_at = %(now)s, attempts = attempts + 1
WHERE id IN (SELECT id FROM emails_emailmessage WHERE status = 'queued' LIMIT %(chunk)s) RETURNING id
"""
_SENT = """
UPDATE emails_emailmessage SET status = 'sent', sent_at = %(now)s, subject = 'Quick question',
    text = repeat('word ', 200), html = repeat('<p>word</p>', 150), lease_token = NULL, leased_until = NULL
WHERE id = ANY(%(ids)s)
"""
_WAKE = """
UPDATE sequences_enrollment SET wake_at = %(now)s, emails_sent = emails_sent + 1
WHERE id IN (SELECT enrollment_id FROM emails_emailmessage WHERE id = ANY(%(ids)s))
"""
_OPENED = """
INSERT INTO emails_emailevent (workspace_id, enrollment_id, contact_id, message_id, type, bounce_type, provider,
    provider_event_id, occurred_at, recorded_at, verdict, verdict_reason, detail, payload)
SELECT workspace_id, enrollment_id, contact_id, id, 'opened', '', 'tracking', id::text, %(now)s, %(now)s, 'human', '',
       '', '{}' FROM emails_emailmessage WHERE id = ANY(%(ids)s) AND id %% 2 = 0
"""
_TABLE = """
SELECT pg_table_size('{table}') AS bytes, pg_indexes_size('{table}') AS index_bytes, count(*) AS rows,
       (SELECT autovacuum_count FROM pg_stat_user_tables WHERE relid = '{table}'::regclass) AS vacuums
FROM {table}
"""


@dataclass(frozen=True, slots=True)
class Size:
    """Of one table, with rows that vacuum has not freed. `vacuums`: autovacuum runs since the first day."""

    bytes: int
    index_bytes: int
    rows: int
    vacuums: int

    @property
    def bytes_per_row(self) -> float:
        return (self.bytes + self.index_bytes) / max(self.rows, 1)


@dataclass(frozen=True, slots=True)
class Day:
    """The emails sent on it, and the sizes of the hot tables at its end."""

    number: int
    emails: int
    seconds: float
    tables: Mapping[str, Size]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.churn", description=__doc__)
    parser.add_argument("--people", type=int, default=50_000, help="under way at once (default 50,000)")
    parser.add_argument("--days", type=int, default=7, help="default 7")
    options = parser.parse_args()
    set_up()
    with _eager_autovacuum():
        for day in live(options.people // EMAILS_EACH, options.days):
            _print_day(day)
    return 0


@contextmanager
def _eager_autovacuum() -> Iterator[None]:
    """On the whole server of the benchmarks, until the end."""
    from django.db import connection

    def run(*statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    run("ALTER SYSTEM SET autovacuum_naptime = '1s'", "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        run("ALTER SYSTEM RESET autovacuum_naptime", "SELECT pg_reload_conf()")


def live(cohort: int, days: int, at_night: Callable[[], None] = lambda: None) -> Iterator[Day]:
    """Enroll as many contacts every day, from empty tables on. `at_night` is called before each day is measured."""
    from django.db import connection

    from benchmarks.tables import HOT_TABLES, NOW, Filling, fill
    from common.db import fetch_all
    from emails.models import Mailbox
    from sequences.models import Step, Workspace

    fill(Filling(0))
    Mailbox.objects.update(ramp_enabled=False)
    Workspace.objects.update(retention_days=1)
    first = Step.objects.get()
    for number in range(2, EMAILS_EACH + 1):
        Step.objects.create(
            workspace=first.workspace, sequence=first.sequence, number=number, type="email", subject=first.subject,
            body=first.body, delay_days=1,
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_reset()")
    for day in range(1, days + 1):
        # a second later each day, so that steps due at the same time yesterday are due
        now = NOW + timedelta(days=day, seconds=day)
        started = time.perf_counter()
        with connection.cursor() as cursor:
            for statement in (_COHORT_CONTACTS, _COHORT):
                cursor.execute(statement, {"day": day, "people": cohort, "now": now})
        emails = _run_day(now)
        seconds = time.perf_counter() - started
        at_night()
        sizes = {table: Size(**fetch_all(_TABLE.format(table=table), {})[0]) for table in HOT_TABLES}
        yield Day(day, emails, seconds, sizes)


def _run_day(now: datetime) -> int:
    """Decide, send and advance until nothing is due, then apply retention. Returns emails sent."""
    from execution.engine.backoff import Policy
    from execution.engine.tick import run_tick
    from execution.maintenance.retention import purge_round

    sent = 0
    while True:
        claimed = run_tick(now, _CHUNK, Policy()).claimed
        handed_over = _send(now)
        sent += handed_over
        if not claimed and not handed_over:
            break
    while purge_round(now)["enrollments"]:
        pass
    return sent


def _send(now: datetime) -> int:
    """Record one chunk as the lanes do: mark before sending, record results after. Returns the number."""
    from django.db import transaction

    from common.db import execute, fetch_all

    ids = [row["id"] for row in fetch_all(_HAND_OVER, {"now": now, "chunk": _CHUNK})]
    if ids:
        with transaction.atomic():
            execute(_WAKE, {"now": now, "ids": ids})
            execute(_SENT, {"now": now, "ids": ids})
            execute(_OPENED, {"now": now, "ids": ids})
    return len(ids)


def _print_day(day: Day) -> None:
    sys.stdout.write(f"day {day.number}: {day.emails:,} emails in {day.seconds:.0f} s\n")
    for table, size in day.tables.items():
        sys.stdout.write(
            f"  {table:<24} {size.bytes / 1e6:>8.1f} MB {size.index_bytes / 1e6:>8.1f} MB of indexes "
            f"{size.rows:>10,} rows {size.bytes_per_row:>8,.0f} bytes each {size.vacuums:>4} autovacuums\n"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
