"""Ramp-up of new mailboxes: a rolling 24 h allowance that grows on each day the mailbox really sends, while healthy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from common.db import Row
from emails.pacing.health import measure_health


@dataclass(frozen=True, slots=True)
class RampDay:
    """`allowance` messages in any 24 h; `day` is the last sending day, in the mailbox's zone, that raised it."""

    allowance: int
    day: date | None


def next_ramp_day(ramp: RampDay, today: date, start: int, step: int, *, is_healthy: bool) -> RampDay:
    """The allowance on a day on which something is about to be sent, computed without the database."""
    if ramp.day is None:
        return RampDay(start, today)
    if today <= ramp.day:
        return ramp
    return RampDay(ramp.allowance + step if is_healthy else ramp.allowance, today)


def advance_ramp(lane: Row, ramp: RampDay, now: datetime) -> RampDay:
    """Rows need the mailbox's ramp columns and its timezone. Health is measured once a sending day."""
    if not lane["ramp_enabled"]:
        return ramp
    today = now.astimezone(ZoneInfo(lane["timezone"])).date()
    if ramp.day is not None and today <= ramp.day:
        return ramp
    is_healthy = ramp.day is None or not measure_health(lane["id"]).is_warning
    return next_ramp_day(ramp, today, lane["ramp_start"], lane["ramp_step"], is_healthy=is_healthy)
