"""The rules of timing, one table each. All times are written as wall clock and offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from sequences.time.timing import (
    Calendar,
    Delay,
    StepTiming,
    TimingError,
    Zone,
    add_delay,
    is_allowed,
    is_valid_holiday_country,
    next_allowed,
    parse_window,
    plan,
    resolve_zone,
)

ALWAYS: dict[str, object] = {"mon-sun": ["00:00-24:00"]}
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
KOLKATA, APIA, ST_JOHNS, NUUK = "Asia/Kolkata", "Pacific/Apia", "America/St_Johns", "America/Nuuk"


def zone(name: str) -> Zone:
    return Zone(ZoneInfo(name), name, "contact")


def calendar(
    name: str,
    window: dict[str, object] | None = None,
    *,
    country: str | None = None,
    days_off: frozenset[date] = frozenset(),
) -> Calendar:
    return Calendar(zone(name), None if window is None else parse_window(window), country, days_off)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(moment: datetime, name: str) -> str:
    assert moment.tzinfo is UTC
    return moment.astimezone(ZoneInfo(name)).isoformat(timespec="minutes")


# Days are nominal, hours and minutes exact (RFC 5545 sections 3.3.5 and 3.3.6).
@pytest.mark.parametrize(
    ("name", "ended_at", "delay", "expected"),
    [
        (BERLIN, "2026-06-02T09:00+02:00", Delay(), "2026-06-02T09:00+02:00"),
        (BERLIN, "2026-06-02T09:00+02:00", Delay(3, 4, 5), "2026-06-05T13:05+02:00"),
        (BERLIN, "2026-03-28T09:00+01:00", Delay(days=1), "2026-03-29T09:00+02:00"),
        (BERLIN, "2026-03-28T09:00+01:00", Delay(hours=24), "2026-03-29T10:00+02:00"),
        (BERLIN, "2026-03-28T02:30+01:00", Delay(days=1), "2026-03-29T03:30+02:00"),
        (BERLIN, "2026-03-28T02:30+01:00", Delay(days=2), "2026-03-30T02:30+02:00"),
        (BERLIN, "2026-03-28T00:30+01:00", Delay(days=1, hours=2), "2026-03-29T03:30+02:00"),
        (BERLIN, "2026-03-29T01:59+01:00", Delay(minutes=1), "2026-03-29T03:00+02:00"),
        (BERLIN, "2026-10-24T09:00+02:00", Delay(days=1), "2026-10-25T09:00+01:00"),
        (BERLIN, "2026-10-24T09:00+02:00", Delay(hours=24), "2026-10-25T08:00+01:00"),
        (BERLIN, "2026-10-24T02:30+02:00", Delay(days=1), "2026-10-25T02:30+02:00"),
        (BERLIN, "2026-10-25T02:30+02:00", Delay(hours=1), "2026-10-25T02:30+01:00"),
        (BERLIN, "2026-10-25T02:30+01:00", Delay(), "2026-10-25T02:30+01:00"),
        (NEW_YORK, "2026-03-07T02:30-05:00", Delay(days=1), "2026-03-08T03:30-04:00"),
        (NEW_YORK, "2026-10-31T01:30-04:00", Delay(days=1), "2026-11-01T01:30-04:00"),
        (NEW_YORK, "2026-11-01T01:30-05:00", Delay(days=1), "2026-11-02T01:30-05:00"),
        (LORD_HOWE, "2026-10-03T02:15+10:30", Delay(days=1), "2026-10-04T02:45+11:00"),
        (LORD_HOWE, "2026-04-04T01:45+11:00", Delay(days=1), "2026-04-05T01:45+11:00"),
        (LORD_HOWE, "2026-04-05T01:45+11:00", Delay(minutes=30), "2026-04-05T01:45+10:30"),
        (KOLKATA, "2026-03-28T09:00+05:30", Delay(days=1), "2026-03-29T09:00+05:30"),
        (APIA, "2011-12-29T09:00-10:00", Delay(days=1), "2011-12-31T09:00+14:00"),
        (APIA, "2011-12-29T09:00-10:00", Delay(days=2), "2011-12-31T09:00+14:00"),
        (APIA, "2011-12-29T09:00-10:00", Delay(hours=24), "2011-12-31T09:00+14:00"),
        (BERLIN, "2028-02-28T09:00+01:00", Delay(days=1), "2028-02-29T09:00+01:00"),
    ],
)
def test_a_delay_keeps_the_clock_over_days_and_counts_hours_exactly(
    name: str, ended_at: str, delay: Delay, expected: str
) -> None:
    assert written(add_delay(at(ended_at), delay, zone(name)), name) == expected


# Send time: the first one from the due moment on.
@pytest.mark.parametrize(
    ("name", "due_at", "send_time", "expected"),
    [
        (BERLIN, "2026-06-02T08:00+02:00", time(9), "2026-06-02T09:00+02:00"),
        (BERLIN, "2026-06-02T09:00+02:00", time(9), "2026-06-02T09:00+02:00"),
        (BERLIN, "2026-06-02T09:00:01+02:00", time(9), "2026-06-03T09:00+02:00"),
        (BERLIN, "2026-03-28T10:00+01:00", time(9), "2026-03-29T09:00+02:00"),
        (BERLIN, "2026-03-28T10:00+01:00", time(2, 30), "2026-03-29T03:30+02:00"),
        (BERLIN, "2026-03-29T03:10+02:00", time(2, 30), "2026-03-29T03:30+02:00"),
        (BERLIN, "2026-10-25T02:10+02:00", time(2, 30), "2026-10-25T02:30+02:00"),
        (BERLIN, "2026-10-25T02:10+01:00", time(2, 30), "2026-10-26T02:30+01:00"),
        (LORD_HOWE, "2026-10-04T01:00+10:30", time(2, 15), "2026-10-04T02:45+11:00"),
        (APIA, "2011-12-29T10:00-10:00", time(9), "2011-12-31T09:00+14:00"),
        # Nuuk left out 23:00 to 24:00 on the 28th: its 23:30 is 00:30 of the next day.
        (NUUK, "2026-03-28T22:30-02:00", time(23, 30), "2026-03-29T00:30-01:00"),
        (NUUK, "2026-03-29T00:10-01:00", time(23, 30), "2026-03-29T00:30-01:00"),
        (KOLKATA, "2026-06-02T04:00+00:00", time(9, 30), "2026-06-02T09:30+05:30"),
    ],
)
def test_a_step_moves_to_the_next_send_time(name: str, due_at: str, send_time: time, expected: str) -> None:
    planned = plan(at(due_at), StepTiming(Delay(), send_time=send_time), calendar(name))
    assert written(planned.at, name) == expected
    assert [move.code for move in planned.moves] == ([] if planned.at == at(due_at) else ["send_time"])


def test_a_send_time_after_a_weekend_is_checked_again_and_never_lands_on_a_saturday() -> None:
    """Friday 18:00 is no weekend; the next 09:00 is."""
    timing = StepTiming(Delay(), skip_weekends=True, send_time=time(9))
    planned = plan(at("2026-06-05T18:00+02:00"), timing, calendar(BERLIN))
    assert written(planned.at, BERLIN) == "2026-06-08T09:00+02:00"
    assert [(move.code, written(move.until, BERLIN)) for move in planned.moves] == [
        ("send_time", "2026-06-06T09:00+02:00"),
        ("weekend", "2026-06-08T00:00+02:00"),
        ("send_time", "2026-06-08T09:00+02:00"),
    ]


@pytest.mark.parametrize(
    ("name", "due_at", "expected"),
    [
        (BERLIN, "2026-06-05T23:59+02:00", "2026-06-05T23:59+02:00"),
        (BERLIN, "2026-06-06T00:00+02:00", "2026-06-08T00:00+02:00"),
        (BERLIN, "2026-06-07T23:59+02:00", "2026-06-08T00:00+02:00"),
        (BERLIN, "2026-03-28T12:00+01:00", "2026-03-30T00:00+02:00"),
        # Friday evening in UTC is Saturday in Kolkata, Monday in UTC still Sunday in New York.
        (KOLKATA, "2026-06-05T19:00+00:00", "2026-06-08T00:00+05:30"),
        (NEW_YORK, "2026-06-08T03:00+00:00", "2026-06-08T00:00-04:00"),
    ],
)
def test_weekends_are_those_of_the_zone(name: str, due_at: str, expected: str) -> None:
    planned = plan(at(due_at), StepTiming(Delay(), skip_weekends=True), calendar(name))
    assert written(planned.at, name) == expected


@pytest.mark.parametrize(
    ("country", "due_at", "expected", "details"),
    [
        ("US", "2026-12-25T10:00-05:00", "2026-12-28T09:00-05:00", ["holiday: Christmas Day", "outside"]),
        (
            "DE",
            "2026-12-24T18:00-05:00",
            "2026-12-28T09:00-05:00",
            ["outside", "holiday: Christmas", "holiday: Second", "outside"],
        ),
        ("DE-BY", "2026-01-06T10:00-05:00", "2026-01-07T09:00-05:00", ["holiday: Epiphany", "outside"]),
        ("DE", "2026-01-06T10:00-05:00", "2026-01-06T10:00-05:00", []),
        # The first of January 2028 is a Saturday, observed on a day of the year before.
        (
            "US",
            "2027-12-31T10:00-05:00",
            "2028-01-03T09:00-05:00",
            ["holiday: New Year's Day (observed)", "holiday: New", "outside"],
        ),
        (None, "2026-12-25T10:00-05:00", "2026-12-25T10:00-05:00", []),
    ],
)
def test_holidays_of_the_country_are_skipped(
    country: str | None, due_at: str, expected: str, details: list[str]
) -> None:
    planned = plan(at(due_at), StepTiming(Delay()), calendar(NEW_YORK, {}, country=country))
    assert written(planned.at, NEW_YORK) == expected
    assert len(planned.moves) == len(details)
    assert all(move.detail.startswith(detail) for move, detail in zip(planned.moves, details, strict=True))


def test_custom_dates_are_skipped_too_and_the_date_is_the_local_one() -> None:
    days_off = frozenset({date(2026, 6, 2), date(2026, 6, 3)})
    planned = plan(at("2026-06-01T20:00+00:00"), StepTiming(Delay()), calendar(KOLKATA, days_off=days_off))
    assert written(planned.at, KOLKATA) == "2026-06-04T00:00+05:30"
    assert [move.code for move in planned.moves] == ["holiday", "holiday"]
    assert planned.moves[0].detail == "holiday: day off of the workspace"


@pytest.mark.parametrize("code", ["DE", "US", "DE-BY", "US-CA", "GB-SCT"])
def test_a_holiday_country_is_a_code_with_a_calendar(code: str) -> None:
    assert is_valid_holiday_country(code)


@pytest.mark.parametrize("code", ["", "XX", "de", "DE-", "DE-XX", "-BY", "Germany", "DE-BY-X"])
def test_anything_else_is_no_holiday_country(code: str) -> None:
    assert not is_valid_holiday_country(code)


def test_an_unknown_holiday_country_is_an_error_of_that_calendar() -> None:
    with pytest.raises(TimingError, match="there is no holiday calendar 'XX': use a country such as DE or US-CA"):
        next_allowed(at("2026-06-02T09:00+00:00"), calendar("UTC", country="XX"))


# The window is a question about the wall clock.
@pytest.mark.parametrize(
    ("name", "window", "now", "expected"),
    [
        (BERLIN, {}, "2026-06-02T08:59+02:00", "2026-06-02T09:00+02:00"),
        (BERLIN, {}, "2026-06-05T17:00+02:00", "2026-06-08T09:00+02:00"),
        (BERLIN, {"tue": ["20:00-24:00"]}, "2026-06-02T23:59+02:00", "2026-06-02T23:59+02:00"),
        (BERLIN, {"tue": ["20:00-24:00"]}, "2026-06-03T00:00+02:00", "2026-06-09T20:00+02:00"),
        (BERLIN, {"fri": ["22:00-02:00"]}, "2026-06-06T01:59+02:00", "2026-06-06T01:59+02:00"),
        (BERLIN, {"fri": ["22:00-02:00"]}, "2026-06-05T01:00+02:00", "2026-06-05T22:00+02:00"),
        (BERLIN, {"sun": ["22:00-02:00"]}, "2026-06-08T02:00+02:00", "2026-06-14T22:00+02:00"),
        # 09:00 stays 09:00.
        (BERLIN, {}, "2026-03-27T18:00+01:00", "2026-03-30T09:00+02:00"),
        (NEW_YORK, {"sun": ["09:00-17:00"]}, "2026-10-31T12:00-04:00", "2026-11-01T09:00-05:00"),
        (LORD_HOWE, {"sun": ["09:00-17:00"]}, "2026-10-03T12:00+10:30", "2026-10-04T09:00+11:00"),
        # A start that does not exist: the first instant after the gap is inside.
        (BERLIN, {"sun": ["02:30-04:00"]}, "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        (LORD_HOWE, {"sun": ["02:15-04:00"]}, "2026-10-04T01:00+10:30", "2026-10-04T02:30+11:00"),
        # A whole range that does not exist waits a week.
        (BERLIN, {"sun": ["02:00-03:00"]}, "2026-03-29T01:00+01:00", "2026-04-05T02:00+02:00"),
        # A window that opens before the change of the clocks is not overtaken by it.
        (BERLIN, {"sun": ["00:30-04:00"]}, "2026-03-28T20:00+01:00", "2026-03-29T00:30+01:00"),
        # Both passes of an overlap count.
        (BERLIN, {"sun": ["02:00-03:00"]}, "2026-10-25T02:59+02:00", "2026-10-25T02:59+02:00"),
        (BERLIN, {"sun": ["02:00-03:00"]}, "2026-10-25T02:10+01:00", "2026-10-25T02:10+01:00"),
        (BERLIN, {"sun": ["02:00-02:30"]}, "2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00"),
        (BERLIN, {"sun": ["02:15-02:30"]}, "2026-10-25T02:45+02:00", "2026-10-25T02:15+01:00"),
        (BERLIN, {"sun": ["01:00-02:30"]}, "2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00"),
        (LORD_HOWE, {"sun": ["01:15-01:45"]}, "2026-04-05T01:50+11:00", "2026-04-05T01:30+10:30"),
        # Over midnight and over the change of the clocks.
        (BERLIN, {"sat": ["22:00-02:30"]}, "2026-10-25T02:40+02:00", "2026-10-25T02:00+01:00"),
        (BERLIN, {"sat": ["22:00-03:30"]}, "2026-03-29T03:00+02:00", "2026-03-29T03:00+02:00"),
        # The Friday that never was.
        (APIA, {"fri": ["09:00-17:00"]}, "2011-12-29T12:00-10:00", "2012-01-06T09:00+14:00"),
        (APIA, {"sat": ["00:00-01:00"]}, "2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00"),
    ],
)
def test_the_next_opening_is_the_first_instant_inside(
    name: str, window: dict[str, object], now: str, expected: str
) -> None:
    allowed = next_allowed(at(now), calendar(name, window))
    assert written(allowed.at, name) == expected
    assert [move.code for move in allowed.moves] == ([] if allowed.at == at(now) else ["window"])


def test_an_instant_inside_is_left_as_it_is_to_the_microsecond() -> None:
    now = datetime(2026, 6, 2, 9, 30, 15, 123456, tzinfo=UTC)
    assert next_allowed(now, calendar(BERLIN, {})).at == now
    assert next_allowed(now, calendar(BERLIN, {})).moves == ()


def test_each_move_says_why_and_until_when() -> None:
    moves = plan(at("2026-06-05T18:00+02:00"), StepTiming(Delay(), True), calendar(BERLIN, {})).moves
    assert [(move.code, move.detail) for move in moves] == [
        ("window", "outside the sending window mon-fri 09:00-17:00 Europe/Berlin")
    ]
    assert plan(at("2026-06-05T18:00+02:00"), StepTiming(Delay(), send_time=time(9)), calendar(BERLIN)).moves[
        0
    ].detail == ("its send time is 09:00 Europe/Berlin")


def test_all_rules_together_are_checked_until_none_moves() -> None:
    """Maundy Thursday evening: Good Friday, the weekend and Easter Monday all pass before the send time holds."""
    timing = StepTiming(Delay(hours=6), skip_weekends=True, send_time=time(9, 30))
    planned = plan(at("2026-04-02T12:00+02:00"), timing, calendar(BERLIN, {}, country="DE"))
    assert written(planned.at, BERLIN) == "2026-04-07T09:30+02:00"
    assert {"send_time", "holiday", "weekend"} <= {move.code for move in planned.moves}


def test_a_step_without_window_and_holidays_knows_only_delay_send_time_and_weekends() -> None:
    planned = plan(at("2026-12-24T23:00+01:00"), StepTiming(Delay(hours=3), True), calendar(BERLIN))
    assert written(planned.at, BERLIN) == "2026-12-25T02:00+01:00"
    assert planned.moves == ()


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("2026-06-02T09:00+02:00", True),
        ("2026-06-02T16:59+02:00", True),
        ("2026-06-02T17:00+02:00", False),
        ("2026-06-06T10:00+02:00", False),
        ("2026-06-03T10:00+02:00", False),
    ],
)
def test_a_late_step_may_run_now_or_not(now: str, allowed: bool) -> None:
    rules = calendar(BERLIN, {"mon-sun": ["09:00-17:00"]}, days_off=frozenset({date(2026, 6, 3)}))
    assert is_allowed(at(now), rules, skip_weekends=True) is allowed
    assert (next_allowed(at(now), rules, skip_weekends=True).at == at(now)) is allowed


def test_a_late_step_runs_at_once_inside_its_window_though_its_send_time_has_passed() -> None:
    rules = calendar(BERLIN, {})
    timing = StepTiming(Delay(), send_time=time(9))
    late = at("2026-06-02T14:00+02:00")
    assert next_allowed(late, rules, skip_weekends=timing.skip_weekends).at == late
    assert plan(late, timing, rules).at != late


@pytest.mark.parametrize(
    ("rules", "timing", "message"),
    [
        (
            calendar(BERLIN, {}),
            StepTiming(Delay(), send_time=time(20)),
            "send_time 20:00 is never inside the sending window mon-fri 09:00-17:00: change one of them",
        ),
        (
            calendar(BERLIN, {}),
            StepTiming(Delay(), send_time=time(17)),
            "send_time 17:00 is never inside the sending window mon-fri 09:00-17:00: change one of them",
        ),
        (
            calendar(BERLIN, {"sat,sun": ["09:00-17:00"]}),
            StepTiming(Delay(), skip_weekends=True),
            "no moment within 750 days",
        ),
        (
            calendar(BERLIN, {"mon": ["09:00-10:00"], "sat": ["11:00-12:00"]}),
            StepTiming(Delay(), skip_weekends=True, send_time=time(11)),
            "no moment within 750 days",
        ),
    ],
)
def test_rules_that_contradict_each_other_are_an_error(rules: Calendar, timing: StepTiming, message: str) -> None:
    with pytest.raises(TimingError, match=message) as caught:
        plan(at("2026-06-02T09:00+02:00"), timing, rules)
    assert "\n" not in str(caught.value)


def test_a_clock_set_back_over_midnight_never_moves_a_step_backwards() -> None:
    """At 00:01 on 7 November 2010 it was 23:01 on the 6th again; midnight came twice."""
    now = datetime(2010, 11, 6, 23, 30, fold=1, tzinfo=ZoneInfo(ST_JOHNS))
    rules = calendar(ST_JOHNS, ALWAYS, days_off=frozenset({date(2010, 11, 6)}))
    assert written(next_allowed(now, rules).at, ST_JOHNS) == "2010-11-07T00:00-03:30"
    assert next_allowed(now, rules).at > now


def test_a_day_that_starts_in_a_gap_starts_after_it() -> None:
    """Cairo leaves out 00:00 to 01:00 on Friday 24 April 2026."""
    planned = next_allowed(
        at("2026-04-23T12:00+02:00"), calendar("Africa/Cairo", ALWAYS, days_off=frozenset({date(2026, 4, 23)}))
    )
    assert written(planned.at, "Africa/Cairo") == "2026-04-24T01:00+03:00"


@pytest.mark.parametrize(
    ("own", "contact", "account", "mailbox", "workspace", "expected"),
    [
        (BERLIN, KOLKATA, NEW_YORK, APIA, "UTC", (BERLIN, "window")),
        (None, KOLKATA, NEW_YORK, APIA, "UTC", (KOLKATA, "contact")),
        (None, None, NEW_YORK, APIA, "UTC", (NEW_YORK, "account")),
        (None, "", "Not/AZone", APIA, "UTC", (APIA, "mailbox")),
        (None, "", None, "", NEW_YORK, (NEW_YORK, "workspace")),
        (None, "../etc/passwd", None, None, BERLIN, (BERLIN, "workspace")),
        (None, None, None, None, None, ("UTC", "workspace")),
    ],
)
def test_the_zone_is_the_first_that_is_known_and_says_whose_it_is(
    own: str | None,
    contact: str | None,
    account: str | None,
    mailbox: str | None,
    workspace: str | None,
    expected: tuple[str, str],
) -> None:
    window = parse_window({"timezone": own})
    found = resolve_zone(window, contact=contact, account=account, mailbox=mailbox, workspace=workspace)
    assert (found.name, found.source) == expected
    assert found.zone.key == found.name


@pytest.mark.parametrize(
    "call",
    [
        lambda naive: add_delay(naive, Delay(), zone("UTC")),
        lambda naive: plan(naive, StepTiming(Delay()), calendar("UTC")),
        lambda naive: next_allowed(naive, calendar("UTC")),
        lambda naive: is_allowed(naive, calendar("UTC")),
    ],
)
def test_a_time_without_a_zone_is_a_fault(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="has no time zone"):
        call(datetime(2026, 6, 2, 9))  # noqa: DTZ001
