"""A real PgBouncer before the tests' database, as an account that it runs as (it refuses root)."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from config.embedded_postgres.account import find_account
from tests.faults.processes import DEADLINE_SECONDS, wait_until

_CONFIG = """
[databases]
* = host={host} port={port} user={user}{password}

[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
unix_socket_mode = 0777
listen_port = 6432
auth_type = any
logfile = {folder}/pgbouncer.log
default_pool_size = 20
{mode}
"""


def read_version(program: str) -> tuple[int, int]:
    """Prepared statements are kept over transactions from 1.21 on."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", shown)
    assert found is not None, shown
    return int(found[1]), int(found[2])


@contextmanager
def running_pgbouncer(program: str, mode: str) -> Iterator[str]:
    """Yields the DATABASE_URL that leads through it to the test's own database. `mode`: lines of its configuration."""
    account = find_account(Path("/nonexistent"))
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    account.own(folder)
    params = connection.get_connection_params()
    config = folder / "pgbouncer.ini"
    password = f" password={params['password']}" if params.get("password") else ""
    config.write_text(
        _CONFIG.format(
            host=params.get("host") or "127.0.0.1",
            port=params.get("port") or 5432,
            user=params.get("user", ""),
            password=password,
            folder=folder,
            mode=mode,
        )
    )
    config.chmod(0o644)
    process = subprocess.Popen(
        [program, "-q", str(config)],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **account.subprocess_options(),
    )
    try:
        wait_until(lambda: (folder / ".s.PGSQL.6432").exists() or process.poll() is not None, "the pooler listens")
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield f"postgres://{params.get('user', '')}@/{params['dbname']}?host={folder}&port=6432"
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_SECONDS)
        shutil.rmtree(folder)
