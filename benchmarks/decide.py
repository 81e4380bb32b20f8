"""Deciding a due email step: in batches as the engine does, and row by row as one would write it first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import connection, transaction

from emails.models import EmailEvent, EmailMessage, Suppression
from execution.backoff import Policy
from execution.engine import run_tick
from execution.models import ExecutionLog
from sequences import db
from sequences.models import Enrollment
from sequences.templating import render

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BATCH = 500
HOT_TABLES = ("sequences_enrollment", "emails_emailmessage", "emails_emailevent", "execution_executionlog")

_FILL = """
WITH w AS (
    INSERT INTO sequences_workspace (name, slug, timezone, postal_address, holiday_country, extra_holidays,
        account_reply_policy, account_reply_delay_days, retention_days, created_at, updated_at)
    VALUES ('Bench', 'bench', 'UTC', '1 Main', '', '{}', 'ignore', 7, 730, now(), now()) RETURNING id
), b AS (
    INSERT INTO emails_mailbox (workspace_id, address, display_name, aliases, timezone, signature, transport,
        transport_options, smtp_host, smtp_port, smtp_security, smtp_username, auth_method, credentials, connections,
        inbound, imap_host, imap_port, imap_security, imap_username, status, status_reason, status_actor, gap_seconds,
        jitter_seconds, ramp_enabled, ramp_start, ramp_step, ramp_allowance, lane_held_by, leased_by, breaker_state,
        breaker_failures, breaker_trips, breaker_error, created_at, updated_at)
    SELECT id, 'sdr@sender.example', 'Ada', '{}', '', '', 'smtp', '{}', '127.0.0.1', %(port)s, 'none', '', 'none', '',
        1, 'none', '', 993, 'tls', '', 'active', '', '', 0, 0, false, 0, 0, 0, '', '', 'closed', 0, 0, '', now(), now()
    FROM w RETURNING id
), s AS (
    INSERT INTO sequences_sequence (workspace_id, name, description, status, pause_reason, paused_by, "window",
        priority, created_at, updated_at)
    SELECT id, 'Bench', '', 'active', '', '', '{"timezone": "UTC", "mon-sun": ["00:00-24:00"]}', 50, now(), now()
    FROM w RETURNING id
), t AS (
    INSERT INTO sequences_step (workspace_id, sequence_id, number, type, name, delay_days, delay_hours, delay_minutes,
        skip_weekends, subject, body, task_type, task_priority, instructions, wait_for_completion, condition_type,
        condition_config, created_at, updated_at)
    SELECT w.id, s.id, 1, 'email', '', 0, 0, 0, false, 'Quick question, {{ contact.first_name }}',
        E'Hello {{ contact.first_name }},\\n\\nhow does {{ contact.topic | default: "your team" }} go?\\n\\nAda',
        'generic', 'normal', '', false, '', '{}', now(), now()
    FROM w, s RETURNING id
), c AS (
    INSERT INTO sequences_contact (workspace_id, email, first_name, last_name, title, phone, timezone, fields,
        engagement_score, created_at, updated_at)
    SELECT w.id, 'person' || n || '@firm' || n %% 500 || '.example', 'First' || n, 'Last', '', '', '',
        '{"topic": "planning"}', 0, now(), now()
    FROM w, generate_series(1, %(count)s) n RETURNING id
)
INSERT INTO sequences_enrollment (workspace_id, sequence_id, contact_id, mailbox_id, status, current_step_id, visit,
    previous_ended_at, next_step_at, wake_at, priority, retry_count, last_error, instant_transitions, pause_reason,
    paused_by, emails_sent, steps_completed, auto_exit_reason, enrolled_at, updated_at)
SELECT w.id, s.id, c.id, b.id, 'active', t.id, 1, %(now)s, %(now)s, %(now)s, 50, 0, '', 0, '', '', 0, 0, '', %(now)s,
    now()
FROM w, s, t, b, c
"""
# People do open their mail: the planner must meet tables as they are after a while, not empty ones.
_OPENS = """
INSERT INTO emails_emailevent (workspace_id, enrollment_id, contact_id, type, bounce_type, provider, provider_event_id,
    occurred_at, recorded_at, verdict, verdict_reason, detail, payload)
