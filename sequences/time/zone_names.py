"""Time zones as people, Windows and Outlook write them, as names of the IANA time zone database. Pure.

Names of Windows come from the Unicode CLDR table of Windows zones. A fixed offset becomes `Etc/GMT±n`, or for part of
an hour the zone whose standard time it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global

from sequences.time.timing import is_valid_timezone

_SIGN = r"[+\-\u2212\u2013]"
_OFFSET = re.compile(
    rf"(?:utc|gmt|z)?\s*(?P<sign>{_SIGN})\s*(?P<hours>\d{{1,2}})(?::?(?P<minutes>\d{{2}}))?", re.IGNORECASE
)
# "(UTC+01:00) Amsterdam, Berlin", "(GMT-05:00) Eastern Time", "UTC -08:00 America Los Angeles"
_DISPLAYED = re.compile(
    rf"\(?\s*(?:utc|gmt)\s*(?P<offset>{_SIGN}?\s*\d{{0,2}}:?\d{{0,2}})\s*\)?[\s:,-]+(?P<places>\D.*)", re.IGNORECASE
)
_PARTS_OF_HOURS = {
    (-9, 30): "Pacific/Marquesas", (-3, 30): "America/St_Johns", (3, 30): "Asia/Tehran", (4, 30): "Asia/Kabul",
    (5, 30): "Asia/Kolkata", (5, 45): "Asia/Kathmandu", (6, 30): "Asia/Yangon", (8, 45): "Australia/Eucla",
    (9, 30): "Australia/Darwin", (10, 30): "Australia/Lord_Howe", (12, 45): "Pacific/Chatham",
}  # fmt: skip
# What Windows shows and no table translates: no city, or one that the database does not have.
_SHOWN = {
    "international date line west": "Etc/GMT+12", "coordinated universal time": "UTC", "hawaii": "Pacific/Honolulu",
    "aleutian islands": "America/Adak", "marquesas islands": "Pacific/Marquesas", "alaska": "America/Anchorage",
    "baja california": "America/Tijuana", "arizona": "America/Phoenix", "pacific time": "America/Los_Angeles",
    "mountain time": "America/Denver", "central time": "America/Chicago", "eastern time": "America/New_York",
    "atlantic time": "America/Halifax", "newfoundland": "America/St_Johns", "central america": "America/Guatemala",
    "saskatchewan": "America/Regina", "yukon": "America/Whitehorse", "easter island": "Pacific/Easter",
    "indiana": "America/Indiana/Indianapolis", "turks and caicos": "America/Grand_Turk",
    "haiti": "America/Port-au-Prince", "georgetown": "America/La_Paz", "greenland": "America/Nuuk",
    "city of buenos aires": "America/Argentina/Buenos_Aires", "saint pierre and miquelon": "America/Miquelon",
    "salvador": "America/Bahia", "azores": "Atlantic/Azores", "cabo verde is.": "Atlantic/Cape_Verde",
    "cape verde is.": "Atlantic/Cape_Verde", "west central africa": "Africa/Lagos", "harare": "Africa/Harare",
    "abu dhabi": "Asia/Dubai", "chennai": "Asia/Kolkata", "astana": "Asia/Almaty", "beijing": "Asia/Shanghai",
    "kuala lumpur": "Asia/Kuala_Lumpur", "canberra": "Australia/Sydney", "solomon is.": "Pacific/Guadalcanal",
    "new caledonia": "Pacific/Noumea", "fiji": "Pacific/Fiji", "marshall islands": "Pacific/Majuro",
    "chatham islands": "Pacific/Chatham", "nuku'alofa": "Pacific/Tongatapu", "samoa": "Pacific/Apia",
    "kiritimati island": "Pacific/Kiritimati", "norfolk island": "Pacific/Norfolk",
    "bougainville island": "Pacific/Bougainville", "kyiv": "Europe/Kyiv", "st. petersburg": "Europe/Moscow",
    "petropavlovsk-kamchatsky": "Asia/Kamchatka", "chetumal": "America/Cancun", "la paz": "America/La_Paz",
    "brasilia": "America/Sao_Paulo",
}  # fmt: skip


def parse_timezone(text: str) -> str:
    """The IANA name of a time zone. Raises `ValueError` with one line that says what to write."""
    written = " ".join(text.split())
    found = _find(written)
    if found is None or not is_valid_timezone(found):
        raise ValueError(f"{written[:100]} is not a time zone: use an IANA name such as Europe/Berlin")
    return found


def _find(written: str) -> str | None:
    lowered = written.lower()
    if found := _iana_names().get(lowered.replace(" ", "_")) or _windows_names().get(lowered):
        return found
    if offset := _OFFSET.fullmatch(written):
        return _fixed(offset)
    if shown := _DISPLAYED.fullmatch(written):
        return _find_place(shown["places"], _read_offset(shown["offset"]))
    return None


def _fixed(offset: re.Match[str]) -> str | None:
    hours, minutes = int(offset["hours"]), int(offset["minutes"] or 0)
    is_west = offset["sign"] != "+"
    if minutes:
        return _PARTS_OF_HOURS.get((-hours if is_west else hours, minutes))
    # the signs of these names are those of POSIX: west is positive
    return f"Etc/GMT{'+' if is_west else '-'}{hours}" if hours else "UTC"


def _read_offset(text: str) -> timedelta:
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        return timedelta()
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return offset if found["sign"] == "+" else -offset


def _find_place(places: str, offset: timedelta) -> str | None:
    """The zone of the first place named whose standard time has this offset."""
    bare = re.sub(r"\s*\(.*?\)", "", places).strip()
    whole = _iana_names().get(re.sub(r"^(\w+) ", r"\1/", bare.lower()).replace(" ", "_"))
    names = [part.strip() for part in bare.lower().split(",")]
    zones = [whole, *(_SHOWN.get(name) or _cities().get(name.replace(" ", "_")) for name in [bare.lower(), *names])]
    return _first_at(zones, offset) or _windows_names().get(f"{bare.lower()} standard time")


def _first_at(zones: Iterable[str | None], offset: timedelta) -> str | None:
    for zone in zones:
        if zone is None:
            continue
        # a rule of a zone may change: the year only has to be one of now
        offsets = {ZoneInfo(zone).utcoffset(datetime(2026, month, 15, tzinfo=UTC)) for month in (1, 7)}
        if offset in offsets:
            return zone
    return None


@lru_cache(maxsize=1)
def _iana_names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() if is_valid_timezone(name)}


@lru_cache(maxsize=1)
def _windows_names() -> dict[str, str]:
    return {name.lower(): zone for name, zone in get_global("windows_zone_mapping").items()}


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    return {name.rpartition("/")[2].lower(): name for name in sorted(available_timezones()) if "/" in name}
