"""When a failed step is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings `decide` depends on. Attempt n+1 comes `retry_minutes[n]` minutes after failure n+1.

    `evidence_minutes`: how long an unknown outcome waits for evidence before a user must resolve it.
    """

    retry_minutes: tuple[int, ...] = (5, 10, 20)
    evidence_minutes: int = 60


def next_retry_at(policy: Policy, failures_before: int, failed_at: datetime) -> datetime | None:
    """When to try again after one more failure; None when the attempts are used up."""
    if failures_before >= len(policy.retry_minutes):
        return None
    return failed_at + timedelta(minutes=policy.retry_minutes[failures_before])
