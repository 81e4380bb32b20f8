"""What leaves in the next days, by mailbox and day, and what will not fit; and when newly enrolled contacts are done.

Computed with the planning and the caps of the engine over all mailboxes of a workspace at once, since they share caps.
It counts the follow-ups that first touches cause. What is assumed is part of the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.db import Row
from emails.choices import LimitScope
from emails.pacing.limits import Usage
from execution.forecasting.days import caps_of_days, day_of
from execution.forecasting.journeys import Journeys, WantedEmail
from execution.forecasting.loading import read_lanes, read_mailboxes, read_usages, read_wanted, sends_nothing
from execution.forecasting.planner import Lane, Plan, plan_sending
from sequences.models import Enrollment
from sequences.time.contact_calendar import read_absences

DEFAULT_DAYS = 14
MOST_DAYS = 90
_LOOKS_AHEAD = timedelta(days=366)
_ASSUMED = (
    "Nothing comes back: no contact replies, bounces or opts out; branches that wait for an open or a click take No.",
    "Tasks are completed when they are due.",
    "No more contacts are enrolled. What is paused without an end or needs review stays so.",
    "What waits for an approval, or for an address that takes email, stays so.",
    "Mailboxes stay healthy, so that ramp-ups grow on each day on which they send.",
    "A day begins at midnight in the mailbox's time zone. What does not fit waits and counts again on the next day.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """One mailbox on one day of its time zone.

    `cap`: the most it may send in 24 hours, None without a limit. `unplaced`: due by the end of the day, and not sent.
    """

    date: date
    mailbox: int
    address: str
    follow_ups: int
    first_touches: int
    cap: int | None
    unplaced: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """`days` by mailbox address, then date."""

    days: tuple[ForecastDay, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnrollForecast:
    """Of `people`, how many get their first email on the day it is due, and when the last step of all is done.

    `last_first_touch_at` None: no email, or not within a year; so `last_step_at`. `has_emails`: some step sends one.
    """

    people: int
    on_time: int
    has_emails: bool
    last_first_touch_at: datetime | None
    last_step_at: datetime | None

    def __str__(self) -> str:
        late = self.people - self.on_time
        ends = f"the last step is on {self.last_step_at:%-d %B %Y}" if self.last_step_at else ""
        if not self.has_emails:
            return ends or "some will not be done within a year"
        if self.last_first_touch_at is None:
            return f"{late:,} of {self.people:,} will not fit the caps within a year"
        text = f"the last first touch is on {self.last_first_touch_at:%-d %B %Y}"
        text += f", {ends or 'and some will not be done within a year'}"
        return f"{late:,} of {self.people:,} will not fit the caps on their day; {text}" if late else f"all fit; {text}"


def forecast_workspaces(workspace_ids: Iterable[int], now: datetime, days: int = DEFAULT_DAYS) -> Forecast:
    """The next `days` days, today included. A fixed number of statements for each workspace."""
    found: list[ForecastDay] = []
    paused: list[str] = []
    for workspace_id in sorted(workspace_ids):
        plan, mailboxes, lanes, usages = _plan(workspace_id, Journeys(now, now + _LOOKS_AHEAD), now, days)
        for row, lane in zip(mailboxes, lanes, strict=True):
            found += _count_days(plan, row, lane, usages, now, days)
        if reason := _explain_pause(mailboxes):
            paused.append(reason)
        paused += _explain_time_off(mailboxes, now, days)
    return Forecast(tuple(found), (*_ASSUMED, *dict.fromkeys(paused)))


def forecast_enrollments(enrollment_ids: Sequence[int], now: datetime) -> EnrollForecast | None:
    """When enrollments created together are done, beside everything else; None when there are none."""
    first = Enrollment.objects.filter(pk__in=enrollment_ids[:1]).first()
    if first is None:
        return None
    ids = frozenset(enrollment_ids)
    journeys = Journeys(now, now + 2 * _LOOKS_AHEAD)
    plan, _, lanes, _ = _plan(first.workspace_id, journeys, now, _LOOKS_AHEAD.days, only=ids)
    zone = next(lane.zone for lane in lanes if lane.mailbox_id == first.mailbox_id) if first.mailbox_id else UTC
    own = [email for email in plan.wanted if email.candidate.message_id in ids]
    sent = {id(email): at for email, at in plan.sent}
    firsts = {email.candidate.message_id: email for email in own if email.candidate.is_first_touch}
    times = [(email.due_at, sent.get(id(email))) for email in firsts.values()]
    on_time = sum(1 for due_at, at in times if at and day_of(at, zone) <= max(day_of(due_at, zone), day_of(now, zone)))
    left = [at for _, at in times if at is not None]
    ended = [journeys.ended.get(pk) for pk in ids]
    known = [at for at in ended if at is not None]
    return EnrollForecast(
        people=len(ids),
        on_time=on_time + len(ids) - len(firsts),
        has_emails=bool(firsts),
        last_first_touch_at=max(left).astimezone(zone) if left and len(left) == len(firsts) else None,
        last_step_at=max(known).astimezone(zone) if len(known) == len(ids) else None,
    )


def _plan(
    workspace_id: int, journeys: Journeys, now: datetime, days: int, only: frozenset[int] = frozenset()
) -> tuple[Plan[WantedEmail], list[Row], list[Lane], list[Usage]]:
    """`only`: the enrollments that are asked about. Planning ends with them, and leaves out what cannot delay them."""
    mailboxes = read_mailboxes(workspace_id)
    until = max((_midnight(now, ZoneInfo(row["timezone"]), days) for row in mailboxes), default=now)
    wanted = read_wanted(workspace_id, journeys, now, until)
    usages = read_usages(workspace_id, mailboxes, wanted, now)
    lanes = read_lanes(mailboxes, usages, now)
    waiting = {email.candidate.message_id for email in wanted if email.candidate.message_id in only}
    if only and all(usage.cap.scope is LimitScope.MAILBOX for usage in usages):
        own = {email.candidate.mailbox_id for email in wanted if email.candidate.message_id in only}
        wanted = [email for email in wanted if email.candidate.mailbox_id in own]

    def follow(email: WantedEmail, at: datetime) -> WantedEmail | None:
        following = journeys.follow(email, at)
        if following is None:
            waiting.discard(email.candidate.message_id)
        return following

    caps = [usage for usage in usages if not usage.cap.is_ramp]
    plan = plan_sending(wanted, lanes, caps, follow, until, is_enough=lambda: bool(only) and not waiting)
    return plan, mailboxes, lanes, usages


def _count_days(
    plan: Plan[WantedEmail], mailbox: Row, lane: Lane, usages: Sequence[Usage], now: datetime, days: int
) -> list[ForecastDay]:
    today = day_of(now, lane.zone)
    own = [email for email in plan.wanted if email.candidate.mailbox_id == lane.mailbox_id]
    due = Counter(max(day_of(email.due_at, lane.zone), today) for email in own)
    sent: Counter[tuple[date, bool]] = Counter(
        (day_of(at, lane.zone), email.candidate.is_first_touch)
        for email, at in plan.sent
        if email.candidate.mailbox_id == lane.mailbox_id
    )
    caps = caps_of_days(
        plan, mailbox["owner_id"], lane, usages, [today + timedelta(days=offset) for offset in range(days)]
    )
    found, waiting = [], 0
    for day, cap in caps.items():
        follow_ups, first_touches = sent[day, False], sent[day, True]
        waiting += due[day] - follow_ups - first_touches
        found.append(ForecastDay(day, lane.mailbox_id, mailbox["address"], follow_ups, first_touches, cap, waiting))
    return found


def _explain_pause(mailboxes: Sequence[Row]) -> str:
    """What keeps mailboxes of a workspace from sending, in one line; empty where nothing does."""
    if not mailboxes:
        return ""
    if not mailboxes[0]["executor_runs"]:
        return "The executor is paused: nothing is sent until it is resumed."
    if mailboxes[0]["is_workspace_paused"]:
        return f"Sending of {mailboxes[0]['workspace']} is paused: nothing is sent until it is resumed."
    stopped = [row["address"] for row in mailboxes if sends_nothing(row)]
    return f"Not active, so that nothing is sent: {', '.join(stopped)}." if stopped else ""


def _explain_time_off(mailboxes: Sequence[Row], now: datetime, days: int) -> Iterator[str]:
    """Whose mailboxes send nothing on some of the days, and until when."""
    for row in mailboxes:
        until = _midnight(now, ZoneInfo(row["timezone"]), days)
        for absence in read_absences(row["time_off"], row["workspace_timezone"]):
            if absence.starts_at < until and absence.ends_at > now:
                first = day_of(absence.starts_at, ZoneInfo(row["workspace_timezone"]))
                since = f", from {first:%-d %B %Y}" if absence.starts_at > now else ""
                yield f"{absence.detail}{since}: {row['address']} sends no email of a sequence then."


def _midnight(now: datetime, zone: ZoneInfo, days: int) -> datetime:
    """The end of the last of `days` days, in UTC."""
    return datetime.combine(day_of(now, zone) + timedelta(days=days), time(), zone).astimezone(UTC)
