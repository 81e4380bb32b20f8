"""A thread pool that serves items of unequal servers fairly. The rules are those of `common.fair_share`.

Each thread takes one item, serves it, and takes the next: there are no rounds, so none waits for the slowest. Threads
are started when there is work and none is idle. What an item is, and how it is claimed, is the caller's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from common.fair_share import FairShare, Shares, Turn, Work


class Job(Protocol):
    """A claimed item."""

    @property
    def work(self) -> Work: ...

    def run(self, turn: Turn) -> None:
        """Serve it and release it. Calls `turn.progress` when a part of it is done."""

    def give_back(self) -> None:
        """Release it untouched: others have taken its share in the meantime."""


class Dispatcher:
    """`wake` it when there may be work; `stop` and `join` end it. Several, one after the other, may use the same share.

    `take` claims what may start now, None when nothing is due. `rest` is called before a thread waits, `on_error` with
    every exception that `take` or a job raises, and `around` surrounds the life of each thread.
    """

    def __init__(
        self,
        name: str,
        share: FairShare,
        take: Callable[[Shares], Job | None],
        *,
        on_error: Callable[[Exception], None],
        rest: Callable[[], None] = lambda: None,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        poll_seconds: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._share = share
        self._take = take
        self._on_error = on_error
        self._rest = rest
        self._around = around
        self._poll_seconds = poll_seconds
        self._monotonic = monotonic
        self._lock = share.lock
        self._changed = threading.Condition(self._lock)
        self._threads: set[threading.Thread] = set()
        self._idle: list[threading.Event] = []
        self._calls = 0
        self._is_stopping = False
        self._asked_at = monotonic()

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    @property
    def asked_at(self) -> float:
        """Monotonic time at which a thread last asked for work: recent as long as any thread is free."""
        return self._asked_at

    def wake(self) -> None:
        """Let one thread look for work; the one that finds some wakes the next."""
        with self._lock:
            self._calls += 1
            if self._is_stopping:
                return
            if self._idle:
                self._idle.pop().set()
            elif len(self._threads) < self._share.most_threads(self._monotonic()):
                thread = threading.Thread(target=self._live, daemon=True, name=self._name)
                self._threads.add(thread)
                thread.start()

    def stop(self) -> None:
        """Take nothing new. Jobs learn of it by `is_stopping`."""
        with self._lock:
            self._is_stopping = True
            while self._idle:
                self._idle.pop().set()

    def join(self, seconds: float) -> bool:
        """Wait so long for the running jobs. Returns whether all have ended."""
        with self._lock:
            return self._changed.wait_for(lambda: not self._threads, max(seconds, 0))

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait so long until no thread finds work. Returns whether that is so."""
        with self._lock:
            return self._changed.wait_for(lambda: len(self._idle) == len(self._threads), max(seconds, 0))

    def _live(self) -> None:
        try:
            with self._around():
                while self._may_stay():
                    try:
                        self._serve_next()
                    except Exception as error:
                        self._on_error(error)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
                self._changed.notify_all()

    def _may_stay(self) -> bool:
        with self._lock:
            return not self._is_stopping and len(self._threads) <= self._share.most_threads(self._monotonic())

    def _serve_next(self) -> None:
        with self._lock:
            calls = self._calls
            shares = self._share.view(self._monotonic())
        job = self._take(shares)
        self._asked_at = self._monotonic()
        if job is None:
            self._wait(calls)
            return
        with self._lock:
            turn = None if self._is_stopping else self._share.start(job.work, self._monotonic())
        if turn is None:
            # another thread has taken the share since `view`, or the pool stops
            job.give_back()
            return
        self.wake()
        try:
            job.run(turn)
        finally:
            with self._lock:
                self._share.finish(turn, self._monotonic())

    def _wait(self, calls: int) -> None:
        """Until woken, or for `poll_seconds`; not at all when there was a call since the last look."""
        self._rest()
        woken = threading.Event()
        with self._lock:
            if self._calls != calls or self._is_stopping:
                return
            self._idle.append(woken)
            self._changed.notify_all()
        woken.wait(self._poll_seconds)
        with self._lock:
            if woken in self._idle:
                self._idle.remove(woken)
