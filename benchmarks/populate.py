"""A big installation in a minute or two: `python -m benchmarks.populate`. Set-based; the tables must be empty.

Owns the shape of that installation and nothing of the product: what a column is not given here has its model's default.
By default 100 workspaces with 1,000 mailboxes and 1,000,000 people under way, a quarter as many who have ended, and the
messages, events, logs and tasks of their last thirty days. Of the million, one in a hundred is due now.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SEQUENCES_EACH, ACCOUNTS_SHARE, ENDED_SHARE = 10, 10, 4
UNUSABLE_PASSWORD = "!"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. `due` of the active may run now, the others within the coming week."""

    active: int = 1_000_000
    mailboxes: int = 1_000
    workspaces: int = 100
    due: int = 10_000

    @property
    def people(self) -> int:
        return self.active + self.active // ENDED_SHARE


# Person n has workspace n % workspaces; within it mailbox, owner, sequence and account follow from n alone. `place` is
# where one stands: 0 before the first email, 1 at the split after it, 2 before the second email, 3 ended.
_PEOPLE = """
CREATE TEMP TABLE people AS
SELECT n, n / %(workspaces)s AS turn, w.id AS workspace, b.id AS mailbox, b.owner_id AS owner, s.id AS sequence,
       CASE WHEN n > %(active)s THEN 3 ELSE n %% 3 END AS place, t.ids AS steps,
       %(now)s::timestamptz - (n %% 43200) * interval '1 minute' AS began_at,
       CASE WHEN n <= %(due)s THEN %(now)s::timestamptz - (n %% 300) * interval '1 second'
            ELSE %(now)s::timestamptz + (1 + n %% 10080) * interval '1 minute' END AS due_at
FROM generate_series(1, %(people)s) n
JOIN places w ON w.number = n %% %(workspaces)s
JOIN LATERAL (SELECT w.mailboxes[1 + (n / %(workspaces)s) %% cardinality(w.mailboxes)] AS id) p ON true
JOIN emails_mailbox b ON b.id = p.id
JOIN LATERAL (SELECT w.sequences[1 + (n / %(workspaces)s) %% cardinality(w.sequences)] AS id) s ON true
JOIN (SELECT sequence_id, array_agg(id ORDER BY number) AS ids FROM sequences_step GROUP BY sequence_id) t
     ON t.sequence_id = s.id
"""
_PLACES = """
CREATE TEMP TABLE places AS
SELECT row_number() OVER (ORDER BY w.id) - 1 AS number, w.id,
       (SELECT array_agg(id ORDER BY id) FROM emails_mailbox WHERE workspace_id = w.id) AS mailboxes,
       (SELECT array_agg(id ORDER BY id) FROM sequences_sequence WHERE workspace_id = w.id) AS sequences,
       (SELECT array_agg(id ORDER BY id) FROM sequences_account WHERE workspace_id = w.id) AS accounts
FROM sequences_workspace w
"""
_WORKSPACE_OF = "(SELECT id FROM sequences_workspace ORDER BY id OFFSET n %% %(workspaces)s LIMIT 1)"


def populate(size: Size, now: datetime) -> dict[str, int]:
    """Fill the tables. Returns rows by table, analysed. Refuses a database that is in use."""
    from django.db import connection, transaction

    from sequences.models import Workspace

    if Workspace.objects.exists():
        raise SystemExit("The database has workspaces already: give it one of its own, by DATABASE_URL or DATA_DIR.")
    with transaction.atomic(), connection.cursor() as cursor:
        filler = _Filler(cursor, size, now)
        with _without_indexes(cursor):
            filler.fill_places()
            cursor.execute(_PEOPLE, filler.params)
            filler.fill_people()
            filler.fill_history()
        cursor.execute("DROP TABLE people, places")
        cursor.execute("ANALYZE")
    return filler.rows


