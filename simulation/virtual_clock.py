"""A clock that runs as fast as the wall's and can be put forward over the hours in which nothing happens.

While anything is in hand it ticks in real time, so that leases, time-outs and paces mean what they mean in production.
The caller that advances it must know that nothing is due, and nothing leased, before the new time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from unittest.mock import patch

from django.contrib.humanize.templatetags import humanize
from django.utils import timezone


class VirtualClock:
    """Call it for the time. It never goes back."""

    def __init__(self, start_at: datetime) -> None:
        self._lock = threading.Lock()
        self._base_at = start_at
        self._set_at = time.monotonic()

    def __call__(self) -> datetime:
        with self._lock:
            return self._now()

    def advance_to(self, at: datetime) -> None:
        """Put the clock forward; a moment that has passed changes nothing."""
        with self._lock:
            if at > self._now():
                self._base_at, self._set_at = at, time.monotonic()

    def _now(self) -> datetime:
        return self._base_at + timedelta(seconds=time.monotonic() - self._set_at)


@contextmanager
def living_by(clock: VirtualClock) -> Iterator[None]:
    """Let the whole process live by `clock`: views and commands ask Django for the time and get the virtual one."""

    class Virtual(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock().astimezone(tz)

    # The "ago" of the admin's pages asks the standard library, past Django's clock.
    with patch.object(timezone, "now", clock), patch.object(humanize, "datetime", Virtual):
        yield
