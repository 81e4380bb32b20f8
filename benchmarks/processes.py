"""Starts and ends the processes of a run: workers, peers, servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_STOP_SECONDS = 10


class Worker:
    """A process of `benchmarks.worker`."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._process = start("-m", "benchmarks.worker", environment=environment, stdin=subprocess.PIPE)

    def tell(self, way: str, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"way": way, **order}) + "\n")
        self._process.stdin.flush()

    def read_result(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a worker process of the benchmarks has died; its error stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, way: str, **order: Any) -> dict[str, Any]:
        self.tell(way, **order)
        return self.read_result()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        end(self._process)


@contextmanager
def workers(count: int, environment: Mapping[str, str] | None = None) -> Iterator[list[Worker]]:
    started = [Worker(environment) for _ in range(count)]
    try:
        yield started
    finally:
        for worker in started:
            worker.end()


def together(chosen: Sequence[Worker], way: str, **order: Any) -> tuple[int, float]:
    """Send all of them the same request at once. Returns their results, and the seconds until the last was done."""
    began = time.perf_counter()
    for worker in chosen:
        worker.tell(way, **order)
    done = sum(worker.read_result()["done"] for worker in chosen)
    return done, time.perf_counter() - began


def start(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    quiet: bool = False,
) -> subprocess.Popen[str]:
    """A Python process with its standard output to be read; `quiet` discards all other output."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=stdin,
        stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.settings", **(environment or {})},
    )


def end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def redis_server() -> Iterator[str | None]:
    """The URL of a Redis server of our own on a Unix socket, without persistence; None where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "redis.sock"
        command = [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
        with subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL) as process:
            try:
                wait_until(path.exists, "redis-server listens")
                yield f"unix://{path}"
            finally:
                process.terminate()


def wait_until(condition: Any, what: str, seconds: float = 60, pause: float = 0.05) -> None:
    """Raises `RuntimeError` when it does not happen in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(pause)
