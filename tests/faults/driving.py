"""A clock that tests move, and the engine run by it in this process."""

from __future__ import annotations

from datetime import datetime, timedelta

from emails.sending.lanes import next_lane_at
from execution.engine.backoff import Policy
from execution.engine.tick import next_wake_at
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from tests.factories import NOW


class DrivenClock:
    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def run(self) -> tuple[int, int]:
        """Decide and deliver what is due at this moment."""
        return run_until_idle(Options(policy=Policy()), self)

    def jump(self) -> bool:
        """On to the next moment at which anything is due; false when there is none."""
        moments = [at for at in (next_wake_at(), next_lane_at()) if at is not None]
        if not moments:
            return False
        self.now = max(self.now, min(moments))
        return True

    def run_through(self, until: datetime) -> None:
        """Run at every moment at which something is due, up to and including `until`."""
        self.run()
        while self.jump() and self.now <= until:
            self.run()
        self.now = until
