"""Which country a text names, as imports bring it: an ISO 3166 code or a name in one of some languages. Pure.

Names are those of CLDR. Only countries with a holiday calendar are found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from babel import Locale
from babel.core import get_global

from sequences.time.timing import is_valid_holiday_country

_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da")
# Words of sequences.choices.HolidaySource.
_WORKSPACE, _BOTH = "workspace", "both"
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
# What CLDR names differently.
_FURTHER = {
    "america": "US",
    "britain": "GB",
    "czech republic": "CZ",
    "england": "GB-ENG",
    "great britain": "GB",
    "holland": "NL",
    "northern ireland": "GB-NIR",
    "scotland": "GB-SCT",
    "turkey": "TR",
    "united states of america": "US",
    "wales": "GB-WLS",
}


@lru_cache(maxsize=4096)
def find_country(text: str) -> str | None:
    """The code of the country, with its part where that has a calendar of its own; None where none is meant."""
    word = re.sub(r"^the ", "", " ".join(text.split()).casefold())
    code = word.replace(".", "").upper()
    if _CODE.fullmatch(code):
        country, dash, part = code.partition("-")
        country = _known_codes().get(country, country)
        whole = f"{country}{dash}{part}"
        return whole if is_valid_holiday_country(whole) else _with_calendar(country)
    return _with_calendar(_known_codes().get(code) or _names().get(word))


@lru_cache(maxsize=4096)
def holiday_countries(source: str, workspace: str | None, contact: str | None) -> str | None:
    """The countries whose holidays count, as `Calendar.holiday_country` takes them.

    `workspace`: its code. `contact`: its country as imported; one that is not understood counts as not known, and the
    workspace's holidays then count.
    """
    own = workspace or None
    if source == _WORKSPACE:
        return own
    theirs = find_country(contact) if contact else None
    if theirs is None or theirs == own:
        return own
    return f"{own},{theirs}" if own and source == _BOTH else theirs


def _with_calendar(code: str | None) -> str | None:
    return code if code and is_valid_holiday_country(code) else None


@cache
def _known_codes() -> Mapping[str, str]:
    """Of three letters, and such as UK."""
    return {old: new[0] for old, new in get_global("territory_aliases").items() if len(new) == 1}


@cache
def _names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2:
                names.setdefault(name.casefold(), code)
    return names | _FURTHER