SELECT e.workspace_id, e.id, e.contact_id, 'opened', '', 'tracking', e.id || ':' || n, %(now)s, %(now)s, 'human', '',
    '', '{}'
FROM sequences_enrollment e, generate_series(1, 3) n
"""
_EMPTY = """
TRUNCATE execution_executionlog, execution_deadletter, emails_emailevent, emails_emailmessage, emails_suppression,
         tasks_app_task, sequences_enrollment, sequences_step, sequences_sequence, sequences_contact, emails_sendlimit,
         emails_mailbox, sequences_workspace CASCADE
"""


def prepare(count: int, port: int = 25) -> None:
    """Fresh tables with `count` due email steps, vacuumed and analysed."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)
        cursor.execute(_FILL, {"count": count, "port": port, "now": NOW})
        cursor.execute(_OPENS, {"now": NOW})
        cursor.execute("VACUUM ANALYZE")


def in_batches(count: int) -> None:
    while run_tick(NOW, BATCH, Policy()).claimed:
        pass


def row_by_row(count: int) -> None:
    for enrollment_id in Enrollment.objects.filter(wake_at__lte=NOW).values_list("pk", flat=True):
        with transaction.atomic():
            _decide_one(enrollment_id)


def _decide_one(enrollment_id: int) -> None:
    enrollment = (
        Enrollment.objects.select_for_update(of=("self",))
        .select_related("contact", "sequence", "current_step", "mailbox")
        .get(pk=enrollment_id)
    )
    contact, step = enrollment.contact, enrollment.current_step
    stopped = EmailEvent.objects.filter(contact=contact, type__in=["replied", "bounced", "unsubscribed"]).exists()
    suppressed = Suppression.objects.filter(workspace_id=enrollment.workspace_id, email=contact.email).exists()
    if stopped or suppressed or EmailMessage.objects.filter(enrollment=enrollment, step=step).exists():
        return
    fields = {"contact": {"first_name": contact.first_name, **contact.fields}}
    render(step.subject, fields)
    render(step.body, fields)
    EmailMessage.objects.create(
        workspace_id=enrollment.workspace_id,
        enrollment=enrollment,
        step=step,
        visit=1,
        mailbox=enrollment.mailbox,
        contact=contact,
        recipient=contact.email,
        recipient_domain=contact.email.rpartition("@")[2],
        message_id=f"<{enrollment_id}@sender.example>",
        due_at=NOW,
        queued_at=NOW,
        lane_order_at=NOW,
        send_after_at=NOW,
    )
    ExecutionLog.objects.create(
        workspace_id=enrollment.workspace_id, enrollment=enrollment, step=step, at=NOW, action="queued", actor="naive"
    )
    enrollment.wake_at = None
    enrollment.save(update_fields=["wake_at", "updated_at"])


WAYS = {"in batches": in_batches, "row by row": row_by_row}


def describe_batch(steps: int) -> Iterator[str]:
    """Figures that do not depend on the machine: statements, WAL and sequential scans."""
    prepare(steps)
    statements = 0
    original = db._execute

    def counting(sql: str, params: object) -> object:
        nonlocal statements
        statements += 1
        return original(sql, params)  # type: ignore[arg-type]

    wal_before, scans_before = _wal(), _sequential_scans()
    db._execute = counting  # type: ignore[assignment]
    try:
        batches = 0
        while run_tick(NOW, BATCH, Policy()).claimed:
            batches += 1
    finally:
        db._execute = original
    # The last tick finds nothing and costs one statement.
    yield f"{(statements - 1) / batches:.1f} statements and 1 commit per batch of {BATCH}"
    yield f"{(_wal() - wal_before) / steps / 1000:.2f} kB of WAL per email step"
    yield f"{_sequential_scans() - scans_before} sequential scans of the hot tables"


def _wal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])


def _sequential_scans() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname = ANY(%s)", [list(HOT_TABLES)])
        return int(cursor.fetchone()[0])
