"""The embedded server with real processes: made once, shared, killed, moved, refused."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from config.embedded_postgres import server as server_module
from config.embedded_postgres.account import ServerAccount, is_reachable
from config.embedded_postgres.base import DatabaseWrapper
from config.embedded_postgres.errors import EmbeddedPostgresError
from config.embedded_postgres.server import DATABASE, EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
ANSWER = """
import sys
from pathlib import Path
from config.embedded_postgres.server import EmbeddedPostgres
found = EmbeddedPostgres(Path(sys.argv[1]), durable=False).ensure_running()
print((Path(sys.argv[1]) / "postmaster.pid").read_text().split()[0], found.directory)
"""


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[[Path], EmbeddedPostgres]]:
    """Servers that end with the test, together with data that had to live outside `tmp_path`."""
    made: list[EmbeddedPostgres] = []

    def make(data_dir: Path) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(data_dir, durable=False))
        return made[-1]

    yield make
    for each in made:
        each.stop()
        shutil.rmtree(each.data_dir.resolve(), ignore_errors=True)


def query(server: EmbeddedPostgres, sql: str) -> str:
    found = server.ensure_running()
    with psycopg.connect(
        dbname=DATABASE, host=str(found.directory), port=found.port, user=found.user, autocommit=True
    ) as database:
        cursor = database.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


def postmaster_of(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data_dir / "postmaster.pid").read_text().split()[0]))


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill(server: EmbeddedPostgres) -> None:
    """Kill, and go on as soon as it is dead: before its parent has collected it, when it still looks alive to many."""
    process = postmaster_of(server)
    process.send_signal(signal.SIGKILL)
    while is_alive(process):
        pass


def test_many_processes_at_once_make_and_share_one_server(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres]
) -> None:
    server = make_server(tmp_path / "pg")
    started = [
        subprocess.Popen([sys.executable, "-c", ANSWER, server.data_dir], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert answers == {f"{postmaster_of(server).pid} {server.ensure_running().directory}\n"}


def test_killed_server_is_started_again_with_what_was_committed(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres]
) -> None:
    server = make_server(tmp_path / "pg")
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    before = postmaster_of(server).pid
    kill(server)
    assert query(server, "SELECT answer FROM kept") == "42"
    assert postmaster_of(server).pid != before


@pytest.mark.parametrize("pool", [False, True])
def test_connection_of_django_survives_a_killed_server(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres], django_db_blocker: DjangoDbBlocker, pool: bool
) -> None:
    server = make_server(tmp_path / "pg")
    options = {
        "data_dir": str(server.data_dir),
        "durable": False,
        **({"pool": {"min_size": 0, "max_size": 2}} if pool else {}),
    }
    database = DatabaseWrapper(
        {**connection.settings_dict, "NAME": DATABASE, "OPTIONS": options, "CONN_MAX_AGE": 0}, alias=f"own-{pool}"
    )
    try:
        for _ in range(2):
            with django_db_blocker.unblock(), database.cursor() as cursor:
                cursor.execute("SELECT current_setting('max_connections')::int, current_setting('fsync')")
                assert cursor.fetchone() == (200, "off")
            database.close()
            kill(server)
    finally:
        database.close()
        if pool:
            database.close_pool()


def test_stopped_server_leaves_no_process_and_starts_again(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres]
) -> None:
    server = make_server(tmp_path / "pg")
    assert server.stop() is False, "nothing was made yet"
    server.ensure_running()
    process = postmaster_of(server)
    assert server.stop() is True
    assert not is_alive(process)
    assert server.stop() is False
    assert query(server, "SELECT 1") == "1"


def test_attempt_that_was_killed_half_way_is_cleared_away(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres], monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    home = Path(f"/tmp/sequence-executor-test-{os.getpid()}")
    # the programs may lie in a directory that only root enters, as in a clone in root's home
    monkeypatch.setattr(
        server_module, "is_reachable", lambda path, account: path.is_relative_to(home) or is_reachable(path, account)
    )
    home.mkdir(mode=0o755)
    try:
        half = home / "pg.new-killed"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        server = make_server(home / "pg")
        assert query(server, "SELECT 1") == "1"
        assert sorted(path.name for path in home.iterdir()) == ["pg", "pg.lock"]
        server.stop()
    finally:
        shutil.rmtree(home)


@pytest.mark.parametrize("name", ["deep" * 30, "with space, and 'quotes'"])
def test_directory_that_no_socket_fits_in_works(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres], name: str
) -> None:
    server = make_server(tmp_path / name / "pg")
    assert query(server, "SELECT 1") == "1"
    directory = server.ensure_running().directory
    assert directory.stat().st_mode & 0o077 == 0
    assert len(str(directory)) < 100


def test_server_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres]
) -> None:
    server = make_server(tmp_path / "pg")
    server.ensure_running()
    server.stop()
    with (server.data_dir / "postgresql.conf").open("a") as config:
        config.write("shared_buffers = nonsense\n")
    with pytest.raises(EmbeddedPostgresError, match=r"server\.log\. Or set DATABASE_URL") as refused:
        server.ensure_running()
    assert "\n" not in str(refused.value)


def test_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"Not a directory|File exists"):
        EmbeddedPostgres(tmp_path / "file" / "pg").ensure_running()


@pytest.mark.skipif(not AS_ROOT, reason="only root's files can be out of the server's reach")
def test_database_of_a_checkout_that_only_root_can_enter_lives_elsewhere(
    tmp_path: Path, make_server: Callable[[Path], EmbeddedPostgres]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = make_server(closed / "pg")
    assert query(server, "SELECT 1") == "1"
    assert server.data_dir.is_symlink()
    assert closed.stat().st_mode & 0o077 == 0, "nothing was opened up"
    assert postmaster_of(server).uids().real != 0


@pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
def test_ordinary_user_runs_the_server_as_themselves() -> None:
    other = pwd.getpwnam("nobody")  # codespell:ignore nobody
    account = ServerAccount(other.pw_name, other.pw_uid, other.pw_gid, switched=True)
    if not (is_reachable(Path(sys.executable).resolve(), account) and is_reachable(ROOT, account)):
        pytest.skip("this interpreter is in a place that only root can enter")
    home = Path(f"/tmp/sequence-executor-other-{os.getpid()}")
    home.mkdir()
    os.chown(home, other.pw_uid, other.pw_gid)
    server = EmbeddedPostgres(home / "pg", durable=False)
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-c", ANSWER, server.data_dir],
            cwd=ROOT,
            user=other.pw_uid,
            group=other.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert postmaster_of(server).uids().real == other.pw_uid
        assert query(server, "SELECT 1") == "1", "root finds the same server"
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.mark.django_db
def test_suite_runs_on_a_real_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int >= 140000, lower('ÄÖ')")
        assert cursor.fetchone() == (True, "äö")
    assert settings.DATABASES["default"]["ENGINE"] in {"config.embedded_postgres", "django.db.backends.postgresql"}
