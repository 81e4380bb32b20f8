"""After a backup is restored with PostgreSQL's own programs, nothing sent since the backup is sent again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from psycopg import sql

from config.embedded_postgres.server import binaries_dir
from emails.models import Suppression
from emails.tracking.links import unsubscribe_url
from execution.models import ExecutionLog
from execution.webhooks_out.feed import START, Filters, LostPositionError, Position, read_feed
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import (
    EnrollmentFactory,
    ExecutionLogFactory,
    MailboxFactory,
    PausedEnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
)
from tests.faults.processes import ROOT, child_env
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db(transaction=True)
RESTORED = "restored"


def run_program(name: str, *args: str | Path) -> None:
    """One of PostgreSQL's programs, on the server of the tests."""
    parts = connection.get_connection_params()
    given = {"PGHOST": parts.get("host"), "PGPORT": parts.get("port"), "PGUSER": parts.get("user")}
    given["PGPASSWORD"] = parts.get("password")
    env = os.environ | {key: str(value) for key, value in given.items() if value}
    done = subprocess.run([binaries_dir() / name, *args], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[str]:
    """The DATABASE_URL of an empty database beside the test's own."""
    name = f"{connection.settings_dict['NAME']}_{RESTORED}"
    params = connection.get_connection_params()
    params = {key: params[key] for key in ("host", "port", "user", "password") if params.get(key)}
    with psycopg.connect(dbname="postgres", autocommit=True, **params) as server:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield database_url.replace(f"/{connection.settings_dict['NAME']}?", f"/{name}?")
        server.execute(drop)


def manage(url: str, *args: str) -> dict[str, Any]:
    command = [sys.executable, "manage.py", *args, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=child_env(url), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run_once() -> None:
    call_command("run_executor", "--once", stdout=StringIO(), stderr=StringIO())


@pytest.mark.slow
def test_what_left_after_the_backup_is_not_sent_again_after_the_restore(elsewhere: str, tmp_path: Path) -> None:
    now = timezone.now()
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    with MailServer() as server:
        mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
        place: dict[str, Any] = {"sequence": sequence, "mailbox": mailbox, "at": now - timedelta(minutes=1)}
        queued = EnrollmentFactory(**place)
        call_command("run_executor", "--once", "--stage", "decide", stdout=StringIO(), stderr=StringIO())
        due = EnrollmentFactory(**place)
        rests = PausedEnrollmentFactory(**place)
        Enrollment.objects.filter(pk=rests.pk).update(resume_at=now, wake_at=now)
        later = EnrollmentFactory(**place | {"at": now + timedelta(days=30)})
        taken_at = timezone.now().isoformat()
        run_program("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", str(connection.settings_dict["NAME"]))
        run_once()
        assert len(server.messages) == 3

        name = f"{connection.settings_dict['NAME']}_{RESTORED}"
        run_program("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={name}", tmp_path / "dump")
        result = manage(elsewhere, "after_restore", "--backup-taken-at", taken_at)
        assert result == {"enrollments": 3, "messages": 1}
        with psycopg.connect(elsewhere, autocommit=True) as restored:
            statuses: dict[int, str] = dict(restored.execute("SELECT id, status FROM sequences_enrollment").fetchall())
            assert statuses == {queued.pk: "paused", due.pk: "paused", rests.pk: "paused", later.pk: "active"}
            messages = restored.execute("SELECT enrollment_id, status FROM emails_emailmessage").fetchall()
            assert messages == [(queued.pk, "unknown")]
            (reason,) = restored.execute("SELECT paused_reason FROM execution_executorstate WHERE is_paused").fetchone()  # type: ignore[misc]
            assert reason.startswith("restored from the backup of ")
            restored.execute("UPDATE execution_executorstate SET is_paused = false, paused_reason = ''")
        assert manage(elsewhere, "run_executor", "--once")["delivered"] == 0
        assert len(server.messages) == 3


def test_the_feed_shows_what_the_other_server_has_stored(shell: Shell) -> None:
    """A dump names transactions of the server it comes from, which the new one has not had yet."""
    enrollment = EnrollmentFactory()
    entry = ExecutionLogFactory(enrollment=enrollment)
    before = read_feed([enrollment.workspace_id], START, Filters(), 50)
    far = before.end.transaction + 1_000_000
    ExecutionLog.objects.update(stored_in=far)
    hidden = read_feed([enrollment.workspace_id], START, Filters(), 50)
    assert [row["id"] for row in hidden.rows] == []
    past = (timezone.now() - timedelta(minutes=1)).isoformat()
    assert shell("after_restore", "--backup-taken-at", past, "--json").status == 0
    ids = [row["id"] for row in read_feed([enrollment.workspace_id], START, Filters(), 50).rows]
    assert ids[0] == f"log-{entry.pk}"
    with pytest.raises(LostPositionError):
        read_feed([enrollment.workspace_id], Position(far, 1, entry.pk), Filters(), 50)
    new = ExecutionLogFactory(enrollment=enrollment)
    following = read_feed([enrollment.workspace_id], Position(0, 1, entry.pk), Filters(), 50)
    assert [row["id"] for row in following.rows][-1] == f"log-{new.pk}"


def test_a_link_in_a_lost_email_belongs_to_no_other_contact(shell: Shell) -> None:
    lost: Any = SentMessageFactory()
    number, link = lost.pk, "/" + unsubscribe_url(lost.pk).split("/", 3)[3]
    lost.delete()
    with connection.cursor() as cursor:
        # as the restored state has it
        cursor.execute("SELECT setval(pg_get_serial_sequence('emails_emailmessage', 'id'), %s, false)", [number])
    past = (timezone.now() - timedelta(minutes=1)).isoformat()
    assert shell("after_restore", "--backup-taken-at", past, "--json").status == 0
    SentMessageFactory()
    assert Client().get(link).status_code == 404
    assert Client().post(link).status_code == 404
    assert not Suppression.objects.exists()


def test_after_restore_counts_first_and_refuses_invalid_arguments(shell: Shell) -> None:
    past = timezone.now() - timedelta(minutes=1)
    due = EnrollmentFactory(at=past)
    taken_at = past.isoformat()
    tried = shell("after_restore", "--backup-taken-at", taken_at, "--dry-run", "--json").data
    due.refresh_from_db()
    assert due.status == "active"
    assert shell("after_restore", "--backup-taken-at", taken_at, "--json").data == tried
    assert tried == {"enrollments": 1, "messages": 0}
    future = (timezone.now() + timedelta(hours=1)).isoformat()
    assert "lies in the future" in one_error(shell("after_restore", "--backup-taken-at", future), 2)
