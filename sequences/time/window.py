"""The weekly sending window of a sequence: its written form and whether it is open. Pure.

Ranges are wall-clock minutes `[start, end)` of one weekday; one that crosses midnight is kept as two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = 24 * 60
_RANGE = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})")
_WORD = re.compile(r"[^\s,;]+")
_DASH = re.compile(r"\s*[-–]\s*")
_NOT_PLACES = frozenset({"localtime", "Factory"})  # of the tz files, but another zone on every host, or none
_DEFAULT = {"mon-fri": ["09:00-17:00"]}

Ranges = tuple[tuple[int, int], ...]


class TimingError(ValueError):
    """The rules of time are wrong or contradict each other; one line that names the key and the remedy."""


@dataclass(frozen=True, slots=True)
class Window:
    """`days`: seven sets of ranges in minutes, Monday first. `timezone` None: the contact's zone."""

    timezone: str | None
    days: tuple[Ranges, ...]

    def is_open(self, local: datetime) -> bool:
        """Whether that wall clock time is inside."""
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.days[local.weekday()])

    def next_opening(self, local: datetime) -> datetime:
        """The first wall clock time from `local` on that is inside; `local` itself when it is."""
        if self.is_open(local):
            return local
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        elapsed = local.hour * 60 + local.minute
        for offset in range(len(_DAYS) + 1):
            for start, _ in self.days[(local.weekday() + offset) % len(_DAYS)]:
                if offset or start > elapsed:
                    return midnight + timedelta(days=offset, minutes=start)
        raise TimingError("the window never opens: give a day hours")


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # Once per process: listing them walks the file system for milliseconds.
    return frozenset(available_timezones() - _NOT_PLACES)


def is_valid_timezone(name: str) -> bool:
    """Whether `name` is a zone of the IANA database. Only compared with its names, never used as a path."""
    return name in _zone_names()


def parse_window(raw: Mapping[str, object] | None) -> Window:
    """Read `{"timezone": "contact", "mon-fri": ["09:00-17:00"]}`; nothing given: Monday to Friday 09:00-17:00.

    Raises `TimingError`.
    """
    if raw is not None and not isinstance(raw, Mapping):
        raise TimingError('the window must be an object such as {"mon-fri": ["09:00-17:00"]}')
    given = dict(raw or {})
    timezone = _parse_timezone(given.pop("timezone", "contact"))
    days: list[list[tuple[int, int]]] = [[] for _ in _DAYS]
    named: set[int] = set()
    for key, value in (given or _DEFAULT).items():
        for day in _parse_days(key):
            if day in named:
                raise TimingError(f"window: {_DAYS[day]} is named twice, again by {key!r}: name each day once")
            named.add(day)
            for start, end in _parse_ranges(key, value):
                days[day].append((start, min(end, _MIDNIGHT)))
                if end > _MIDNIGHT:
                    days[(day + 1) % 7].append((0, end - _MIDNIGHT))
    merged = tuple(_merge(ranges) for ranges in days)
    if not any(merged):
        raise TimingError('the window never opens: give a day hours, such as "mon-fri": ["09:00-17:00"]')
    return Window(timezone, merged)


def read_hours(text: str) -> dict[str, list[str]]:
    """Read the days and hours that users write, as `describe_window` writes them; only `parse_window` validates them.

    Raises `TimingError`.
    """
    raw: dict[str, list[str]] = {}
    days: list[str] = []
    ranges: list[str] | None = None
    for word in _WORD.findall(_DASH.sub("-", text.lower())):
        if not word[:1].isdigit():
            days = [word] if ranges else [*days, word]
            ranges = None
        elif not days:
            raise TimingError(f"no day before {word}: write the days first, such as mon-fri {word}")
        else:
            ranges = raw.setdefault(",".join(days), [])
            ranges.append(word)
    if days and not ranges:
        raise TimingError(f"{' '.join(days)} has no hours: write them behind it, such as mon-fri 09:00-17:00")
    return raw


def list_zones() -> list[str]:
    """The names a window may have, in their order."""
    return sorted(_zone_names())


def window_to_raw(window: Window) -> dict[str, object]:
    """The written form; reading it again gives the same window."""
    raw: dict[str, object] = {"timezone": window.timezone or "contact"}
    for key, ranges in _grouped(window):
        raw[key] = [f"{_clock(start)}-{_clock(end)}" for start, end in ranges]
    return raw


@lru_cache(maxsize=1024)
def describe_window(window: Window) -> str:
    """Such as `mon-fri 09:00-17:00, sat 10:00-12:00`."""
    return ", ".join(
        f"{key} {' '.join(f'{_clock(start)}-{_clock(end)}' for start, end in ranges)}"
        for key, ranges in _grouped(window)
    )


def _grouped(window: Window) -> Iterable[tuple[str, Ranges]]:
    days = [_join_over_midnight(window, day) for day in range(len(_DAYS))]
    first = 0
    while first < len(_DAYS):
        last = first
        while last + 1 < len(_DAYS) and days[last + 1] == days[first]:
            last += 1
        if days[first]:
            yield _DAYS[first] if first == last else f"{_DAYS[first]}-{_DAYS[last]}", days[first]
        first = last + 1


def _join_over_midnight(window: Window, day: int) -> Ranges:
    """The ranges as users write them: 22:00-02:00 stands with the day where it starts."""
    today, yesterday = window.days[day], window.days[day - 1]
    tomorrow = window.days[(day + 1) % len(_DAYS)]
    if yesterday and today and _crosses(yesterday[-1], today[0]):
        today = today[1:]
    if today and tomorrow and _crosses(today[-1], tomorrow[0]):
        today = (*today[:-1], (today[-1][0], tomorrow[0][1]))
    return today


def _crosses(evening: tuple[int, int], morning: tuple[int, int]) -> bool:
    return evening[1] == _MIDNIGHT and morning[0] == 0 and morning[1] < evening[0]


def _parse_timezone(value: object) -> str | None:
    if value is None or value in ("", "contact"):
        return None
    if not isinstance(value, str) or not is_valid_timezone(value):
        raise TimingError(f"window: timezone {value!r} is not known: use contact or an IANA name such as Europe/Berlin")
    return value


def _parse_days(key: object) -> Iterable[int]:
    for part in str(key).lower().split(","):
        names = [name.strip() for name in part.split("-")]
        if len(names) > 2 or any(name not in _DAYS for name in names):
            raise TimingError(
                f"window: {key!r} is not a day: use mon … sun, ranges such as mon-fri, lists such as sat,sun"
            )
        first, last = _DAYS.index(names[0]), _DAYS.index(names[-1])
        yield from ((first + offset) % 7 for offset in range((last - first) % 7 + 1))


def _parse_ranges(key: object, value: object) -> Iterable[tuple[int, int]]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        raise TimingError(f'window: {key!r} must be a list of ranges such as ["09:00-17:00"]')
    for text in texts:
        found = _RANGE.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise TimingError(f"window: {key!r}: {text!r} is not a range: use HH:MM-HH:MM")
        start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if start_minute > 59 or end_minute > 59 or start >= _MIDNIGHT or end > _MIDNIGHT:
            raise TimingError(f"window: {key!r}: {text!r} is not a time of day: use 00:00 to 24:00")
        if start == end:
            raise TimingError(f"window: {key!r}: {text!r} is empty: for the whole day use 00:00-24:00")
        yield start, end if end > start else end + _MIDNIGHT


def _merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
