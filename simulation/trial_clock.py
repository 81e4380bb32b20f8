"""A clock that stands still until it is put forward, shared with the processes that a trial forks."""

from __future__ import annotations

import itertools
import mmap
import struct
from datetime import UTC, datetime, timedelta

from common.clocks import CheckedClock

_FORMAT = "<q"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TrialClock:
    """Call it for the time. A child that was stopped and goes on reads the time of its parent."""

    def __init__(self, start_at: datetime) -> None:
        self._shared = mmap.mmap(-1, struct.calcsize(_FORMAT))
        self._set(start_at)

    def __call__(self) -> datetime:
        (microseconds,) = struct.unpack(_FORMAT, self._shared[:])
        return _EPOCH + timedelta(microseconds=microseconds)

    def advance_to(self, at: datetime) -> None:
        """A moment that has passed changes nothing."""
        self._set(max(at, self()))

    def _set(self, at: datetime) -> None:
        self._shared[:] = struct.pack(_FORMAT, (at - _EPOCH) // timedelta(microseconds=1))


def leaping_clock(clock: TrialClock, after: int, leap: timedelta) -> CheckedClock:
    """The checked clock of a host that leaps when it has been read `after` times; its monotonic clock goes on."""
    left = itertools.count(after, -1)
    return CheckedClock(lambda: clock() + (leap if next(left) <= 0 else timedelta(0)), lambda: clock().timestamp())
