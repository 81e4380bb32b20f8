"""What django-q2 runs: the same engine as the command, for just under the minute until the next run."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from common.clocks import CheckedClock
from execution.engine.policy import engine_policy
from execution.worker.options import Options
from execution.worker.runner import Runner
from execution.worker.stop_requests import on_stop

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
        stop_wait_seconds=settings.STOP_WAIT_SECONDS,
    )
    runner = Runner(options, CheckedClock(timezone.now))
    with on_stop(runner.ask_to_stop):
        runner.run(until=runner.clock() + timedelta(seconds=_RUNS_SECONDS))
    return {"decided": runner.decided, "delivered": runner.delivered}
