"""The return date in an out-of-office answer. Pure; a date is taken only next to a word that makes it one.

Sane bounds: in the future and at most 90 days ahead. What can be read in two ways (03/04) is read as the later one, so
that nobody is mailed too early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo

LONGEST_DAYS = 90
_LONGEST_TEXT = 4_000

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier enero gennaio janeiro januari",
            "february feb februar février fevrier febrero febbraio fevereiro februari",
            "march mar märz maerz mrz mars marzo março marco maart",
            "april apr avril abril aprile",
            "may mai mayo maggio maio mei maj",
            "june jun juni juin junio giugno junho",
            "july jul juli juillet julio luglio julho",
            "august aug août aout agosto augustus augusti",
            "september sep sept septembre septiembre settembre setembro",
            "october oct oktober okt octobre octubre ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre decembre diciembre dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?P<iso>\b(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})\b)"
    rf"|(?P<dotted>\b(\d{{1,2}})\.\s?(\d{{1,2}})\.(?:\s?(\d{{4}}|\d{{2}})\b)?)"
    rf"|(?P<slashed>\b(\d{{1,2}})/(\d{{1,2}})(?:/(\d{{4}}|\d{{2}}))?\b)"
    rf"|(?P<dayfirst>\b(\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?\s+(?:of\s+|de\s+)?({_NAME})\b\.?(?:,?\s+(?:de\s+)?(\d{{4}})\b)?)"
    rf"|(?P<monthfirst>\b({_NAME})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}})\b)?)",
    re.IGNORECASE,
)
_FILLER = (
    r"(?:\s|,|:|the|and|including|incl\.?|on|de[mnrs]?|einschließlich|inclusive|le|el|il|o|dia|día|op|"
    r"mon|tues?|wed|thurs?|fri|sat|sun|wednes|satur|day|"
    r"(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|"
    r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|"
    r"lunes|martes|miércoles|jueves|viernes|sábado|domingo|(?:segunda|terça|quarta|quinta|sexta)(?:-feira)?|"
    r"lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|"
    r"(?:maan|dins|woens|donder|vrij|zater|zon)dag|(?:mån|tis|ons|tors|fre|lör|sön)dag(?:en)?)*"
)
# the last day away: back on the day after
_AWAY_UNTIL = re.compile(
    r"(\b(until|till|til|through|thru|to|bis|bis zum|jusqu'au|jusqu’au|au|hasta|al|fino al|até|ate|"
    r"tot( en met)?|t/m|t\.e\.m\.|till( och med)?|t\.?o\.?m\.?|fram till)"
    rf"|[-–—])\s*{_FILLER}$",
    re.IGNORECASE,
)
_BACK_ON = re.compile(
    r"\b(back|return(ing)?|returns|available( again)?|ab|wieder da|zurück|wieder erreichbar|wieder im büro|"
    r"à partir du|retour|de retour|vuelvo|regreso|volveré|a partir del?|rientro|rientrerò|dal|retorno|volto|"
    r"terug|vanaf|weer (bereikbaar|aanwezig)|åter|tillbaka|från( och med)?|fr\.?o\.?m\.?)\s*"
    r"(again|in the office|to the office|to work|office|from|am|ab|le|el|il|em|per|"
    r"op kantoor|på (kontoret|jobbet|plats)|i tjänst)?\s*"
    rf"{_FILLER}$",
    re.IGNORECASE,
)
_LOOK_BACK = 60


def find_return_at(text: str, received_at: datetime, zone: tzinfo) -> datetime | None:
    """Midnight in `zone` that begins the day of return; None when no date can be trusted."""
    text = text[:_LONGEST_TEXT]
    today = received_at.astimezone(zone).date()
    found: list[date] = []
    for match in _DATE.finditer(text):
        before = text[max(match.start() - _LOOK_BACK, 0) : match.start()]
        later = 1 if _AWAY_UNTIL.search(before) else 0
        if later or _BACK_ON.search(before):
            found += [day + timedelta(days=later) for day in _read(match, today)]
    bounded = [day for day in found if today < day <= today + timedelta(days=LONGEST_DAYS)]
    if not bounded:
        return None
    return datetime.combine(max(bounded), time.min, tzinfo=zone)


def _read(match: re.Match[str], today: date) -> list[date]:
    """All days that the text may mean."""
    groups = [group for group in match.groups() if group is not None][1:]
    if match["iso"]:
        year, month, day = map(int, groups)
        return list(_days(year, month, day))
    year_text = groups[2] if len(groups) > 2 else ""
    years = [int(year_text) + (2000 if len(year_text) == 2 else 0)] if year_text else [today.year, today.year + 1]
    if match["dayfirst"]:
        pairs = [(int(groups[0]), _MONTHS[groups[1].lower()])]
    elif match["monthfirst"]:
        pairs = [(int(groups[1]), _MONTHS[groups[0].lower()])]
    elif match["dotted"]:
        pairs = [(int(groups[0]), int(groups[1]))]
    else:
        pairs = [(int(groups[0]), int(groups[1])), (int(groups[1]), int(groups[0]))]
    return [found for year in years for day, month in pairs for found in _days(year, month, day)]


def _days(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return
