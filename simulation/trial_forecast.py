"""Keeps forecasts in a trial as an executor does, and says at its end how far off they were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.db import fetch_all
from execution.insight.forecast import MOST_DAYS, forecast_workspaces
from execution.insight.forecast_accuracy import compare_forecasts, keep_next_forecast, median_errors
from sequences.models import Workspace
from simulation.trial_world import TrialWorld

_LAST_SENT = """
SELECT max((m.handed_over_at AT TIME ZONE coalesce(nullif(b.timezone, ''), w.timezone))::date) AS day
FROM emails_emailmessage m JOIN emails_mailbox b ON b.id = m.mailbox_id
JOIN sequences_workspace w ON w.id = b.workspace_id
WHERE m.status IN ('sent', 'unknown') AND m.handed_over_at <= %(now)s
"""


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """Errors from 0 to 1 of a mailbox on a day, in the median; None without days to compare.

    `last_day_off`: how many days after the forecast of the beginning the last email left.
    """

    mailbox_days: int
    day_ahead: float | None
    week_ahead: float | None
    last_day_off: int | None

    def __str__(self) -> str:
        shown = [
            f"{error:.1%} {name} ahead"
            for error, name in ((self.day_ahead, "a day"), (self.week_ahead, "a week"))
            if error is not None
        ]
        if not shown:
            return "forecast: no whole day to compare"
        last = f"; last day {self.last_day_off:+d}" if self.last_day_off is not None else ""
        return f"forecast: off by {' and '.join(shown)}, in the median of {self.mailbox_days} mailbox-days{last}"


class ForecastWatch:
    """Plan it before the trial begins; read the figures when all enrollments have ended."""

    def __init__(self, world: TrialWorld, starts_at: datetime, days: float) -> None:
        self._starts_at = starts_at
        self._last_day = _find_last_day(starts_at)
        for day in range(int(days) + 1):
            world.plan(starts_at + timedelta(days=day), _keep_all)

    def read(self, now: datetime) -> ForecastFigures:
        compared = compare_forecasts(_list_workspaces(), now, (now - self._starts_at).days + 1)
        errors = median_errors(compared)
        last: date | None = fetch_all(_LAST_SENT, {"now": now})[0]["day"]
        off = (last - self._last_day).days if last and self._last_day else None
        counted = len({(day.mailbox, day.date) for day in compared if day.error is not None})
        return ForecastFigures(counted, errors[1], errors[7], off)


def _keep_all(now: datetime) -> None:
    while keep_next_forecast(now):
        pass


def _find_last_day(now: datetime) -> date | None:
    days = forecast_workspaces(_list_workspaces(), now, MOST_DAYS).days
    return max((day.date for day in days if day.first_touches or day.follow_ups), default=None)


def _list_workspaces() -> list[int]:
    return list(Workspace.objects.order_by("pk").values_list("pk", flat=True))
