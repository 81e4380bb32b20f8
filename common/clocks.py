"""The host's clock, compared with the database's: every host of an installation must agree with it.

Durable times (leases, slots, due times) are written with the host's clock and read by all hosts. A clock that leaps is
noticed at once, by the monotonic clock; one that was wrong from the start, at the next comparison.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from common.db import fetch_all

#: Off by more, a worker takes nothing. Less than half a lease, so that no lease is taken over while it is held.
MOST_OFF_SECONDS = 20.0
# An answer that took longer says too little about the time.
_LONGEST_READING_SECONDS = 5.0

Clock = Callable[[], datetime]


def measure_offset(wall: Clock) -> float | None:
    """By how many seconds `wall` is ahead of the database's clock; negative: behind. None: the answer took too long."""
    started_at = wall()
    started = time.monotonic()
    database_at: datetime = fetch_all("SELECT clock_timestamp() AS at", {})[0]["at"]
    took = time.monotonic() - started
    if took > _LONGEST_READING_SECONDS:
        return None
    return (started_at - database_at).total_seconds() + took / 2


def describe_offset(seconds: float) -> str:
    """Such as `3,600 seconds ahead of the database's`."""
    return f"{abs(seconds):,.0f} seconds {'ahead of' if seconds > 0 else 'behind'} the database's"


def is_wrong(offset_seconds: float) -> bool:
    return abs(offset_seconds) > MOST_OFF_SECONDS


def is_right(clock: Clock) -> bool:
    """Whether work may be taken by it. A driven clock of a test or of the simulation is right by definition."""
    return not isinstance(clock, CheckedClock) or clock.is_right()


class CheckedClock:
    """Call it for the time: the host's while that is right, else the database's, continued by the monotonic clock.

    `compare` it regularly. May be used by any number of threads.
    """

    def __init__(self, wall: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._base = (wall(), monotonic())

    def __call__(self) -> datetime:
        wall_at, expected_at = self._wall(), self._expect()
        return expected_at if is_wrong((wall_at - expected_at).total_seconds()) else wall_at

    def offset_seconds(self) -> float:
        """By how much the host's clock is ahead of what it should show now."""
        return (self._wall() - self._expect()).total_seconds()

    def is_right(self) -> bool:
        return not is_wrong(self.offset_seconds())

    def compare(self) -> float:
        """Ask the database for its time. Returns `offset_seconds`. Raises `psycopg.Error`."""
        offset = measure_offset(self._wall)
        if offset is not None:
            self._base = (self._wall() - timedelta(seconds=offset), self._monotonic())
        return self.offset_seconds()

    def _expect(self) -> datetime:
        base_at, base = self._base
        return base_at + timedelta(seconds=self._monotonic() - base)
