"""A host's clock that leaps, or that was wrong from the start, is noticed, and its time is not used."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from common.clocks import MOST_OFF_SECONDS, CheckedClock, describe_offset, measure_offset

HOUR = timedelta(hours=1)


class Host:
    """A wall clock that can leap beside a monotonic one that cannot."""

    def __init__(self, at: datetime) -> None:
        self.at, self.seconds = at, 0.0

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds

    def clock(self) -> CheckedClock:
        return CheckedClock(lambda: self.at, lambda: self.seconds)


@pytest.mark.parametrize("leap", [HOUR, -HOUR, timedelta(seconds=21)])
def test_a_leap_is_noticed_at_once_and_the_time_goes_on_without_it(leap: timedelta) -> None:
    start_at = datetime(2026, 3, 2, 10, tzinfo=timezone.get_default_timezone())
    host = Host(start_at)
    clock = host.clock()
    host.pass_by(5)
    host.at += leap
    assert not clock.is_right()
    assert clock() == start_at + timedelta(seconds=5)
    assert clock.offset_seconds() == leap.total_seconds()
    host.pass_by(10)
    assert clock() == start_at + timedelta(seconds=15)
    host.at -= leap
    assert clock.is_right()
    assert clock() == host.at


def test_a_small_correction_is_followed() -> None:
    host = Host(datetime(2026, 3, 2, 10, tzinfo=timezone.get_default_timezone()))
    clock = host.clock()
    host.at += timedelta(seconds=MOST_OFF_SECONDS - 1)
    assert clock.is_right()
    assert clock() == host.at


@pytest.mark.django_db
def test_a_clock_that_was_always_wrong_is_found_by_the_database_and_lives_by_it() -> None:
    clock = CheckedClock(lambda: timezone.now() - HOUR)
    assert clock.is_right()
    assert clock.compare() == pytest.approx(-3600, abs=15)
    assert not clock.is_right()
    assert abs(clock() - timezone.now()) < timedelta(seconds=15)


@pytest.mark.django_db
def test_a_right_clock_agrees_with_the_database() -> None:
    assert measure_offset(timezone.now) == pytest.approx(0, abs=15)
    clock = CheckedClock(timezone.now)
    clock.compare()
    assert clock.is_right()


def test_an_offset_is_described_with_its_direction() -> None:
    assert describe_offset(3600.2) == "3,600 seconds ahead of the database's"
    assert describe_offset(-30) == "30 seconds behind the database's"
