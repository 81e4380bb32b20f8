"""The tables of every contestant: filled with due steps, emptied, and checked after the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from benchmarks.rounds import WrongResultError
from emails.models import Mailbox
from sequences.models import Sequence as SequenceRow
from sequences.models import Step, Workspace

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOT_TABLES = ("sequences_enrollment", "emails_emailmessage", "emails_emailevent", "execution_executionlog")

SUBJECT = "Quick question, {{ contact.first_name }}"
BODY = "Hello {{ contact.first_name }},\n\nhow does {{ contact.topic | default: 'your team' }} go?\n\nAda"

_EMPTY = """
TRUNCATE execution_executionlog, execution_deadletter, emails_emailevent, emails_emailmessage, emails_suppression,
         tasks_app_task, sequences_enrollment, sequences_step, sequences_sequence, sequences_contact, emails_sendlimit,
         emails_mailbox, sequences_workspace RESTART IDENTITY CASCADE
"""
_CONTACTS = """
INSERT INTO sequences_contact (workspace_id, email, first_name, last_name, title, phone, timezone, fields,
    engagement_score, created_at, updated_at)
SELECT %(workspace)s, 'person' || n || '@firm' || n %% 500 || '.example', 'First' || n, 'Last', '', '', '',
    '{"topic": "planning"}', 0, now(), now()
FROM generate_series(1, %(count)s) n
"""
_ENROLLMENTS = """
INSERT INTO sequences_enrollment (workspace_id, sequence_id, contact_id, mailbox_id, status, current_step_id, visit,
    previous_ended_at, next_step_at, wake_at, priority, retry_count, last_error, instant_transitions, pause_reason,
    paused_by, emails_sent, steps_completed, auto_exit_reason, enrolled_at, updated_at)
SELECT %(workspace)s, %(sequence)s, c.id, (%(mailboxes)s::bigint[])[1 + c.id %% %(lanes)s], 'active', %(step)s, 1,
    %(at)s, %(at)s, %(at)s, 50, 0, '', 0, '', '', 0, 0, '', %(at)s, now()
FROM sequences_contact c ORDER BY c.id
"""
_HISTORY = """
INSERT INTO emails_emailmessage (workspace_id, enrollment_id, step_id, visit, mailbox_id, contact_id, recipient,
    recipient_domain, is_first_touch, status, message_id, priority, due_at, queued_at, lane_order_at, send_after_at,
    held_by, attempts, handed_over_at, sent_at, earlier_handed_over_at, withheld_reason, error_class, error_code, error,
    error_trace, provider_message_id, in_reply_to, subject, text, html, resolved_by, resolution)
SELECT e.workspace_id, e.id, e.current_step_id, 1 + n, e.mailbox_id, e.contact_id, 'person@firm.example',
    'firm.example', false, 'sent', '<' || e.id || '.' || n || '@sender.example>', 50, %(at)s, %(at)s, %(at)s, %(at)s,
    '', 1, %(at)s, %(at)s, '{}', '', '', '', '', '', '', '', 'Quick question', 'Hello', '<p>Hello</p>', '', ''
FROM sequences_enrollment e, generate_series(1, %(history)s) n
"""
# Contacts open their mail: the planner must see tables with a history, not empty ones.
_OPENS = """
INSERT INTO emails_emailevent (workspace_id, enrollment_id, contact_id, type, bounce_type, provider, provider_event_id,
    occurred_at, recorded_at, verdict, verdict_reason, detail, payload)
SELECT e.workspace_id, e.id, e.contact_id, 'opened', '', 'tracking', e.id || ':' || n, %(at)s, %(at)s, 'human', '', '',
    '{}'
