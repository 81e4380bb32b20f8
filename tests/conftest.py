"""Fixtures that every test may use. Must not hold anything that belongs to one area only."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

import psutil
import psycopg
import pytest
from django.db import connection
from psycopg import sql


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
