"""Whether a worker may take work: its clock agrees with the database's, and the database is the one it was.

Checked before every heartbeat, so that the ledger still says when the last one was.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime

from common.clocks import CheckedClock, Clock, describe_offset
from emails.sending.lanes import wake_misplaced
from execution import heartbeat
from execution.worker.fence import Fence

log = logging.getLogger(__name__)


class Gate:
    """One per worker, which beats through it. While its clock is wrong, the worker claims nothing and takes no lane.

    What it has in hand goes on. The fence holds all workers, by the state of the executor in the database.
    """

    def __init__(self, worker_id: uuid.UUID, name: str, kind: str, clock: Clock) -> None:
        self._worker_id = worker_id
        self._name = name
        self._kind = kind
        self._clock = clock
        self._fence = Fence(worker_id)
        self._was_right = True

    def start(self) -> None:
        """Check, then send the first heartbeat. Raises `psycopg.Error` and Django's."""
        self._compare_clocks()
        now = self._clock()
        self._fence.check(now)
        wake_misplaced(now)
        heartbeat.start(self._worker_id, self._name, self._kind, now)
        self._fence.note_beat(now)

    def beat(
        self, decided: int, delivered: int, last_processed_at: datetime | None, turns: Mapping[str, datetime]
    ) -> bool:
        """Check, then send a heartbeat. Returns whether the clock has just become right. Raises as `start` does."""
        was_right = self._was_right
        offset = self._compare_clocks()
        now = self._clock()
        self._fence.check(now)
        if not heartbeat.beat(self._worker_id, now, decided, delivered, last_processed_at, turns, offset):
            # a failover has lost that it started
            heartbeat.start(self._worker_id, self._name, self._kind, now)
        self._fence.note_beat(now)
        has_become_right = self._was_right and not was_right
        if has_become_right:
            wake_misplaced(now)
        return has_become_right

    def _compare_clocks(self) -> float | None:
        if not isinstance(self._clock, CheckedClock):
            return None
        offset = self._clock.compare()
        was_right, self._was_right = self._was_right, self._clock.is_right()
        if self._was_right is not was_right:
            what = "work again" if self._was_right else "no work"
            log.warning("the clock is %s: taking %s", describe_offset(offset), what)
        return offset
