"""When a step may run: delay, send time, weekends, holidays and the sending window, in one zone. Pure.

Every function takes aware datetimes and answers in UTC. Durations follow RFC 5545: days are nominal (09:00 stays 09:00
over a change of the clocks), hours and minutes are exact; a local time that does not exist is read with the offset
before the gap, one that exists twice means its first occurrence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from sequences.time.window import (
    TimingError,
    Window,
    describe_window,
    is_valid_timezone,
    parse_window,
    window_to_raw,
)

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "TIME_OFF",
    "Absence",
    "Calendar",
    "Delay",
    "Move",
    "Planned",
    "StepTiming",
    "TimingError",
    "Window",
    "Zone",
    "add_delay",
    "away_on",
    "describe_window",
    "first_known",
    "is_allowed",
    "is_plannable",
    "is_valid_holiday_country",
    "is_valid_timezone",
    "next_allowed",
    "parse_window",
    "plan",
    "resolve_zone",
    "window_to_raw",
]

FIRST_YEAR = 1970
LAST_YEAR = 2999
TIME_OFF = "time_off"
_LONGEST = timedelta(days=750)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone everything is computed in; `source` says who named it."""

    zone: ZoneInfo
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Delay:
    """RFC 5545 section 3.3.6: `days` on the calendar first, then exact hours and minutes."""

    days: int = 0
    hours: int = 0
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class StepTiming:
    delay: Delay
    skip_weekends: bool = False
    send_time: time | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """The time off of a mailbox's owner, from `starts_at` up to `ends_at`; `detail` says who is away and until when."""

    starts_at: datetime
    ends_at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The rules of one enrollment's step. `window` None: open at any time. `absences` hold emails only.

    `holiday_country`: an ISO 3166 code, or some with commas between them.
    """

    zone: Zone
    window: Window | None
    holiday_country: str | None
    extra_holidays: frozenset[date]
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One rule moved the step to `until`. `code`: send_time, weekend, holiday, time_off or window."""

    code: str
    until: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Planned:
    """`at` in UTC, and the rules that moved it there, in order."""

    at: datetime
    moves: tuple[Move, ...] = ()

    @property
    def cause(self) -> Move:
        """What to name as the reason, with the time when everything is over: time off, else the last rule that moved.

        Only where a rule moved it.
        """
        move = next((move for move in self.moves if move.code == TIME_OFF), self.moves[-1])
        return Move(move.code, self.at, move.detail)


@lru_cache(maxsize=1)
def _holiday_countries() -> Mapping[str, list[str]]:
    return holidays.list_supported_countries()


def is_valid_holiday_country(code: str) -> bool:
    """Whether there is a holiday calendar for an ISO 3166 code such as DE or US-CA."""
    country, dash, subdivision = code.partition("-")
    known = _holiday_countries()
    return country in known and (not dash or subdivision in known[country])


def resolve_zone(
    window: Window, *, contact: str | None, account: str | None, mailbox: str | None, workspace: str | None
) -> Zone:
    """The window's own zone if it names one, else the first that is known. UTC when none is known."""
    return first_known(window.timezone, contact, account, mailbox, workspace)


_SOURCES = ("window", "contact", "account", "mailbox", "workspace")


@lru_cache(maxsize=8192)
def first_known(*names: str | None) -> Zone:
    """`names` are those of the window, the contact, the account, the mailbox and the workspace."""
    for source, name in zip(_SOURCES, names, strict=True):
        if name and is_valid_timezone(name):
            return Zone(ZoneInfo(name), name, source)
    return Zone(ZoneInfo("UTC"), "UTC", "workspace")


