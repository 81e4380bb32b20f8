"""How true forecasts were: each day's forecasts are kept, and compared with what mailboxes sent on that day.

Kept are those of one day and of a week ahead, made once a day (UTC) for each workspace by whichever executor comes
first. What was sent is counted from the messages when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from statistics import median

from django.db import transaction

from common.db import execute, fetch_all
from execution.insight.forecast import forecast_workspaces

KEPT_AHEAD = (1, 7)
COMPARED_DAYS = 14
_ADVISORY_LOCK = 7_306_021
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(key)s::int, %(workspace)s::int) AS got"
# In no order, so that one that cannot be forecast does not keep others waiting.
_NEXT = """
SELECT w.id FROM sequences_workspace w
WHERE EXISTS (SELECT 1 FROM emails_mailbox b WHERE b.workspace_id = w.id AND b.status = 'active')
  AND NOT EXISTS (SELECT 1 FROM execution_keptforecast f WHERE f.workspace_id = w.id AND f.made_at >= %(midnight)s)
  AND (%(workspace)s::bigint IS NULL OR w.id = %(workspace)s)
ORDER BY random()
"""
_KEEP = """
INSERT INTO execution_keptforecast (workspace_id, mailbox_id, date, days_ahead, first_touches, follow_ups, made_at)
SELECT %(workspace)s, r.mailbox, r.date, r.ahead, r.firsts, r.follow_ups, %(now)s
FROM unnest(%(mailboxes)s::bigint[], %(dates)s::date[], %(aheads)s::smallint[], %(firsts)s::int[],
            %(follow_ups)s::int[]) AS r(mailbox, date, ahead, firsts, follow_ups)
JOIN emails_mailbox b ON b.id = r.mailbox
ORDER BY r.mailbox, r.date, r.ahead
ON CONFLICT (mailbox_id, date, days_ahead) DO UPDATE
SET first_touches = excluded.first_touches, follow_ups = excluded.follow_ups, made_at = excluded.made_at
"""
# Days that are over, in the time zone of the mailbox.
_COMPARE = """
SELECT f.date, f.mailbox_id AS mailbox, b.address, f.days_ahead, f.first_touches + f.follow_ups AS forecast, s.sent
FROM execution_keptforecast f
JOIN emails_mailbox b ON b.id = f.mailbox_id
JOIN sequences_workspace w ON w.id = f.workspace_id
CROSS JOIN LATERAL (
    SELECT f.date::timestamp AT TIME ZONE coalesce(nullif(b.timezone, ''), w.timezone) AS begins_at,
           (f.date + 1)::timestamp AT TIME ZONE coalesce(nullif(b.timezone, ''), w.timezone) AS ends_at) d
CROSS JOIN LATERAL (
    SELECT count(*)::int AS sent FROM emails_emailmessage m
    WHERE m.mailbox_id = f.mailbox_id AND m.status IN ('sending', 'sent', 'unknown') AND NOT m.is_answer
      AND m.handed_over_at >= d.begins_at AND m.handed_over_at < d.ends_at) s
WHERE f.workspace_id = ANY(%(workspaces)s::bigint[]) AND f.date >= %(since)s AND d.ends_at <= %(now)s
ORDER BY b.address, f.mailbox_id, f.date, f.days_ahead
"""


@dataclass(frozen=True, slots=True)
class ComparedDay:
    """What one mailbox was to send on a day that is over, as forecast `days_ahead` days before, and what it sent."""

    date: date
    mailbox: int
    address: str
    days_ahead: int
    forecast: int
    sent: int

    @property
    def error(self) -> float | None:
        """By how much the smaller number misses the larger, from 0 to 1; None where both are 0."""
        larger = max(self.forecast, self.sent)
        return abs(self.forecast - self.sent) / larger if larger else None


def keep_next_forecast(now: datetime, workspace_id: int | None = None) -> bool:
    """Keep the forecasts of one workspace that has none of this day (UTC) yet; False when there is none."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    for row in fetch_all(_NEXT, {"midnight": midnight, "workspace": workspace_id}):
        with transaction.atomic():
            if fetch_all(_TRY_LOCK, {"key": _ADVISORY_LOCK, "workspace": row["id"]})[0]["got"]:
                _keep(row["id"], now)
                return True
    return False


def _keep(workspace_id: int, now: datetime) -> None:
    days = forecast_workspaces([workspace_id], now, KEPT_AHEAD[-1] + 1).days
    kept = [
        (ahead, in_order[ahead])
        for _, group in groupby(days, key=attrgetter("mailbox"))
        for in_order in (list(group),)
        for ahead in KEPT_AHEAD
    ]
    execute(
        _KEEP,
        {
            "workspace": workspace_id,
            "now": now,
            "mailboxes": [day.mailbox for _, day in kept],
            "dates": [day.date for _, day in kept],
            "aheads": [ahead for ahead, _ in kept],
            "firsts": [day.first_touches for _, day in kept],
            "follow_ups": [day.follow_ups for _, day in kept],
        },
    )


def compare_forecasts(
    workspace_ids: Iterable[int], now: datetime, days: int = COMPARED_DAYS
) -> tuple[ComparedDay, ...]:
    """Of the last `days` days, by mailbox address, date and how far ahead it was forecast."""
    since = now.astimezone(UTC).date() - timedelta(days=days)
    asked = {"workspaces": sorted(workspace_ids), "since": since, "now": now}
    return tuple(ComparedDay(**row) for row in fetch_all(_COMPARE, asked))


def median_errors(compared: Sequence[ComparedDay]) -> dict[int, float | None]:
    """By how far ahead it was forecast, the error of a mailbox on a day in the median; None without such days."""
    found: dict[int, float | None] = {}
    for ahead in KEPT_AHEAD:
        errors = [day.error for day in compared if day.days_ahead == ahead and day.error is not None]
        found[ahead] = median(errors) if errors else None
    return found


def describe_errors(compared: Sequence[ComparedDay]) -> str:
    """One sentence; empty where there is nothing to compare yet."""
    ahead = {1: "a day ahead", 7: "a week ahead"}
    told = [f"{error:.0%} {ahead[days]}" for days, error in median_errors(compared).items() if error is not None]
    return f"Forecasts were off by {' and '.join(told)}, in the median of mailboxes and days." if told else ""
