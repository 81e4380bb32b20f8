"""What django-q2 runs: the same engine as the command, for just under the minute until the next run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from django.conf import settings
from django.utils import timezone

from execution.engine.policy import engine_policy
from execution.worker.runner import Options, Runner

# The schedule is due once a minute, and a worker needs a moment to start the next run.
_RUNS_SECONDS = 57


def run_engine() -> dict[str, int]:
    """Decide and deliver for just under a minute. Safe to run on several hosts, late, or twice."""
    options = Options(
        policy=engine_policy(),
        poll_seconds=settings.EXECUTOR_POLL_SECONDS,
        batch_size=settings.EXECUTOR_BATCH_SIZE,
        kind="qcluster",
        watched_inboxes=settings.IMAP_IDLE_CONNECTIONS,
    )
    runner = Runner(options, timezone.now)
    with _stopping_on_sigterm(runner):
        runner.run(until=timezone.now() + timedelta(seconds=_RUNS_SECONDS))
    return {"decided": runner.decided, "delivered": runner.delivered}


@contextmanager
def _stopping_on_sigterm(runner: Runner) -> Iterator[None]:
    """A signal to the whole process group reaches workers too: finish the batch and release the leases first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        runner.ask_to_stop()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if received:
            signal.raise_signal(signal.SIGTERM)
