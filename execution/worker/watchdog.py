"""Notices a cluster that looks alive and runs no engine: a schedule fell due, and no engine has sent a heartbeat since.

The last resort for whatever stops jobs without ending a process. Measures on the monotonic clock, so that a host clock
that leaps ends nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Schedule

from execution.models import Worker
from execution.worker.schedules import ENGINE_FUNCTION

SILENT_SECONDS = 90.0
_CHECK_SECONDS = 5.0

log = logging.getLogger(__name__)


class Watchdog:
    """`check` it now and then. `monotonic` is a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._due_since: float | None = None
        self._last_beat: Any = None
        self._last_runs: list[Any] | None = None

    def check(self) -> float:
        """For how many seconds an engine has been due without a heartbeat; 0 while all is well."""
        now = timezone.now()
        beat = Worker.objects.filter(kind="qcluster").aggregate(at=Max("heartbeat_at"))["at"]
        runs = list(Schedule.objects.filter(func=ENGINE_FUNCTION).order_by("id").values_list("id", "next_run"))
        # a schedule that has moved on has put a job into the queue
        has_moved = self._last_runs is not None and runs != self._last_runs
        is_due = has_moved or any(at is not None and at <= now for _, at in runs) or get_broker().queue_size() > 0
        if beat != self._last_beat:
            self._due_since = None
        elif is_due and self._due_since is None:
            self._due_since = self._monotonic()
        self._last_beat, self._last_runs = beat, runs
        return 0.0 if self._due_since is None else self._monotonic() - self._due_since

    def forget(self) -> None:
        """Start over: for a while nothing was known."""
        self._due_since = None


def watch(ended: threading.Event, report: Callable[[str], None]) -> None:
    """Check until `ended` is set; `report` why the cluster must end, at most once."""
    watchdog = Watchdog()
    try:
        while not ended.wait(_CHECK_SECONDS):
            try:
                seconds = watchdog.check()
            except (DatabaseError, InterfaceError) as error:
                # without a database no engine can run: that is no fault of the cluster
                log.debug("the watchdog cannot read the database: %s", error)
                connection.close()
                watchdog.forget()
                continue
            if seconds >= SILENT_SECONDS:
                report(f"a schedule is due and no engine has sent a heartbeat for {seconds:.0f} seconds")
                return
    finally:
        connection.close()
