"""The limits: PostgreSQL without any other process, and PostgreSQL only taking rows in."""

from __future__ import annotations

import io

from django.db import connection, transaction

from benchmarks.rounds import WrongResultError
from benchmarks.tables import NOW

_MESSAGE_COLUMNS = """workspace_id, enrollment_id, step_id, visit, mailbox_id, contact_id, recipient, recipient_domain,
    is_first_touch, status, message_id, priority, due_at, queued_at, lane_order_at, send_after_at, held_by, attempts,
    earlier_handed_over_at, withheld_reason, error_class, error_code, error, error_trace, provider_message_id,
    in_reply_to, subject, text, html, resolved_by, resolution"""
_LOG_COLUMNS = """workspace_id, enrollment_id, step_id, step_number, step_type, at, action, status, message, error,
    actor, details"""
_MESSAGE = """{workspace}, {id}, {step}, 1, {mailbox}, {contact}, {email}, split_part({email}, '@', 2),
    true, 'queued', '<' || {id} || '@sender.example>', 50, %(now)s, %(now)s, %(now)s, %(now)s, '', 0, '{{}}', '',
    '', '', '', '', '', '', '', '', '', '', ''"""
_LOG = (
    "{workspace}, {id}, {step}, 1, 'email', %(now)s, 'queued', 'ok', 'the email is in the outbox', '', 'bench', '{{}}'"
)
_BARE = {
    "workspace": "workspace_id",
    "id": "id",
    "step": "current_step_id",
    "mailbox": "mailbox_id",
    "contact": "contact_id",
    "email": "email",
}

