"""Time zones as people, Windows and Outlook write them."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from babel.core import get_global

from sequences.time.timing import is_valid_timezone
from sequences.time.zone_names import parse_timezone


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" australia/sydney ", "Australia/Sydney"),
        ("america/new york", "America/New_York"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("pacific standard time", "America/Los_Angeles"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
        ("(UTC-08:00) Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("(GMT-06:00) Central Time (US & Canada)", "America/Chicago"),
        ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "Asia/Kolkata"),
        ("(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi", "Asia/Shanghai"),
        ("(UTC-03:00) Brasilia", "America/Sao_Paulo"),
        ("(UTC-05:00) Indiana (East)", "America/Indiana/Indianapolis"),
        ("(UTC) Coordinated Universal Time", "UTC"),
        ("UTC -08:00 America Los Angeles", "America/Los_Angeles"),
        ("UTC+9", "Etc/GMT-9"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("+0200", "Etc/GMT-2"),
        ("UTC−7", "Etc/GMT+7"),
        ("utc+0", "UTC"),
        ("GMT-03:30", "America/St_Johns"),
        ("UTC+5:45", "Asia/Kathmandu"),
    ],
)
def test_a_time_zone_is_known_however_it_is_written(text: str, zone: str) -> None:
    assert parse_timezone(text) == zone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Moon/Crater",
        "Berlin",
        "UTC+27",
        "UTC+3:17",
        "(UTC+09:00) Berlin",
        "(UTC+01:00) Atlantis",
        "PST8",
        "x" * 500,
    ],
)
def test_an_unknown_time_zone_is_a_one_line_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone: use an IANA name such as Europe/Berlin") as caught:
        parse_timezone(text)
    assert len(str(caught.value)) < 200


def test_every_name_of_both_databases_is_known() -> None:
    for name in filter(is_valid_timezone, available_timezones()):
        assert parse_timezone(name) == name
        assert parse_timezone(name.upper()) == name
    for name, zone in get_global("windows_zone_mapping").items():
        assert is_valid_timezone(zone)
        assert is_valid_timezone(parse_timezone(name))
