"""Runs work concurrently on a connection of its own, and tells when its statement waits for a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.db import connection

from common.db import fetch_all
from tests.faults.processes import DEADLINE_SECONDS, wait_until

_WAITING = """
SELECT count(*) AS number FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid = %(pid)s
"""


class ConcurrentWork:
    """Runs `work` in a thread. Leaving the context waits for its end and raises what it raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._pid = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def is_waiting(self) -> bool:
        """Whether its statement waits for a lock. Queries on the caller's connection, without its cached statistics."""
        fetch_all("SELECT pg_stat_clear_snapshot()", {})
        return bool(self._pid and fetch_all(_WAITING, {"pid": self._pid})[0]["number"])

    def run_until_blocked(self) -> None:
        """Return when it has ended or waits for a lock."""
        wait_until(lambda: self.has_ended or self.is_waiting, "the other transaction ends or waits")

    def join(self) -> None:
        self._thread.join(DEADLINE_SECONDS)
        assert self.has_ended, "the other transaction never ended"
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            self._pid = fetch_all("SELECT pg_backend_pid() AS pid", {})[0]["pid"]
            self._work()
        except BaseException as error:
            self._error = error
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.join()
