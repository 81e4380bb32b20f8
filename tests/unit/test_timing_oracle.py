"""`plan` and `next_allowed` against an oracle that knows nothing of them: it walks the clock minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sequences.timing import (
    Calendar,
    Delay,
    StepTiming,
    TimingError,
    Zone,
    next_allowed,
    parse_window,
    plan,
)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Cairo",
    "Pacific/Auckland",
]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WALKED = timedelta(days=9)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@st.composite
def windows(draw: st.DrawFn) -> dict[str, list[tuple[int, int]]]:
    """Per day, ranges in minutes; an end before its start crosses midnight."""
    chosen = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True))
    quarter = st.integers(0, 95).map(lambda n: n * 15)
    pairs = st.lists(st.tuples(quarter, quarter).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=2)
    return {day: draw(pairs) for day in chosen}


# Around the changes of the clock of both hemispheres, and an ordinary week.
instants = st.builds(
    lambda day, minute: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute),
    st.sampled_from(
        [
            date(2026, 3, 7),
            date(2026, 3, 28),
            date(2026, 10, 24),
            date(2026, 10, 31),
            date(2026, 4, 4),
            date(2026, 6, 2),
        ]
    ),
    st.integers(0, 3 * 24 * 60),
)


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


def calendar(zone: str, spec: dict[str, list[tuple[int, int]]], off: date) -> Calendar:
    raw = {day: [f"{clock(start)}-{clock(end)}" for start, end in ranges] for day, ranges in spec.items()}
    return Calendar(Zone(ZoneInfo(zone), zone, "contact"), parse_window(raw), None, frozenset({off}))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(instants, st.sampled_from(ZONES), windows(), st.booleans(), st.integers(0, 4))
def test_next_allowed_is_the_first_minute_that_satisfies_all_rules(
    now: datetime, zone: str, spec: dict[str, list[tuple[int, int]]], skip_weekends: bool, off_in_days: int
) -> None:
    off = (now + timedelta(days=off_in_days)).date()
    tz = ZoneInfo(zone)
    walk = (now + timedelta(minutes=n) for n in range(int(WALKED.total_seconds() // 60)))
    expected = next((at for at in walk if satisfies(at, tz, spec, off, skip_weekends)), None)
    assume(expected is not None)
    assert next_allowed(now, calendar(zone, spec, off), skip_weekends=skip_weekends).at == expected


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    instants,
    st.sampled_from(ZONES),
    windows(),
    st.booleans(),
    st.integers(0, 4),
    st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15)),
    st.integers(0, 3),
    st.integers(0, 30),
)
def test_plan_is_the_first_send_time_that_satisfies_all_rules(
    ended_at: datetime,
    zone: str,
    spec: dict[str, list[tuple[int, int]]],
    skip_weekends: bool,
    off_in_days: int,
    send_time: time,
    days: int,
    hours: int,
) -> None:
    off = (ended_at + timedelta(days=off_in_days)).date()
    tz = ZoneInfo(zone)
    earliest = ended_at
    if days:
        shifted = ended_at.astimezone(tz).replace(tzinfo=None) + timedelta(days=days)
        earliest = shifted.replace(tzinfo=tz).astimezone(UTC)
    earliest += timedelta(hours=hours)
    walk = (earliest + timedelta(minutes=n) for n in range(int(WALKED.total_seconds() // 60)))
    expected = next(
        (at for at in walk if is_send_time(at, tz, send_time) and satisfies(at, tz, spec, off, skip_weekends)), None
    )
    assume(expected is not None)
    timing = StepTiming(Delay(days=days, hours=hours), skip_weekends=skip_weekends, send_time=send_time)
    assert plan(ended_at, timing, calendar(zone, spec, off)).at == expected


def test_a_send_time_outside_the_window_is_an_error_that_names_both() -> None:
    rules = calendar("UTC", {"mon": [(540, 1020)]}, date(2026, 1, 1))
    with pytest.raises(TimingError, match=r"send time 20:00 is never inside the sending window mon 09:00-17:00"):
        plan(datetime(2026, 3, 2, tzinfo=UTC), StepTiming(Delay(), send_time=time(20)), rules)