# claim; the stop facts and pauses, as emails.facts.stop_facts reads them; the window in its zone; the email's merge
# field; then the three writes, and the lanes are woken
_WITH_FACTS = f"""
WITH claimed AS MATERIALIZED (
    SELECT id, workspace_id, contact_id, mailbox_id, sequence_id, current_step_id, visit, enrolled_at, resumed_at
    FROM sequences_enrollment
    WHERE wake_at <= %(now)s AND NOT EXISTS (SELECT 1 FROM execution_executorstate WHERE is_paused)
    ORDER BY wake_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), decided AS MATERIALIZED (
    SELECT e.*, c.email FROM claimed e JOIN sequences_contact c ON c.id = e.contact_id
    JOIN sequences_workspace w ON w.id = e.workspace_id
    JOIN sequences_sequence q ON q.id = e.sequence_id AND q.status = 'active'
    JOIN emails_mailbox b ON b.id = e.mailbox_id
    LEFT JOIN sequences_account a ON a.id = c.account_id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE v.type <> 'bounced' OR v.bounce_type = 'hard') AS stops,
               count(*) FILTER (WHERE v.bounce_type = 'soft'
                                  AND v.occurred_at > coalesce(e.resumed_at, e.enrolled_at)) AS soft_bounces
        FROM emails_emailevent v
        WHERE v.contact_id = e.contact_id AND v.type IN ('replied', 'unsubscribed', 'complained', 'bounced')
          AND v.verdict = 'human' AND (v.occurred_at >= e.enrolled_at OR v.enrollment_id = e.id)
    ) s
    CROSS JOIN LATERAL (
        SELECT %(now)s::timestamptz AT TIME ZONE coalesce(
            nullif(q.window ->> 'timezone', 'contact'), nullif(c.timezone, ''), nullif(a.timezone, ''),
            nullif(b.timezone, ''), w.timezone) AS at
    ) l
    WHERE s.stops = 0 AND s.soft_bounces < 3
      AND NOT EXISTS (SELECT 1 FROM emails_emailevent v
                      WHERE v.contact_id = e.contact_id AND v.type = 'auto_replied'
                        AND v.occurred_at >= e.enrolled_at AND v.until_at > %(now)s)
      AND NOT EXISTS (SELECT 1 FROM emails_suppression p
                      WHERE p.workspace_id = e.workspace_id AND p.email = lower(c.email) AND p.email <> '')
      AND NOT EXISTS (SELECT 1 FROM emails_suppression p
                      WHERE p.workspace_id = e.workspace_id AND p.domain = lower(split_part(c.email, '@', 2))
                        AND p.domain <> '')
      AND NOT EXISTS (SELECT 1 FROM sequences_contact k JOIN emails_emailevent v ON v.contact_id = k.id
                      WHERE k.account_id = c.account_id AND k.id <> c.id AND v.type = 'replied'
                        AND v.verdict = 'human' AND v.occurred_at >= e.enrolled_at)
      AND (w.hand_written_policy <> 'pause' OR NOT EXISTS (
           SELECT 1 FROM emails_emailevent v WHERE v.contact_id = e.contact_id AND v.type = 'hand_written'
             AND v.occurred_at >= e.enrolled_at))
      AND NOT EXISTS (SELECT 1 FROM emails_emailmessage m
                      WHERE m.enrollment_id = e.id AND m.step_id = e.current_step_id AND m.visit = e.visit)
      AND NOT EXISTS (SELECT 1 FROM execution_deadletter d WHERE d.enrollment_id = e.id AND d.resolved_at IS NULL)
      AND l.at::date <> ALL (w.extra_holidays)
      AND EXISTS (SELECT 1 FROM jsonb_array_elements_text(q.window -> 'mon-sun') AS r(hours)
                  WHERE l.at::time >= split_part(r.hours, '-', 1)::time
                    AND l.at::time < split_part(r.hours, '-', 2)::time)
      AND c.first_name <> ''
), queued AS (
    INSERT INTO emails_emailmessage ({_MESSAGE_COLUMNS}) SELECT {_MESSAGE.format(**_BARE)} FROM decided
), logged AS (
    INSERT INTO execution_executionlog ({_LOG_COLUMNS}) SELECT {_LOG.format(**_BARE)} FROM decided
), woken AS (
    UPDATE emails_mailbox SET lane_at = %(now)s
    WHERE id IN (SELECT mailbox_id FROM decided) AND (lane_at IS NULL OR lane_at > %(now)s)
)
UPDATE sequences_enrollment e SET wake_at = NULL, updated_at = %(now)s FROM decided WHERE e.id = decided.id
"""
_BARE_WRITES = f"""
WITH decided AS MATERIALIZED (
    SELECT id, workspace_id, contact_id, mailbox_id, current_step_id, 'person@firm.example' AS email
    FROM sequences_enrollment
    WHERE wake_at <= %(now)s ORDER BY wake_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), queued AS (
    INSERT INTO emails_emailmessage ({_MESSAGE_COLUMNS}) SELECT {_MESSAGE.format(**_BARE)} FROM decided
), logged AS (
    INSERT INTO execution_executionlog ({_LOG_COLUMNS}) SELECT {_LOG.format(**_BARE)} FROM decided
)
UPDATE sequences_enrollment e SET wake_at = NULL, updated_at = %(now)s FROM decided WHERE e.id = decided.id
"""

# claim; the branch by a field of the contact; log and move: what a conditional writes, without stop facts
_BRANCH = f"""
WITH claimed AS MATERIALIZED (
    SELECT id, workspace_id, contact_id, current_step_id FROM sequences_enrollment
    WHERE wake_at <= %(now)s ORDER BY wake_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), decided AS MATERIALIZED (
    SELECT e.*, g.id AS goto, %(now)s::timestamptz + make_interval(days => g.delay_days) AS due_at
    FROM claimed e
    JOIN sequences_contact c ON c.id = e.contact_id
    JOIN sequences_step s ON s.id = e.current_step_id
    JOIN sequences_step g ON g.id = CASE
        WHEN lower(c.fields ->> 'topic') = s.condition_config ->> 'value' THEN s.if_true_goto_id
        ELSE s.if_false_goto_id END
), logged AS (
    INSERT INTO execution_executionlog ({_LOG_COLUMNS})
    SELECT workspace_id, id, current_step_id, 1, 'conditional_split', %(now)s, 'branched', 'ok',
           'contact_field is true', '', 'bench', jsonb_build_object('goto', goto) FROM decided
)
UPDATE sequences_enrollment e
SET current_step_id = j.goto, visit = e.visit + 1, previous_ended_at = %(now)s, next_step_at = j.due_at,
    wake_at = j.due_at, steps_completed = e.steps_completed + 1, updated_at = %(now)s
FROM decided j WHERE e.id = j.id
"""


