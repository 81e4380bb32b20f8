"""Guesses the time zone of a phone number or a domain when candidates differ by an hour at most. Pure, no network.

From the tables of libphonenumber (number → zones) and of the IANA time zone database (country → zones, main one first).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from sequences.time.timing import is_valid_timezone

# A country's zones that are no further apart than this are taken as its main one.
_CLOSE = timedelta(hours=1)
_UNITED_KINGDOM = {"uk": "GB"}
# Endings of countries that companies anywhere use for how they sound.
_GENERIC_ENDINGS = frozenset(
    {
        "ac", "ag", "ai", "am", "as", "bz", "cc", "cd", "co", "cx", "dj", "fm", "gg", "gl", "gs", "im", "io",
        "je", "la", "lc", "ly", "me", "ms", "mu", "nu", "pw", "sc", "sh", "so", "st", "sx", "tc", "tk", "tl",
        "to", "tv", "vc", "vg", "ws",
    }
)  # fmt: skip


def guess_by_phone(phone: str, domain: str, at: datetime) -> str:
    """The zone of a number; one without a country code is read in the domain's country. "" when ambiguous."""
    country = country_of_domain(domain)
    try:
        number = phonenumbers.parse(phone, country or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    zones = [zone for zone in time_zones_for_number(number) if is_valid_timezone(zone)]
    region = phonenumbers.region_code_for_number(number) or ""
    listed = [zone for zone in _zones_by_country().get(region, ()) if zone in zones]
    return _agree(listed + [zone for zone in zones if zone not in listed], at)


def guess_by_domain(domain: str, at: datetime) -> str:
    """The zone of the country that the domain's ending names. "" when it names none, or one of several zones."""
    return _agree(_zones_by_country().get(country_of_domain(domain), ()), at)


def country_of_domain(domain: str) -> str:
    """The ISO 3166 code that the ending stands for; "" for an ending that says nothing about a place."""
    ending = domain.rpartition(".")[2].lower()
    country = _UNITED_KINGDOM.get(ending, ending.upper())
    known = "." in domain and ending not in _GENERIC_ENDINGS and country in _zones_by_country()
    return country if known else ""


def _agree(zones: Sequence[str], at: datetime) -> str:
    """The first, if clocks differ by an hour at most in all of them, in winter and in summer."""
    for month in (1, 7):
        day = datetime(at.year, month, 15, tzinfo=UTC)
        offsets = [ZoneInfo(zone).utcoffset(day) or timedelta() for zone in zones]
        if offsets and max(offsets) - min(offsets) > _CLOSE:
            return ""
    return zones[0] if zones else ""


@lru_cache(maxsize=1)
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            if is_valid_timezone(zone):
                found[country] = (*found.get(country, ()), zone)
    return found
