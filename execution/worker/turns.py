"""When each loop of an executor had its last turn, for the heartbeat: a loop that stands still is seen by its age."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from common.dispatcher import Dispatcher
from emails.sending.delivery import Clock

# A thread that waits looks around at least this often: the age of its last turn stays below.
LONGEST_WAIT_SECONDS = 30.0


class LoopTurns:
    """Written by the loops, read by the one that sends the heartbeat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turned_at: dict[str, datetime] = {}

    def note(self, loop: str) -> None:
        self._turned_at[loop] = self._clock()

    def wait(self, event: threading.Event, seconds: float, loop: str) -> bool:
        """Whether the event came in time. The last turn of the loop stays recent in the meantime."""
        ends_at = time.monotonic() + seconds
        while not event.is_set() and (left := ends_at - time.monotonic()) > 0:
            self.note(loop)
            event.wait(min(left, LONGEST_WAIT_SECONDS))
        return event.is_set()

    def read(self, pools: Mapping[str, Dispatcher]) -> dict[str, datetime]:
        """By loop; of a pool, when one of its threads last asked for work."""
        now, at = self._clock(), time.monotonic()
        asked = {name: now - timedelta(seconds=at - pool.asked_at) for name, pool in pools.items()}
        return {**self._turned_at, **asked}
