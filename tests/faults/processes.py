"""Real processes for the fault tests: executors, a mail server, a process that runs commands, and how to wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0
_never = threading.Event()


def wait_until(is_so: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """The first true answer. Fails with `what` after the deadline; asks often, so a slow machine only takes longer."""
    deadline = time.monotonic() + seconds
    while not (answer := is_so()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        _never.wait(0.03)
    return answer


def child_env(database_url: str, **more: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings", **more}


class CommandProcess:
    """A loaded process whose forked children run commands and kill themselves at a named point."""

    def __init__(self, database_url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.command_process"],
            cwd=ROOT,
            env=child_env(database_url, LOG_LEVEL="CRITICAL"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *argv: str, point: str = "", nth: int = 1) -> bool:
        """Run a command; true if it was killed at the point, false if it came to its own end."""
        return bool(self._ask({"argv": argv, "point": point, "nth": nth})["killed"])

    def start(self, *argv: str, slow_seconds: float = 0.0) -> psutil.Process:
        """Start a command within milliseconds and leave it running; each of its emails takes `slow_seconds` longer."""
        return psutil.Process(self._ask({"argv": argv, "slow_seconds": slow_seconds})["pid"])

    def freeze(self, *argv: str, point: str) -> psutil.Process:
        """Start a command that stands still once it has come to the point, with all its locks."""
        order = {"argv": argv, "point": point, "nth": 1, "freezes": True, "slow_seconds": 0}
        return psutil.Process(self._ask(order)["pid"])

    def _ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=DEADLINE_SECONDS)
        self._process.stdout.close()


def kill(process: psutil.Process) -> None:
    """As sudden as a power cut; returns when it is gone."""
    process.kill()
    wait_until(lambda: has_ended(process), "the killed process is gone")


def has_ended(process: psutil.Process) -> bool:
    """Its parent collects it later: until then it is a zombie."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Executor:
    """One `manage.py run_executor` process; `prelude` runs in it before the command."""

    def __init__(self, database_url: str, *argv: str, prelude: str = "", log: Path | None = None, **env: str) -> None:
        run = "from django.core.management import execute_from_command_line as run"
        code = f"{prelude}\n{run}\nrun({['manage.py', *argv]!r})"
        self._log = log.open("ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=child_env(database_url, **env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """As sudden as a power cut; a stopped process is killed too."""
        self.process.kill()
        self._end()

    def stop(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Ask politely; its exit status."""
        self.process.terminate()
        self.process.wait(timeout=seconds)
        return self._end()

    def _end(self) -> int:
        status = self.process.wait(timeout=DEADLINE_SECONDS)
        if not isinstance(self._log, int):
            self._log.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        else:
            self._end()


@contextmanager
def mail_server_process(record: Path, rules: Sequence[str] = ()) -> Iterator[int]:
    """The scripted mail server in a process of its own, which no test can take down with it. Yields its port."""
    arguments = [part for rule in rules for part in ("--rule", rule)]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulation.mail_server", "--record", str(record), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(json.loads(process.stdout.readline())["port"])
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_SECONDS)
        process.stdout.close()
