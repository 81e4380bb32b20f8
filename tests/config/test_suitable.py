"""What the product refuses to run on, in one line at the start: poolers that lose statements, old servers, clocks."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from common.clocks import measure_offset
from common.suitable import UnsuitableError, check_environment, check_version
from tests.factories import EnrollmentFactory, MailboxFactory, StepFactory
from tests.fakes.pgbouncer import read_version, running_pgbouncer
from tests.faults.processes import ROOT, child_env
from tests.support.programs import find_program, required

ONCE = ("manage.py", "run_executor", "--once")
CLUSTER = ("manage.py", "qcluster")
WEB = ("-c", "import config.wsgi")


@pytest.fixture
def pgbouncer(is_ci: bool) -> str:
    return required(find_program("pgbouncer"), "pgbouncer", is_ci)


def start(url: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = child_env(url, DATABASE_POOL="0", **env)
    return subprocess.run(
        [sys.executable, *args], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(("process", "status"), [(ONCE, 1), (CLUSTER, 1), (WEB, 3)])
def test_a_pooler_that_loses_statements_is_refused_in_one_line(
    process: tuple[str, ...], status: int, pgbouncer: str, database_url: str
) -> None:
    EnrollmentFactory(sequence=StepFactory().sequence)
    off = "max_prepared_statements = 0" if read_version(pgbouncer) >= (1, 21) else ""
    with running_pgbouncer(pgbouncer, f"pool_mode = transaction\n{off}") as url:
        ended = start(url, *process)
    assert ended.returncode == status
    (line,) = ended.stderr.strip().splitlines()
    assert "connection pooler that loses prepared statements" in line
    assert "max_prepared_statements" in line


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["pool_mode = session", "pool_mode = transaction\nmax_prepared_statements = 200"])
def test_the_engine_works_through_a_pooler_that_keeps_statements(mode: str, pgbouncer: str, database_url: str) -> None:
    if "transaction" in mode and read_version(pgbouncer) < (1, 21):
        pytest.skip("this PgBouncer is older than 1.21, which first keeps prepared statements")
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=9)
    enrollment = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, at=timezone.now())
    with running_pgbouncer(pgbouncer, mode) as url:
        ended = start(url, *ONCE, "--stage", "decide", "--json")
    assert (ended.returncode, ended.stdout.strip()) == (0, '{"decided": 1, "delivered": 0}'), ended.stderr
    assert enrollment.messages.get().status == "queued"


@pytest.mark.parametrize(("version", "is_refused"), [(140012, True), (90624, True), (150000, False), (180001, False)])
def test_postgresql_before_15_is_refused(version: int, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(UnsuitableError, match=f"PostgreSQL {version // 10_000} is too old: this needs 15 or newer"):
            check_version(version)
    else:
        check_version(version)


@pytest.mark.django_db
def test_a_clock_that_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_environment()

    def measure_an_hour_ahead(wall: Any) -> float | None:
        return measure_offset(lambda: wall() + timedelta(hours=1))

    monkeypatch.setattr("common.suitable.measure_offset", measure_an_hour_ahead)
    with pytest.raises(
        CommandError, match=r"The clock of this host is 3,[56].. seconds ahead of the database's: set it"
    ):
        call_command("run_executor", "--once", stdout=StringIO())


def test_a_web_server_starts_without_a_database_and_says_so_later(tmp_path: Path) -> None:
    ended = start(f"postgres://absent@/none?host={tmp_path}", *WEB)
    assert (ended.returncode, ended.stderr) == (0, "")