class _Filler:
    def __init__(self, cursor: Any, size: Size, now: datetime) -> None:
        self._cursor = cursor
        self.rows: dict[str, int] = {}
        self.params: dict[str, Any] = {
            "now": now,
            "active": size.active,
            "people": size.people,
            "due": size.due,
            "workspaces": size.workspaces,
            "mailboxes": size.mailboxes,
            "sequences": size.workspaces * SEQUENCES_EACH,
            "accounts": max(size.people // ACCOUNTS_SHARE, size.workspaces),
        }

    def fill_places(self) -> None:
        from django.contrib.auth.models import User

        from emails.models import Mailbox, SendLimit
        from sequences.models import Account, Membership, Sequence, Step, Workspace

        numbers = "generate_series(0, %({})s - 1) n".format
        self._insert(
            Workspace,
            numbers("workspaces"),
            name="'Workspace ' || n",
            slug="'workspace-' || n",
            postal_address="'1 Main Street'",
        )
        self._insert(
            User,
            numbers("mailboxes"),
            username="'sdr' || n || '@sender.example'",
            email="'sdr' || n || '@sender.example'",
            password=f"'{UNUSABLE_PASSWORD}'",
            is_staff="true",
        )
        # user and mailbox n belong together, in workspace n % workspaces
        owner = "(SELECT id FROM auth_user WHERE username = 'sdr' || n || '@sender.example')"
        self._insert(Membership, numbers("mailboxes"), workspace_id=_WORKSPACE_OF, user_id=owner)
        self._insert(
            Mailbox,
            numbers("mailboxes"),
            workspace_id=_WORKSPACE_OF,
            owner_id=owner,
            address="'sdr' || n || '@sender.example'",
            smtp_host="'127.0.0.1'",
            smtp_security="'none'",
            auth_method="'none'",
            hook_key="gen_random_uuid()",
            ramp_enabled="false",
            lane_at="%(now)s::timestamptz",
        )
        self._insert(
            SendLimit, "emails_mailbox b", workspace_id="b.workspace_id", scope="'mailbox'", window="'day'",
            maximum="50", mailbox_id="b.id",
        )  # fmt: skip
        self._insert(
            Sequence,
            numbers("sequences"),
            workspace_id=_WORKSPACE_OF,
            name="'Sequence ' || n",
            status="'active'",
            window="""'{"timezone": "UTC", "mon-sun": ["00:00-24:00"]}'::jsonb""",
        )
        self._insert(
            Step,
            "sequences_sequence s, (VALUES (1, 'email', 0, ''), (2, 'conditional_split', 0, 'email_opened'),"
            " (3, 'email', 2, ''), (4, 'task', 1, ''), (5, 'email', 3, '')) AS k(number, type, days, condition)",
            workspace_id="s.workspace_id",
            sequence_id="s.id",
            number="k.number",
            type="k.type",
            delay_days="k.days",
            subject="CASE WHEN k.number = 1 THEN 'Hello {{ contact.first_name }}' ELSE '' END",
            body="CASE WHEN k.type = 'email' THEN 'Hello {{ contact.first_name }}, part ' || k.number ELSE '' END",
            condition_type="k.condition",
            condition_config="""CASE WHEN k.number = 2 THEN '{"wait_hours": 48}' ELSE '{}' END::jsonb""",
        )
        self._cursor.execute(
            "UPDATE sequences_step t SET if_true_goto_id = n.id, if_false_goto_id = n.id FROM sequences_step n "
            "WHERE t.number = 2 AND n.number = 3 AND n.sequence_id = t.sequence_id"
        )
        self._insert(
            Account, numbers("accounts"), workspace_id=_WORKSPACE_OF, name="'Firm ' || n",
            domain="'firm' || n || '.example'",
        )  # fmt: skip
        self._cursor.execute(_PLACES)

    def fill_people(self) -> None:
        from sequences.models import Contact, Enrollment

        people = "people p JOIN places w ON w.id = p.workspace"
        self._insert(
            Contact,
            people,
            id="p.n",
            workspace_id="p.workspace",
            account_id="w.accounts[1 + (p.n / %(workspaces)s) %% cardinality(w.accounts)]",
            email="'person' || p.n || '@firm' || p.n %% %(accounts)s || '.example'",
            first_name="'First' || p.n",
            last_name="'Last' || p.n %% 1000",
            fields="""'{"topic": "planning"}'::jsonb""",
            engagement_score="CASE WHEN p.turn %% 10 = 0 THEN p.turn %% 100 ELSE 0 END",
            created_at="p.began_at",
        )
        ended, held = "p.place = 3", "p.place < 3 AND p.n > %(due)s AND p.turn / 10 %% 100 = 7"
        self._insert(
            Enrollment,
            "people p",
            id="p.n",
            workspace_id="p.workspace",
            sequence_id="p.sequence",
            contact_id="p.n",
            mailbox_id="p.mailbox",
            owner_id="p.owner",
            status=f"CASE WHEN {ended} THEN (ARRAY['completed', 'replied', 'auto_exited'])[1 + p.n %% 3] "
            f"WHEN {held} AND p.turn %% 10 = 7 THEN 'quarantined' WHEN {held} THEN 'paused' ELSE 'active' END",
            current_step_id=f"CASE WHEN NOT {ended} THEN p.steps[1 + p.place] END",
            visit="1 + p.place",
            previous_ended_at="p.began_at",
            next_step_at=f"CASE WHEN NOT {ended} THEN p.due_at END",
            wake_at=f"CASE WHEN NOT ({ended}) AND NOT ({held}) THEN p.due_at END",
            last_error=f"CASE WHEN {held} AND p.turn %% 10 = 7 THEN 'No merge field' ELSE '' END",
            pause_reason=f"CASE WHEN {held} THEN 'By hand' ELSE '' END",
            paused_by=f"CASE WHEN {held} THEN 'ada@sender.example' ELSE '' END",
            paused_at=f"CASE WHEN {held} THEN p.began_at END",
            emails_sent="CASE p.place WHEN 0 THEN 0 WHEN 3 THEN 2 ELSE 1 END",
            steps_completed="p.place",
            auto_exit_reason=f"CASE WHEN {ended} AND p.n %% 3 = 1 THEN 'replied' "
            f"WHEN {ended} AND p.n %% 3 = 2 THEN 'manual' ELSE '' END",
            enrolled_at="p.began_at",
            completed_at=f"CASE WHEN {ended} THEN least(p.began_at + interval '2 days', %(now)s) END",
            updated_at="p.began_at",
        )

    def fill_history(self) -> None:
        from emails.models import EmailEvent, EmailMessage
        from execution.models import DeadLetter, ExecutionLog
        from tasks_app.models import Task

        left = "least(p.began_at + k.number * interval '10 hours', %(now)s)"
        self._insert(
            EmailMessage,
            "people p JOIN (VALUES (1), (3)) AS k(number) ON p.place > 0 AND (k.number = 1 OR p.place = 3)",
            workspace_id="p.workspace",
            enrollment_id="p.n",
            step_id="p.steps[k.number]",
            visit="k.number",
            mailbox_id="p.mailbox",
            contact_id="p.n",
            owner_id="p.owner",
            recipient="'person' || p.n || '@firm' || p.n %% %(accounts)s || '.example'",
            recipient_domain="'firm' || p.n %% %(accounts)s || '.example'",
            is_first_touch="k.number = 1",
            status="'sent'",
            message_id="'<' || p.n || '.' || k.number || '@sender.example>'",
            due_at="p.began_at",
            queued_at=left,
            lane_order_at=left,
            send_after_at=left,
            attempts="1",
            handed_over_at=left,
            sent_at=left,
            subject="'Hello First' || p.n",
            text="repeat('How does it go? ', 20)",
        )
        self._insert(
            EmailEvent,
            "emails_emailmessage m, generate_series(1, 2) k WHERE m.id %% 2 = 0",
            workspace_id="m.workspace_id",
            message_id="m.id",
            enrollment_id="m.enrollment_id",
            contact_id="m.contact_id",
            mailbox_id="m.mailbox_id",
            type="CASE WHEN m.id %% 20 = 0 AND k = 2 THEN 'clicked' ELSE 'opened' END",
            provider="'tracking'",
            provider_event_id="m.id || ':' || k",
            occurred_at="m.sent_at + k * interval '1 hour'",
            recorded_at="m.sent_at + k * interval '1 hour'",
        )
        for action, source, step, at in (
            ("enrolled", "people p", "NULL", "p.began_at"),
            ("queued", "people p JOIN emails_emailmessage m ON m.enrollment_id = p.n", "m.step_id", "m.queued_at"),
            ("executed", "people p JOIN emails_emailmessage m ON m.enrollment_id = p.n", "m.step_id", "m.sent_at"),
        ):
            self._insert(
                ExecutionLog,
                f"{source} ORDER BY {at}",
                workspace_id="p.workspace",
                enrollment_id="p.n",
                step_id=step,
                step_type="''" if step == "NULL" else "'email'",
                at=at,
                action=f"'{action}'",
                actor="'engine'",
                details="'{}'::jsonb" if action != "executed" else "jsonb_build_object('message', m.id)",
            )
        self._insert(
            Task,
            "people p WHERE p.turn %% 20 = 0",
            workspace_id="p.workspace",
            enrollment_id="p.n",
            step_id="p.steps[4]",
            visit="4",
            contact_id="p.n",
            assignee_id="p.owner",
            type="'call'",
            title="'Call First' || p.n",
            due_at="p.due_at",
            created_at="p.began_at",
        )
        self._insert(
            DeadLetter,
            "sequences_enrollment e WHERE e.status = 'quarantined'",
            workspace_id="e.workspace_id",
            enrollment_id="e.id",
            step_id="e.current_step_id",
            error_class="'template'",
            error="e.last_error",
            created_at="e.updated_at",
        )

    def _insert(self, model: Any, source: str, **given: str) -> None:
        """Columns by SQL expression over `source`; the others have the model's default."""
        table, columns = model._meta.db_table, dict(given)
        params: dict[str, Any] = dict(self.params)
        for field in model._meta.concrete_fields:
            is_filled = field.generated or field.primary_key or field.has_db_default() or field.column in columns
            if is_filled or (field.null and not field.has_default()):
                continue
            if field.has_default() or field.empty_strings_allowed:
                params[f"default_{field.column}"] = field.get_db_prep_save(field.get_default(), _connection())
                columns[field.column] = f"%(default_{field.column})s"
            else:
                columns[field.column] = "%(now)s"
        names = ", ".join(f'"{name}"' for name in columns)
        self._cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(columns.values())} FROM {source}", params
        )
        self.rows[table] = self.rows.get(table, 0) + self._cursor.rowcount
        if "id" in given:
            self._cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        self._cursor.execute(f"ANALYZE {table}")


