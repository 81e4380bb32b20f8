"""Which lanes of this process are sending now, so that a stop waits for answers that are outstanding.

Must not decide when to stop: the worker does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emails.transport.send_result import Transport

log = logging.getLogger(__name__)


class UnderWay:
    """The transports in use, by the thread that serves a lane with them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lanes: dict[int, Sequence[Transport]] = {}
        self._timer: threading.Timer | None = None

    @contextmanager
    def serving(self) -> Iterator[None]:
        """This thread serves a lane: messages are marked, sent, their results recorded, and the lane is released."""
        with self._changed:
            self._lanes[threading.get_ident()] = ()
        try:
            yield
        finally:
            with self._changed:
                del self._lanes[threading.get_ident()]
                self._changed.notify_all()

    def use(self, transports: Sequence[Transport]) -> None:
        """The lane that this thread serves is served by these."""
        with self._changed:
            self._lanes[threading.get_ident()] = transports

    def count(self) -> int:
        with self._changed:
            return len(self._lanes)

    def break_off(self) -> None:
        """End whatever no server can have accepted yet: those messages go back into their queues."""
        with self._changed:
            lanes = list(self._lanes.values())
        for transports in lanes:
            for transport in transports:
                transport.break_off()

    def break_off_after(self, seconds: float) -> None:
        """The same, after the dialogues had so long to come to their end."""
        self._timer = threading.Timer(seconds, self.break_off)
        self._timer.daemon = True
        self._timer.start()

    def finish(self, seconds: float) -> None:
        """Break off what can be, and wait up to so many seconds for the answers that are outstanding."""
        if self._timer is not None:
            self._timer.cancel()
        self.break_off()
        if lanes := self.count():
            log.info("stopping: %d sending queues wait for the answers of their servers", lanes)
        if not self.wait(seconds):
            log.warning("servers have not answered in time, the results of their messages stay unknown")

    def wait(self, seconds: float) -> bool:
        """Whether every lane has come to its end within so many seconds. No new ones may begin."""
        ends_at = time.monotonic() + seconds
        with self._changed:
            while self._lanes:
                left = ends_at - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return not self._lanes
        return True


# One per process, because sends outlive the job that began them.
UNDER_WAY = UnderWay()
