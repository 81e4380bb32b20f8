"""What django-q2 runs: the same engine as the command, for just under the minute until the next run."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from execution.policy import engine_policy
from execution.runner import Options, Runner

# The scheduler comes by once a minute, and a worker needs a moment to start the next one.
_RUNS_SECONDS = 57


def run_engine() -> dict[str, int]:
    """Decide and deliver for just under a minute. On several hosts, or late, or twice: harmless."""
    options = Options(
        policy=engine_policy(),
        poll_seconds=settings.EXECUTOR_POLL_SECONDS,
        batch_size=settings.EXECUTOR_BATCH_SIZE,
        kind="qcluster",
        watched_inboxes=settings.IMAP_IDLE_CONNECTIONS,
    )
    runner = Runner(options, timezone.now)
    runner.run(until=timezone.now() + timedelta(seconds=_RUNS_SECONDS))
    return {"decided": runner.decided, "delivered": runner.delivered}
