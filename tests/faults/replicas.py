"""A primary and a streaming standby of the embedded PostgreSQL's own programs, on sockets of their own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.db import connection, connections

from common import timelines
from config.embedded_postgres.account import find_account
from config.embedded_postgres.server import DATABASE, SUPERUSER, EmbeddedPostgres
from tests.faults.processes import has_ended, wait_until

_OPTIONS = "-c listen_addresses= -c unix_socket_directories={folder} -c port=5432 -c fsync=off -c max_connections=80"


class Replica:
    """One server, primary or standby, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._embedded = EmbeddedPostgres(data_dir=folder)
        self._account = find_account(folder)

    def program(self, name: str, *args: str) -> None:
        done = self._embedded._run(self._account, self._embedded._binary(name, self._account), *args)
        log = self.folder / "server.log"
        assert done.returncode == 0, f"{done.stderr}\n{log.read_text() if log.exists() else ''}"

    def start(self) -> None:
        log = str(self.folder / "server.log")
        self.program(
            *("pg_ctl", "-D", str(self.folder), "-w", "-l", log),
            *("-o", _OPTIONS.format(folder=self.folder), "start"),
        )

    def promote(self) -> None:
        self.program("pg_ctl", "-D", str(self.folder), "-w", "promote")

    def stop(self) -> None:
        self.program("pg_ctl", "-D", str(self.folder), "-w", "-m", "immediate", "stop")

    def is_running(self) -> bool:
        return (self.folder / "postmaster.pid").exists() and psutil.pid_exists(self._pid())

    def _pid(self) -> int:
        return int((self.folder / "postmaster.pid").read_text().splitlines()[0])

    def kill(self) -> None:
        """With all its processes, as sudden as a power cut."""
        postmaster = psutil.Process(self._pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: all(has_ended(process) for process in family), "the server is gone")
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        (self.folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def fetch(self, sql: str) -> Any:
        with psycopg.connect(
            host=str(self.folder), port=5432, user=SUPERUSER, dbname=DATABASE, autocommit=True
        ) as server:
            cursor = server.execute(sql.encode())
            row = cursor.fetchone() if cursor.description else None
        return row and row[0]


class Replicas:
    """`first` is the primary, `second` its standby."""

    def __init__(self, first: Replica, second: Replica) -> None:
        self.first, self.second = first, second
        self.hosts = f"{first.folder},{second.folder}"
        self.url = f"postgres://{SUPERUSER}@/{DATABASE}?host={self.hosts}&port=5432,5432"

    def replicate_synchronously(self) -> None:
        self.first.fetch("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.first.fetch("SELECT pg_reload_conf()")
        sql = "SELECT sync_state IN ('sync', 'quorum') FROM pg_stat_replication"
        wait_until(lambda: self.first.fetch(sql), "the standby is synchronous")

    def hold_back(self) -> None:
        """From now on the standby receives nothing."""
        psutil.Process(self.first.fetch("SELECT pid FROM pg_stat_replication")).send_signal(signal.SIGSTOP)

    def wait_for_standby(self) -> None:
        lsn = self.first.fetch("SELECT pg_current_wal_lsn()")
        sql = f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"
        wait_until(lambda: self.second.fetch(sql), "the standby has everything")

    def fail_over(self) -> None:
        self.first.kill()
        self.second.promote()


def own_folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir(mode=0o700)
    find_account(Path("/nonexistent")).own(folder)
    return folder


@contextmanager
def template(prepare: Callable[[], object]) -> Iterator[Path]:
    """A stopped server's folder, with the database that `prepare` has filled."""
    home = Path(tempfile.mkdtemp(prefix="replicas-"))
    home.chmod(0o755)
    replica = Replica(own_folder(home, "template"))
    initdb = ("-D", str(replica.folder), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-sync")
    try:
        replica.program("initdb", *initdb, "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8")
        replica.start()
        try:
            with psycopg.connect(
                host=str(replica.folder), port=5432, user=SUPERUSER, dbname="postgres", autocommit=True
            ) as server:
                server.execute(f"CREATE DATABASE {DATABASE}".encode())
            with connected_to(str(replica.folder), "5432"):
                prepare()
        finally:
            replica.program("pg_ctl", "-D", str(replica.folder), "-w", "-m", "fast", "stop")
        yield replica.folder
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_replicas(source: Path) -> Iterator[Replicas]:
    home = Path(tempfile.mkdtemp(prefix="replicas-"))
    home.chmod(0o755)
    subprocess.run(["cp", "-a", str(source), str(home / "a")], check=True)
    first = Replica(home / "a")
    second = Replica(own_folder(home, "b"))
    try:
        first.start()
        base = ("-h", str(first.folder), "-p", "5432", "-U", SUPERUSER, "-D", str(second.folder))
        second.program("pg_basebackup", *base, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        # copied with the data
        (second.folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        second.start()
        wait_until(lambda: first.fetch("SELECT count(*) FROM pg_stat_replication"), "the standby streams")
        yield Replicas(first, second)
    finally:
        for replica in (first, second):
            if replica.is_running():
                replica.kill()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def connected_to(hosts: str, ports: str) -> Iterator[None]:
    """This process's connections, of all threads, go there for a while."""
    address: dict[str, Any] = {
        "ENGINE": "config.several_hosts" if "," in hosts else "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": SUPERUSER,
        "PASSWORD": "",
        "HOST": hosts,
        "PORT": ports,
        "OPTIONS": {},
    }
    settings, kept_connection = connections.settings["default"], connections["default"]
    kept = {name: settings[name] for name in address}
    connection.close()
    settings.update(address)
    connections["default"] = connections.create_connection("default")
    # the copies of one template share their identifier, and each begins again
    timelines._newest.clear()
    try:
        yield
    finally:
        connection.close()
        settings.update(kept)
        connections["default"] = kept_connection
