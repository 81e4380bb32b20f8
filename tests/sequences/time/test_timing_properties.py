"""Properties of every plan, with any rules."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sequences.time.timing import (
    Calendar,
    Delay,
    StepTiming,
    TimingError,
    Zone,
    add_delay,
    is_allowed,
    next_allowed,
    parse_window,
    plan,
)


def calendar(name: str, window: dict[str, object], *, country: str | None = None) -> Calendar:
    return Calendar(Zone(ZoneInfo(name), name, "contact"), parse_window(window), country, frozenset())


_zones = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Africa/Cairo",
        "America/Havana",
        "Pacific/Chatham",
    ]
)
_moments = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_windows = st.dictionaries(
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    st.lists(st.sampled_from(["00:00-24:00", "09:00-17:00", "22:00-03:00", "01:30-02:30"]), min_size=1, max_size=2),
    min_size=1,
)
_delays = st.builds(Delay, st.integers(0, 40), st.integers(0, 50), st.integers(0, 100))
_send_times = st.none() | st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
_countries = st.sampled_from([None, "US", "DE-BY"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(_zones, _moments, _windows, _delays, st.booleans(), _send_times, _countries)
def test_a_plan_is_late_enough_allowed_and_stays_when_planned_again(
    name: str,
    ended_at: datetime,
    window: dict[str, object],
    delay: Delay,
    skip_weekends: bool,
    send_time: time | None,
    country: str | None,
) -> None:
    rules = calendar(name, window, country=country)
    try:
        planned = plan(ended_at, StepTiming(delay, skip_weekends, send_time), rules)
    except TimingError:
        assume(False)
    assert planned.at >= add_delay(ended_at, delay, rules.zone) >= ended_at
    assert is_allowed(planned.at, rules, skip_weekends=skip_weekends)
    again = plan(planned.at, StepTiming(Delay(), skip_weekends, send_time), rules)
    assert (again.at, again.moves) == (planned.at, ())
    untils = [move.until for move in planned.moves]
    assert untils == sorted(set(untils))
    assert not untils or untils[-1] == planned.at


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_zones, _moments, _windows, st.integers(0, 14 * 24 * 60), st.booleans())
def test_waiting_longer_never_ends_earlier(
    name: str, now: datetime, window: dict[str, object], minutes: int, skip_weekends: bool
) -> None:
    rules = calendar(name, {"mon": ["09:00-17:00"]} | window)
    first = next_allowed(now, rules, skip_weekends=skip_weekends).at
    later = now + timedelta(minutes=minutes)
    assert next_allowed(later, rules, skip_weekends=skip_weekends).at >= first
    if later <= first:
        assert next_allowed(later, rules, skip_weekends=skip_weekends).at == first
