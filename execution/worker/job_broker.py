"""A broker for django-q2 that takes no more jobs than it has free workers, and leaves the rest to other hosts.

django-q2's own broker takes jobs in advance. An engine's job lasts a minute, so one host would keep jobs that a host
with free workers could run, and would still have to run them after it was asked to stop.
"""

from __future__ import annotations

import time
from typing import Any

from django_q.brokers.orm import ORM
from django_q.conf import Conf

# No job lasts longer: one that is still there then was taken by a worker that has died.
_LASTS_SECONDS = 80.0


class FreeWorkersBroker(ORM):
    """One per process; it remembers the jobs it has taken. A job's row is deleted when the job has ended."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._taken: dict[int, float] = {}

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._taken = {}

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Jobs for the workers, or None after a short wait."""
        if self._count_running() >= Conf.WORKERS:
            time.sleep(Conf.POLL)
            return None
        jobs: list[tuple[Any, str]] | None = super().dequeue()
        self._taken |= {pk: time.monotonic() for pk, _ in jobs or ()}
        return jobs

    def _count_running(self) -> int:
        if self._taken:
            there = set(self.get_connection().filter(pk__in=self._taken).values_list("pk", flat=True))
            since = time.monotonic() - _LASTS_SECONDS
            self._taken = {pk: at for pk, at in self._taken.items() if pk in there and at > since}
        return len(self._taken)
