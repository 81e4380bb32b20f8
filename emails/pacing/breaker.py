"""The circuit breaker of a lane: after repeated failures of the server, stop and probe with growing pauses. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emails.choices import BreakerState

OPENS_AFTER_FAILURES = 5
_LONGEST_MINUTES = 60
_JITTER = 0.2
_PAUSE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Breaker:
    """`until`: nothing is sent before. `trips`: how often it has opened without a success in between."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    trips: int = 0
    until: datetime | None = None

    def is_open_at(self, now: datetime) -> bool:
        return self.state is not BreakerState.CLOSED and self.until is not None and now < self.until

    def allows_probe_only(self) -> bool:
        return self.state is not BreakerState.CLOSED or self.failures > 0


def after_success(breaker: Breaker) -> Breaker:
    return Breaker()


def after_failure(breaker: Breaker, now: datetime, jitter: float, retry_after_seconds: int | None = None) -> Breaker:
    """`jitter` in [0, 1] spreads the back-off by ± 20 %; the server's Retry-After is a lower bound."""
    failures = breaker.failures + 1
    if breaker.state is BreakerState.CLOSED and failures < OPENS_AFTER_FAILURES:
        return replace(breaker, failures=failures)
    minutes = min(2**breaker.trips, _LONGEST_MINUTES)
    seconds = minutes * 60 * (1 - _JITTER + 2 * _JITTER * jitter)
    until = now + timedelta(seconds=max(seconds, retry_after_seconds or 0))
    return Breaker(BreakerState.OPEN, failures, breaker.trips + 1, until)


def pause_after(breaker: Breaker, now: datetime, retry_after_seconds: int | None = None) -> datetime:
    """When a lane whose breaker is still closed may try again after a failure."""
    seconds = max(_PAUSE_SECONDS * breaker.failures, retry_after_seconds or 0)
    return now + timedelta(seconds=seconds)