def away_on(name: str, first: date, last: date, zone: Zone) -> Absence:
    """The time off of the user of that name, on whole local days, the last one included."""
    midnight = datetime.combine(last + timedelta(days=1), time())
    # a clock that is set back over midnight passes it twice
    ends_at = max(midnight.replace(tzinfo=zone.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    starts_at = _instant(datetime.combine(first, time()), zone)
    return Absence(starts_at, ends_at, f"{name} is away until {last.day} {last:%B %Y}")


def is_plannable(at: datetime) -> bool:
    """Whether plans can be made from it: the longest sequence then still ends before the year 9999, Python's last."""
    return FIRST_YEAR <= at.year <= LAST_YEAR


def add_delay(previous_ended_at: datetime, delay: Delay, zone: Zone) -> datetime:
    """The end of the delay in UTC."""
    at = _aware(previous_ended_at)
    if delay.days:
        at = _instant(at.astimezone(zone.zone).replace(tzinfo=None) + timedelta(days=delay.days), zone)
    return at + timedelta(hours=delay.hours, minutes=delay.minutes)


def plan(previous_ended_at: datetime, timing: StepTiming, calendar: Calendar) -> Planned:
    """When a step is due whose predecessor ended at `previous_ended_at`: forward only, until no rule moves it.

    Raises `TimingError` when the rules contradict each other.
    """
    earliest = add_delay(previous_ended_at, timing.delay, calendar.zone)
    if timing.send_time is not None:
        _check_send_time(timing.send_time, calendar.window)
    return _settle(earliest, calendar, timing.skip_weekends, timing.send_time)


def next_allowed(now: datetime, calendar: Calendar, *, skip_weekends: bool = False) -> Planned:
    """The first moment from `now` on at which a late step may run: its send time has passed, the other rules hold."""
    return _settle(_aware(now), calendar, skip_weekends, None)


def is_allowed(now: datetime, calendar: Calendar, *, skip_weekends: bool = False) -> bool:
    """Whether `next_allowed` would answer `now`."""
    return _next_move(_aware(now), calendar, skip_weekends, None) is None


def _settle(earliest: datetime, calendar: Calendar, skip_weekends: bool, send_time: time | None) -> Planned:
    at, moves = earliest, []
    while move := _next_move(at, calendar, skip_weekends, send_time):
        moves.append(move)
        if move.code == TIME_OFF:
            # however long it is, the rules do not contradict each other
            earliest += move.until - at
        at = move.until
        if at - earliest > _LONGEST:
            raise TimingError(
                f"no moment within {_LONGEST.days} days satisfies the send time, weekends, holidays and the sending "
                "window together: widen the window"
            )
    return Planned(at, tuple(moves))


def _next_move(at: datetime, calendar: Calendar, skip_weekends: bool, send_time: time | None) -> Move | None:
    zone = calendar.zone
    if send_time is not None and (until := _next_send_time(at, send_time, zone)) != at:
        return Move("send_time", until, f"its send time is {send_time:%H:%M} {zone.name}")
    local = at.astimezone(zone.zone)
    if skip_weekends and local.weekday() >= _SATURDAY:
        return Move("weekend", _day_start(at, 7 - local.weekday(), zone), "weekend")
    if holiday := _holiday(local.date(), calendar):
        return Move("holiday", _day_start(at, 1, zone), f"holiday: {holiday}")
    for absence in calendar.absences:
        if absence.starts_at <= at < absence.ends_at:
            return Move(TIME_OFF, absence.ends_at, absence.detail)
    window = calendar.window
    if window is not None and not window.is_open(local):
        opening = _next_opening(at, window, zone)
        return Move("window", opening, f"outside the sending window {describe_window(window)} {zone.name}")
    return None


def _check_send_time(send_time: time, window: Window | None) -> None:
    minute = send_time.hour * 60 + send_time.minute
    if window is not None and not any(start <= minute < end for day in window.days for start, end in day):
        raise TimingError(
            f"send_time {send_time:%H:%M} is never inside the sending window {describe_window(window)}: "
            "change one of them"
        )


def _next_send_time(at: datetime, send_time: time, zone: Zone) -> datetime:
    day = at.astimezone(zone.zone).date()
    # Yesterday's can be today, across a gap at midnight; today's may have passed.
    for offset in (-1, 0, 1, 2):
        candidate = _instant(datetime.combine(day + timedelta(days=offset), send_time), zone)
        if candidate >= at:
            return candidate
    raise AssertionError("every other day has a send time")


def _next_opening(at: datetime, window: Window, zone: Zone) -> datetime:
    """The first instant from `at` on whose wall clock is inside the window.

    The wall clock runs evenly up to the next change of the clocks; there the search starts again.
    """
    while True:
        local = at.astimezone(zone.zone).replace(tzinfo=None)
        opening = at + (window.next_opening(local) - local)
        change = _next_clock_change(at, opening, zone.name)
        if change is None:
            return opening
        at = change


def _next_clock_change(after: datetime, until: datetime, zone_name: str) -> datetime | None:
    day, last = after.date(), until.date()
    while day <= last:
        change = _clock_change(day, zone_name)
        if change is not None and after < change <= until:
            return change
        day += timedelta(days=1)
    return None


@lru_cache(maxsize=8192)
def _clock_change(day: date, zone_name: str) -> datetime | None:
    """The second of that UTC day from which on the zone has another offset. No zone has ever had two in one day."""
    zone = ZoneInfo(zone_name)
    low = datetime.combine(day, time(), tzinfo=UTC) - timedelta(seconds=1)
    high = low + timedelta(days=1)
    before = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == before:
        return None
    while (gap_seconds := (high - low) // timedelta(seconds=1)) > 1:
        middle = low + timedelta(seconds=gap_seconds // 2)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _day_start(at: datetime, days_later: int, zone: Zone) -> datetime:
    """The first instant from `at` on of a later local day."""
    midnight = datetime.combine(at.astimezone(zone.zone).date() + timedelta(days=days_later), time())
    first = _instant(midnight, zone)
    # A clock that was set back over midnight passes it twice, and `at` can lie in between.
    return first if first > at else midnight.replace(tzinfo=zone.zone, fold=1).astimezone(UTC)


def _instant(naive: datetime, zone: Zone) -> datetime:
    return naive.replace(tzinfo=zone.zone, fold=0).astimezone(UTC)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _holiday(day: date, calendar: Calendar) -> str | None:
    if day in calendar.extra_holidays:
        return "day off of the workspace"
    if not calendar.holiday_country:
        return None
    if "," not in calendar.holiday_country:
        return _holidays(calendar.holiday_country, day.year).get(day)
    named = ((code, _holidays(code, day.year).get(day)) for code in calendar.holiday_country.split(","))
    return next((f"{name} ({code})" for code, name in named if name), None)


@lru_cache(maxsize=512)
def _holidays(code: str, year: int) -> Mapping[date, str]:
    country, _, subdivision = code.partition("-")
    try:
        return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, language="en_US"))
    except NotImplementedError:
        raise TimingError(f"there is no holiday calendar {code!r}: use a country such as DE or US-CA") from None
