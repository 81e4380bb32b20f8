"""What each mailbox may send on each of the next days, as a plan left it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo

from emails.choices import LimitScope, LimitWindow
from emails.pacing.limits import Usage
from emails.pacing.ramp import next_ramp_day
from execution.forecasting.journeys import WantedEmail
from execution.forecasting.planner import Lane, Plan


def day_of(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def caps_of_days(
    plan: Plan[WantedEmail], owner_id: int | None, lane: Lane, usages: Sequence[Usage], days: Sequence[date]
) -> dict[date, int | None]:
    """The tightest cap of each day, of those that cover the whole mailbox; None: there is none."""
    if lane.opens_at is None:
        return dict.fromkeys(days, 0)
    targets = {(LimitScope.MAILBOX, str(lane.mailbox_id)), (LimitScope.USER, str(owner_id))}
    maxima = [
        usage.cap.maximum * (LimitWindow.DAY.seconds // usage.cap.window.seconds)
        for usage in usages
        if not usage.cap.is_ramp
        and not usage.cap.first_touch_only
        and (usage.cap.scope is LimitScope.WORKSPACE or (usage.cap.scope, usage.cap.target) in targets)
    ]
    tightest = min(maxima, default=None)
    if lane.ramp is None:
        return dict.fromkeys(days, tightest)
    found: dict[date, int | None] = {}
    ramp = lane.ramp.day
    for day in days:
        raised = next_ramp_day(ramp, day, lane.ramp.start, lane.ramp.step, is_healthy=True)
        if day in plan.allowances[lane.mailbox_id]:
            ramp = raised
        found[day] = min(raised.allowance, tightest) if tightest is not None else raised.allowance
    return found