def _connection() -> Any:
    from django.db import connection

    return connection


_TABLES = (
    "sequences_contact", "sequences_enrollment", "emails_emailmessage", "emails_emailevent", "execution_executionlog",
)  # fmt: skip


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Indexes are made at the end, and foreign keys are not looked up row by row: what is inserted is right."""
    cursor.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_class t ON t.oid = i.indrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid "
        "WHERE t.relname = ANY(%s) AND NOT i.indisprimary AND k.oid IS NULL",
        [list(_TABLES)],
    )
    indexes: Mapping[str, str] = dict(cursor.fetchall())
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL session_replication_role = replica")
    for name in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for definition in indexes.values():
        cursor.execute(definition)
    cursor.execute("SET LOCAL session_replication_role = origin")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.populate", description=__doc__)
    usual = Size()
    parser.add_argument("--active", type=int, default=usual.active, help="people under way (default 1,000,000)")
    parser.add_argument("--mailboxes", type=int, default=usual.mailboxes, help="default 1,000")
    parser.add_argument("--workspaces", type=int, default=usual.workspaces, help="default 100")
    parser.add_argument("--due", type=int, default=usual.due, help="of the active, due now (default 10,000)")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    rows = populate(Size(options.active, options.mailboxes, options.workspaces, options.due), timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    for table, number in rows.items():
        sys.stdout.write(f"{table:<28} {number:>12,}\n")
    sys.stdout.write(f"in {time.perf_counter() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
