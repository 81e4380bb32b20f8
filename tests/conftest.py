"""Fixtures that every test may use. Must not hold anything that belongs to one area only."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection, connections
from hypothesis import HealthCheck, settings
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tests.support.shell import Ended, Shell

# Slow is no failure on a busy machine; what is tried is chance on a developer's machine, and the same each time in CI.
settings.register_profile(
    "product",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI", "").lower() in {"1", "true"},
)
settings.load_profile("product")


@pytest.fixture(scope="session", autouse=True)
def throttles_with_the_real_clock() -> None:
    """DRF keeps the clock of the moment in which it is imported: not while a test holds it still."""
    importlib.import_module("rest_framework.throttling")


@pytest.fixture(scope="session")
def is_ci() -> bool:
    """Whether a missing tool (Chromium, dovecot) is a failure: CI installs everything, a laptop may skip."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The test's own database as a DATABASE_URL, for processes that the test starts; they see committed rows only."""
    parts = connection.get_connection_params()
    secret = f":{quote(parts['password'], safe='')}" if parts.get("password") else ""
    options = "&".join(f"{key}={quote(str(parts[key]), safe='')}" for key in ("host", "port") if parts.get(key))
    return f"postgres://{quote(parts.get('user', ''), safe='')}{secret}@/{parts['dbname']}?{options}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Before the first database is made: drop what killed runs left on the embedded server."""
    embedded = connection.settings_dict["ENGINE"] == "config.embedded_postgres"
    if not embedded or os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        return
    parts = connection.get_connection_params()
    with psycopg.connect(
        dbname="postgres", host=parts["host"], port=parts["port"], user=parts["user"], autocommit=True
    ) as server:
        for (name,) in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test_run_%'").fetchall():
            run = re.match(r"test_run_(\d+)", name)
            if run and not psutil.pid_exists(int(run[1])):
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


PATIENT = "600s"


def bound_idleness(limit: str | None) -> None:
    """How long a session of the test database may stand in a transaction; None: as the product asks for."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    setting = "idle_in_transaction_session_timeout"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} " + (f"SET {setting} = '{limit}'" if limit else f"RESET {setting}"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Before the database is dropped: end the sessions that a thread or a process of some test has kept open.

    PostgreSQL refuses to drop a database with open connections, and that would fail the run's last test.
    """
    with django_db_blocker.unblock():
        bound_idleness(PATIENT)
        # the next connection takes it up
        connection.close()
    yield
    with django_db_blocker.unblock():
        # a connection of its own: this thread's may be among those that a test has had ended
        ending = connection.copy()
        try:
            with ending.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        finally:
            ending.close()
            connection.close()


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Runs a management command as the shell does: arguments as text, exit status and both outputs back."""
    # The connection belongs to the test's transaction.
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(name: str, *args: str | Path) -> Ended:
        capsys.readouterr()
        status = 0
        try:
            load_command_class(get_commands()[name], name).run_from_argv(["manage.py", name, *map(str, args)])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        output = capsys.readouterr()
        return Ended(status, output.out, output.err)

    return run
