"""`plan` and `next_allowed` against an independent oracle that walks the clock minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sequences.time.timing import (
    Calendar,
    Delay,
    StepTiming,
    Zone,
    next_allowed,
    parse_window,
    plan,
)

# Each with days at which its clocks change, and an ordinary day: gaps and overlaps of an hour and of half an hour, at
# night and at midnight, in both hemispheres, a fast that suspends summer time, and a day that was left out.
PLACES = {
    "UTC": [date(2026, 6, 2)],
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 2)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 2)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "America/St_Johns": [date(2026, 3, 8), date(2026, 11, 1), date(2010, 3, 14), date(2010, 11, 7)],
    "America/Nuuk": [date(2026, 3, 28), date(2026, 10, 24)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4), date(2026, 6, 2)],
    "Asia/Kolkata": [date(2026, 6, 2)],
    "Africa/Cairo": [date(2026, 4, 24), date(2026, 10, 30)],
    "Africa/Casablanca": [date(2026, 2, 15), date(2026, 3, 22)],
    "Pacific/Auckland": [date(2026, 4, 5), date(2026, 9, 27)],
    "Pacific/Apia": [date(2011, 12, 30)],
}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WALKED = timedelta(days=9)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@dataclass(frozen=True)
class Case:
    """A zone, a moment within two days of a change of its clocks, and rules that are likely to meet there."""

    zone: str
    now: datetime
    spec: dict[str, list[tuple[int, int]]]
    off: date
    skip_weekends: bool

    @property
    def calendar(self) -> Calendar:
        raw = {day: [f"{clock(start)}-{clock(end)}" for start, end in ranges] for day, ranges in self.spec.items()}
        return Calendar(Zone(ZoneInfo(self.zone), self.zone, "contact"), parse_window(raw), None, frozenset({self.off}))


# Minutes at quarters of an hour; half of them at night, where clocks change.
quarters = st.one_of(st.integers(0, 16), st.integers(0, 95)).map(lambda n: n * 15)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(sorted(PLACES)))
    changed_on = draw(st.sampled_from(PLACES[zone]))
    midnight = datetime(changed_on.year, changed_on.month, changed_on.day, tzinfo=UTC)
    now = midnight + timedelta(minutes=draw(st.integers(-2 * 24 * 60, 2 * 24 * 60)))
    near = [DAYS[(changed_on.weekday() + offset) % 7] for offset in (-1, 0, 1)]
    few = st.lists(st.sampled_from(near), min_size=1, max_size=2, unique=True)
    many = st.lists(st.sampled_from(DAYS), min_size=2, max_size=7, unique=True)
    pairs = st.tuples(quarters, quarters).filter(lambda pair: pair[0] != pair[1])
    # An end before its start crosses midnight.
    spec = {day: draw(st.lists(pairs, min_size=1, max_size=2)) for day in draw(st.one_of(few, many))}
    off = changed_on + timedelta(days=draw(st.integers(-3, 3)))
    return Case(zone, now, spec, off, draw(st.booleans()))


def is_inside(local: datetime, spec: dict[str, list[tuple[int, int]]]) -> bool:
    minute = local.hour * 60 + local.minute
    today, yesterday = DAYS[local.weekday()], DAYS[(local.weekday() - 1) % 7]
    for start, end in spec.get(today, []):
        if start <= minute < (end if end > start else 24 * 60):
            return True
    return any(end < start and minute < end for start, end in spec.get(yesterday, []))


def satisfies(
    at: datetime, zone: ZoneInfo, spec: dict[str, list[tuple[int, int]]], off: date, skip_weekends: bool
) -> bool:
    local = at.astimezone(zone)
    weekend = skip_weekends and local.weekday() >= 5
    return not weekend and local.date() != off and is_inside(local, spec)


def is_send_time(at: datetime, zone: ZoneInfo, send_time: time) -> bool:
    """RFC 5545 section 3.3.5: the first of two, and across a gap by the offset before it."""
    local = at.astimezone(zone)
    for day in (local.date(), local.date() - timedelta(days=1)):
        if datetime.combine(day, send_time, tzinfo=zone).astimezone(UTC) == at:
            return True
    return False


def first_minute(case: Case, earliest: datetime, send_time: time | None) -> datetime | None:
    tz = ZoneInfo(case.zone)
    for minutes in range(int(WALKED.total_seconds() // 60)):
        at = earliest + timedelta(minutes=minutes)
        if satisfies(at, tz, case.spec, case.off, case.skip_weekends) and (
            send_time is None or is_send_time(at, tz, send_time)
        ):
            return at
    return None


@settings(max_examples=400, deadline=None, derandomize=True)
@given(cases())
def test_next_allowed_is_the_first_minute_that_satisfies_all_rules(case: Case) -> None:
    expected = first_minute(case, case.now, None)
    assume(expected is not None)
    assert next_allowed(case.now, case.calendar, skip_weekends=case.skip_weekends).at == expected


@settings(max_examples=250, deadline=None, derandomize=True)
@given(cases(), quarters, st.integers(0, 3), st.integers(0, 30))
def test_plan_is_the_first_send_time_that_satisfies_all_rules(case: Case, minute: int, days: int, hours: int) -> None:
    tz = ZoneInfo(case.zone)
    earliest = case.now
    if days:
        shifted = case.now.astimezone(tz).replace(tzinfo=None) + timedelta(days=days)
        earliest = shifted.replace(tzinfo=tz).astimezone(UTC)
    earliest += timedelta(hours=hours)
    send_time = time(minute // 60, minute % 60)
    assume(any(is_inside(datetime.combine(date(2026, 6, 1 + day), send_time), case.spec) for day in range(7)))
    expected = first_minute(case, earliest, send_time)
    assume(expected is not None)
    timing = StepTiming(Delay(days=days, hours=hours), skip_weekends=case.skip_weekends, send_time=send_time)
    assert plan(case.now, timing, case.calendar).at == expected