FROM sequences_enrollment e, generate_series(1, %(opens)s) n
"""


@dataclass(frozen=True, slots=True)
class Filling:
    """Fill the tables: `count` enrollments at their first step, all due at `at`.

    `history`: how many emails each of them has been sent before, at later visits than the one that is due; the planner
    decides otherwise in small tables, and keeps a plan made for an empty one.
    """

    count: int
    at: datetime = NOW
    lanes: int = 1
    port: int = 25
    gap_seconds: int = 0
    opens: int = 3
    history: int = 0
    body: str = BODY
    splits: bool = False


def fill(filling: Filling) -> None:
    """Fresh tables, vacuumed and analysed, with everything on disk."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)
        workspace = Workspace.objects.create(name="Bench", slug="bench", timezone="UTC", postal_address="1 Main Street")
        sequence = SequenceRow.objects.create(
            workspace=workspace, name="Bench", status="active", window={"timezone": "UTC", "mon-sun": ["00:00-24:00"]}
        )
        steps = _create_steps(filling, workspace, sequence)
        mailboxes = Mailbox.objects.bulk_create(_mailbox(filling, workspace, n) for n in range(filling.lanes))
        values: dict[str, Any] = {
            "workspace": workspace.pk,
            "sequence": sequence.pk,
            "step": steps[0].pk,
            "mailboxes": [mailbox.pk for mailbox in mailboxes],
            "lanes": filling.lanes,
            "count": filling.count,
            "opens": filling.opens,
            "history": filling.history,
            "at": filling.at,
        }
        for statement in (_CONTACTS, _ENROLLMENTS, _OPENS, _HISTORY):
            cursor.execute(statement, values)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _create_steps(filling: Filling, workspace: Workspace, sequence: SequenceRow) -> list[Step]:
    shared = {"workspace": workspace, "sequence": sequence}
    if not filling.splits:
        return [Step.objects.create(**shared, number=1, type="email", subject=SUBJECT, body=filling.body)]
    steps = [
        Step(**shared, number=1, type="conditional_split", condition_type="contact_field"),
        Step(**shared, number=2, type="delay", delay_days=3),
        Step(**shared, number=3, type="delay", delay_days=5),
    ]
    steps = Step.objects.bulk_create(steps)
    split = steps[0]
    split.condition_config = {"field": "contact.topic", "operator": "equals", "value": "planning"}
    split.if_true_goto, split.if_false_goto = steps[1], steps[2]
    split.save()
    return steps


def _mailbox(filling: Filling, workspace: Workspace, number: int) -> Mailbox:
    return Mailbox(
        workspace=workspace,
        address=f"sdr{number}@sender.example",
        display_name="Ada",
        smtp_host="127.0.0.1",
        smtp_port=filling.port,
        smtp_security="none",
        auth_method="none",
        gap_seconds=filling.gap_seconds,
        jitter_seconds=0,
        ramp_enabled=False,
    )


def check_decided(count: int) -> None:
    """Exactly `count` enrollments moved on, each with one message and one log line. Raises `WrongResultError`."""
    _check(
        "decided enrollments, messages, their enrollments, log lines, their enrollments",
        "SELECT (SELECT count(*) FROM sequences_enrollment WHERE wake_at IS NULL), "
        "(SELECT count(*) FROM emails_emailmessage WHERE visit = 1), "
        "(SELECT count(DISTINCT enrollment_id) FROM emails_emailmessage WHERE visit = 1), "
        "(SELECT count(*) FROM execution_executionlog), "
        "(SELECT count(DISTINCT enrollment_id) FROM execution_executionlog)",
        [count] * 5,
    )


def check_split(count: int) -> None:
    """All enrollments are at the step of their true branch."""
    _check(
        "people at the true branch, log lines",
        "SELECT (SELECT count(*) FROM sequences_enrollment e JOIN sequences_step s ON s.id = e.current_step_id "
        "WHERE s.number = 2 AND e.visit = 2), (SELECT count(*) FROM execution_executionlog)",
        [count] * 2,
    )


def check_queued(count: int) -> None:
    """Each of `count` enrollments has one message, in any state."""
    _check(
        "messages, their enrollments",
        "SELECT count(*), count(DISTINCT enrollment_id) FROM emails_emailmessage",
        [count] * 2,
    )


def check_sent(count: int) -> None:
    """Every message is sent, once."""
    _check(
        "messages, sent ones, attempts",
        "SELECT count(*), count(*) FILTER (WHERE status = 'sent'), sum(attempts) FROM emails_emailmessage",
        [count] * 3,
    )


def _check(what: str, sql: str, expected: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found = [int(value or 0) for value in cursor.fetchone()]
    if found != list(expected):
        raise WrongResultError(f"{what}: found {found}, expected {list(expected)}")


def count_messages() -> int:
    """Those that were queued since, without the history."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM emails_emailmessage WHERE visit = 1")
        return int(cursor.fetchone()[0])


def message_seconds() -> float:
    """From the first queued message to the last, by the clock of the process that queued them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(queued_at) - min(queued_at)) FROM emails_emailmessage WHERE visit = 1"
        )
        return float(cursor.fetchone()[0])