def decide_with_facts(batch: int) -> int:
    """One statement per batch: claim, facts, outbox, log, enrollment. Returns how many rows were decided."""
    return _until_nothing_is_due(_WITH_FACTS, batch)


def decide_bare(batch: int) -> int:
    """The same without reading facts."""
    return _until_nothing_is_due(_BARE_WRITES, batch)


def branch(batch: int) -> int:
    """The same for a branch, reading only the field that it compares."""
    return _until_nothing_is_due(_BRANCH, batch)


def _until_nothing_is_due(sql: str, batch: int) -> int:
    done = 0
    connection.ensure_connection()
    raw = connection.connection
    while changed := raw.execute(sql, {"now": NOW, "limit": batch}, prepare=True).rowcount:
        done += changed
    return done


class Copies:
    """Three writes by COPY, the rows ready as text: outbox, log, and a new version of each enrollment."""

    def __init__(self, share: int, shares: int) -> None:
        """Make the rows of every `shares`-th enrollment; not part of what is measured."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS bench_enrollment (LIKE sequences_enrollment INCLUDING ALL)")
        joined = {name: f"e.{column}" if name != "email" else "c.email" for name, column in _BARE.items()}
        source = (
            "FROM sequences_enrollment e JOIN sequences_contact c ON c.id = e.contact_id "
            f"WHERE e.id %% {shares} = {share}"
        )
        self._copies = [
            (f"emails_emailmessage ({_MESSAGE_COLUMNS})", f"SELECT {_MESSAGE.format(**joined)} {source}"),
            (f"execution_executionlog ({_LOG_COLUMNS})", f"SELECT {_LOG.format(**joined)} {source}"),
            ("bench_enrollment", f"SELECT e.* {source}"),
        ]
        self._rows = [_export(sql) for _, sql in self._copies]

    def write(self, batch: int) -> int:
        """COPY all rows in, `batch` rows and three COPYs per transaction."""
        total = len(self._rows[0])
        with connection.cursor() as cursor:
            for first in range(0, total, batch):
                with transaction.atomic():
                    for (table, _), rows in zip(self._copies, self._rows, strict=True):
                        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                            copy.write(b"".join(rows[first : first + batch]))
        return total


def _export(sql: str) -> list[bytes]:
    given = io.BytesIO()
    connection.ensure_connection()
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY ({sql.replace('%%', '%').replace('%(now)s', _NOW_TEXT)}) TO STDOUT") as copy:
        for block in copy:
            given.write(block)
    return given.getvalue().splitlines(keepends=True)


_NOW_TEXT = f"timestamptz '{NOW.isoformat()}'"


def check_copied(count: int) -> None:
    """All three tables took every row once. Raises `WrongResultError`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(DISTINCT enrollment_id) FROM emails_emailmessage WHERE visit = 1), "
            "(SELECT count(DISTINCT enrollment_id) FROM execution_executionlog), "
            "(SELECT count(*) FROM bench_enrollment)"
        )
        found = list(cursor.fetchone())
        cursor.execute("DROP TABLE bench_enrollment")
    if found != [count] * 3:
        raise WrongResultError(f"messages, log lines, enrollments: found {found}, expected {count} each")
