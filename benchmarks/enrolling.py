"""Enrolling many contacts in a long sequence: `python -m benchmarks.enrolling --contacts 10000 --steps 8`.

Half of the contacts have been in another sequence. Everything is rolled back afterwards. `check` is the preflight,
every step against every contact; `enroll` is the whole call, with its statements.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.start import set_up

_CONTACTS = """
INSERT INTO sequences_contact (workspace_id, email, first_name, last_name, title, phone, timezone, fields,
                               engagement_score, created_at, updated_at)
SELECT %(workspace)s, 'c' || n || '@prospect' || n %% 900 || '.example', 'Ada' || n, 'Lovelace', 'Engineer', '', '',
       jsonb_build_object('plan', 'plan ' || n, 'region', 'north', 'renewal_month', 'May'), 0, now(), now()
FROM generate_series(1, %(contacts)s) n RETURNING id
"""
_EARLIER = """
INSERT INTO sequences_enrollment (
    workspace_id, sequence_id, contact_id, status, visit, previous_ended_at, priority, retry_count, last_error,
    instant_transitions, pause_reason, paused_by, emails_sent, steps_completed, auto_exit_reason, enrolled_at,
    completed_at, updated_at)
SELECT %(workspace)s, %(sequence)s, c.id, 'completed', 1, %(at)s, 50, 0, '', 0, '', '', 1, 1, '', %(at)s, %(at)s, %(at)s
FROM sequences_contact c WHERE c.workspace_id = %(workspace)s AND c.id %% 2 = 0
"""
_BODY = (
    "Hello {{ contact.first_name }} {{ contact.last_name | default: 'there' }}, {{ contact.plan }} in {{ contact.%s }}?"
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Check and enroll many contacts and report the cost.")
    parser.add_argument("--contacts", type=int, default=10_000, help="Default: 10,000.")
    parser.add_argument("--steps", type=int, default=8, help="Default: 8.")
    parser.add_argument("--rounds", type=int, default=3, help="The fastest counts. Default: 3.")
    options = parser.parse_args()
    set_up()
    from django.conf import settings

    # in development Django remembers statements
    settings.DEBUG = False
    checks, enrolls = zip(*[_run(options.contacts, options.steps) for _ in range(options.rounds)], strict=True)
    sys.stdout.write(
        f"{options.contacts:,} contacts x {options.steps} steps, the fastest of {options.rounds}: "
        f"check {min(checks):.2f} s, enroll {min(enrolls):.2f} s\n"
    )


def _run(contacts: int, steps: int) -> tuple[float, float]:
    """Seconds of the preflight and of the whole call."""
    from django.db import connection, transaction

    from common.db import fetch_all
    from emails.models import Mailbox
    from execution.control.enroll import enroll_contacts
    from execution.engine.sequence_facts import load_sequences
    from sequences.models import Sequence, Step, Workspace

    now = datetime.now(UTC)
    with transaction.atomic():
        workspace = Workspace.objects.create(name="Enrolling", slug="enrolling-benchmark")
        mailbox = Mailbox.objects.create(workspace=workspace, address="sdr@enrolling.example")
        sequence, earlier = (
            Sequence.objects.create(workspace=workspace, name=name, status="active") for name in ("New", "Earlier")
        )
        for number in range(1, steps + 1):
            body = _BODY % ("renewal_month" if number % 2 else "region")
            Step.objects.create(
                workspace=workspace, sequence=sequence, number=number, type="email", subject="About {{ contact.plan }}",
                body=body, delay_days=1,
            )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_CONTACTS, {"workspace": workspace.pk, "contacts": contacts})
            ids = [row[0] for row in cursor.fetchall()]
            at = now - timedelta(days=200)
            cursor.execute(_EARLIER, {"workspace": workspace.pk, "sequence": earlier.pk, "at": at})
            cursor.execute("ANALYZE sequences_contact, sequences_enrollment")
        began = time.perf_counter()
        _check(load_sequences([sequence.pk])[sequence.pk], ids, workspace.pk, mailbox.pk, fetch_all)
        checked = time.perf_counter()
        result = enroll_contacts(
            sequence=sequence, contact_ids=ids, mailbox=mailbox, owner=None, actor="benchmark", now=now
        )
        done = time.perf_counter()
        if len(result.enrolled) != contacts:
            raise SystemExit(f"{len(result.enrolled):,} of {contacts:,} were enrolled: {result.skipped[:1]}")
        transaction.set_rollback(True)
    return checked - began, done - checked


def _check(facts: Any, ids: list[int], workspace: int, mailbox: int, fetch_all: Any) -> None:
    from execution.control.enroll import CONTACTS
    from execution.control.enroll_preflight import Preflight

    preflight = Preflight(facts)
    asked = {"ids": ids, "workspace": workspace, "mailbox": mailbox, "owner": None}
    if any(preflight.find_missing(row) for row in fetch_all(CONTACTS, asked)):
        raise SystemExit("A contact lacks a field: the benchmark is wrong.")


if __name__ == "__main__":
    main()
