"""The written form of the sending window."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequences.time.window import (
    TimingError,
    Window,
    describe_window,
    is_valid_timezone,
    parse_window,
    read_hours,
    window_to_raw,
)

NINE_TO_FIVE = ((540, 1020),)
CLOSED: tuple[tuple[int, int], ...] = ()
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize("raw", [None, {}, {"timezone": "contact"}, {"timezone": None}, {"timezone": ""}])
def test_nothing_given_is_monday_to_friday_nine_to_five_in_the_contacts_zone(raw: dict[str, object] | None) -> None:
    assert parse_window(raw) == Window(None, (NINE_TO_FIVE,) * 5 + (CLOSED,) * 2)


def test_a_zone_alone_keeps_the_default_hours() -> None:
    assert parse_window({"timezone": "Asia/Kolkata"}) == Window("Asia/Kolkata", (NINE_TO_FIVE,) * 5 + (CLOSED,) * 2)


@pytest.mark.parametrize(
    ("key", "opened"),
    [
        ("mon", "mon"),
        ("mon-fri", "mon tue wed thu fri"),
        ("sat,sun", "sat sun"),
        ("fri-mon", "mon fri sat sun"),
        ("sun-sun", "sun"),
        ("tue-wed, fri", "tue wed fri"),
        ("Mon - Tue", "mon tue"),
    ],
)
def test_a_key_names_days(key: str, opened: str) -> None:
    window = parse_window({key: ["09:00-17:00"]})
    assert window.days == tuple(NINE_TO_FIVE if day in opened.split() else CLOSED for day in DAYS)


@pytest.mark.parametrize(
    ("ranges", "monday", "tuesday"),
    [
        (["09:00-17:00"], ((540, 1020),), ()),
        ("09:00-17:00", ((540, 1020),), ()),
        (["9:00 - 17:00"], ((540, 1020),), ()),
        (["13:00-17:00", "09:00-12:00"], ((540, 720), (780, 1020)), ()),
        (["09:00-12:00", "11:00-15:00"], ((540, 900),), ()),
        (["09:00-12:00", "12:00-15:00"], ((540, 900),), ()),
        (["09:00-15:00", "10:00-11:00"], ((540, 900),), ()),
        (["22:00-24:00"], ((1320, 1440),), ()),
        (["22:00-00:00"], ((1320, 1440),), ()),
        (["00:00-24:00"], ((0, 1440),), ()),
        (["22:00-02:00"], ((1320, 1440),), ((0, 120),)),
    ],
)
def test_ranges_are_minutes_of_the_day(
    ranges: object, monday: tuple[tuple[int, int], ...], tuesday: tuple[tuple[int, int], ...]
) -> None:
    assert parse_window({"mon": ranges}).days == (monday, tuesday, (), (), (), (), ())


def test_a_range_over_midnight_belongs_to_the_day_where_it_starts_and_joins_the_next_day() -> None:
    days = parse_window({"sun": ["22:00-02:00"], "mon": ["01:00-03:00"]}).days
    assert days == (((0, 180),), (), (), (), (), (), ((1320, 1440),))


def test_an_empty_list_closes_its_day() -> None:
    assert parse_window({"mon": ["09:00-17:00"], "tue": []}).days[1] == ()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"mon": []}, r"the window never opens: .*mon-fri"),
        ({"funday": ["09:00-17:00"]}, r"'funday' is not a day: use mon"),
        ({"": ["09:00-17:00"]}, r"'' is not a day"),
        ({"mon-wed-fri": ["09:00-17:00"]}, r"'mon-wed-fri' is not a day"),
        ({1: ["09:00-17:00"]}, r"1 is not a day"),
        ({"mon-fri": ["09:00-17:00"], "wed": ["10:00-11:00"]}, r"wed is named twice, again by 'wed'"),
        ({"mon,mon": ["09:00-17:00"]}, r"mon is named twice"),
        ({"mon": 9}, r"'mon' must be a list of ranges"),
        ({"mon": None}, r"'mon' must be a list of ranges"),
        ({"mon\n": 9}, r"'mon\\n' must be a list of ranges"),
        ({"mon": [9]}, r"'mon': 9 is not a range: use HH:MM-HH:MM"),
        ({"mon": ["9-17"]}, r"'9-17' is not a range: use HH:MM-HH:MM"),
        ({"mon": ["09:00-17:00\n-"]}, r"is not a range"),
        ({"mon": ["٠٩:٠٠-17:00"]}, r"is not a range"),
        ({"mon": ["09:60-17:00"]}, r"'09:60-17:00' is not a time of day: use 00:00 to 24:00"),
        ({"mon": ["09:00-24:01"]}, r"is not a time of day"),
        ({"mon": ["09:00-25:00"]}, r"is not a time of day"),
        ({"mon": ["24:00-02:00"]}, r"is not a time of day"),
        ({"mon": ["09:00-09:00"]}, r"is empty: for the whole day use 00:00-24:00"),
        ({"timezone": "Mars/Olympus"}, r"timezone 'Mars/Olympus' is not known: use contact or an IANA name"),
        ({"timezone": 5}, r"timezone 5 is not known"),
        ({"timezone": []}, r"timezone \[\] is not known"),
        (["mon"], r"the window must be an object"),
        ("mon", r"the window must be an object"),
    ],
)
def test_a_wrong_window_is_one_line_that_names_the_key_and_what_is_allowed(raw: object, message: str) -> None:
    with pytest.raises(TimingError, match=message) as caught:
        parse_window(raw)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (None, "mon-fri 09:00-17:00"),
        ({"mon-fri": ["09:00-12:00", "13:00-17:00"]}, "mon-fri 09:00-12:00 13:00-17:00"),
        ({"mon": ["09:00-17:00"], "sat": ["10:00-12:00"]}, "mon 09:00-17:00, sat 10:00-12:00"),
        ({"mon-fri": ["22:00-02:00"]}, "mon-fri 22:00-02:00"),
        ({"mon-sun": ["22:00-02:00"]}, "mon-sun 22:00-02:00"),
        ({"sun": ["23:00-01:00"]}, "sun 23:00-01:00"),
        ({"fri-sat": ["00:00-24:00"], "sun": ["00:00-12:00"]}, "fri-sat 00:00-24:00, sun 00:00-12:00"),
    ],
)
def test_the_description_is_readable_text(raw: dict[str, object] | None, text: str) -> None:
    assert describe_window(parse_window(raw)) == text


def test_the_written_form_keeps_the_zone_and_groups_the_days() -> None:
    raw = {"fri": ["22:00-02:00"], "thu": ["22:00-02:00"], "timezone": "Europe/Berlin"}
    assert window_to_raw(parse_window(raw)) == {"timezone": "Europe/Berlin", "thu-fri": ["22:00-02:00"]}
    assert window_to_raw(parse_window(None)) == {"timezone": "contact", "mon-fri": ["09:00-17:00"]}


_minutes = st.integers(0, 1439)
_ranges = st.lists(
    st.tuples(_minutes, _minutes)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: f"{pair[0] // 60:02d}:{pair[0] % 60:02d}-{pair[1] // 60:02d}:{pair[1] % 60:02d}"),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.dictionaries(st.sampled_from(DAYS), _ranges, min_size=1),
    st.sampled_from(["contact", "UTC", "America/New_York"]),
)
def test_reading_the_written_form_gives_the_same_window(days: dict[str, list[str]], timezone: str) -> None:
    window = parse_window({"timezone": timezone, **days})
    raw = window_to_raw(window)
    assert parse_window(raw) == window
    assert hash(parse_window(raw)) == hash(window)
    assert window_to_raw(parse_window(raw)) == raw
    assert parse_window({"timezone": timezone, **read_hours(describe_window(window))}) == window


@pytest.mark.parametrize(
    ("local", "is_open", "opening"),
    [
        ("2026-06-02T08:59:59", False, "2026-06-02T09:00:00"),
        ("2026-06-02T09:00:00", True, "2026-06-02T09:00:00"),
        ("2026-06-02T16:59:59.999999", True, "2026-06-02T16:59:59.999999"),
        ("2026-06-02T17:00:00", False, "2026-06-03T09:00:00"),
        ("2026-06-05T17:00:00", False, "2026-06-08T09:00:00"),
    ],
)
def test_a_range_holds_its_start_and_not_its_end(local: str, is_open: bool, opening: str) -> None:
    window = parse_window(None)
    assert window.is_open(datetime.fromisoformat(local)) is is_open
    assert window.next_opening(datetime.fromisoformat(local)) == datetime.fromisoformat(opening)


def test_a_window_of_one_day_opens_again_a_week_later() -> None:
    window = parse_window({"tue": ["09:00-10:00"]})
    assert window.next_opening(datetime.fromisoformat("2026-06-02T10:00")) == datetime.fromisoformat("2026-06-09T09:00")


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Asia/Kolkata"])
def test_a_zone_of_the_iana_database_is_valid(name: str) -> None:
    assert is_valid_timezone(name)


@pytest.mark.parametrize(
    "name",
    ["", "contact", "europe/berlin", "Europe", "../../etc/passwd", "/etc/localtime", "localtime", "Factory", "UTC\0"],
)
def test_an_unknown_zone_is_invalid(name: str) -> None:
    assert not is_valid_timezone(name)


def test_a_window_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_window(None).timezone = "UTC"  # type: ignore[misc]
