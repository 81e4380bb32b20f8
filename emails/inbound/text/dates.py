"""Dates as people write them in mails: numeric, with written months, as ranges. Pure.

A date without a year is the nearest one; one of the last three months is past, not of next year. Which number of
03/04 is the month is settled by the text as a whole: another date, a weekday, the languages. Must
not know what a date is for.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from emails.inbound.text.calendar_names import find_month, find_weekday, is_everyday_word, thai_months
from emails.inbound.text.lexer import Token, normalise, tokenise
from emails.inbound.text.vocabulary.date_words import (
    CONNECTORS,
    FILLERS,
    MONTH_PARTS,
    MONTH_PREPOSITIONS,
)

_PAST_DAYS = 90
_ORDINAL = r"(?:\s?(?:st|nd|rd|th|er|re|eme|ème|ste|de|e|:e|:a|го|ого|е|ти|th of|a|o|na|ta|-а|-го|-е|-ого|го числа))?"
_OF = r"(?:of|de|d'|d’|del|di|the|ta|tou|του|da|day of|of the)?"
_DAY_BEFORE = re.compile(rf"(?<![\d.:/,+])(\d{{1,2}}){_ORDINAL}[.,]?[\s-]*{_OF}\s*$", re.IGNORECASE)
_YEAR_BEFORE = re.compile(r"(20\d\d)(?:\.|,|\s?m\.|\s?г\.|\.?\s?gada|\.?\s?aasta)?\s*$", re.IGNORECASE)
_YEAR_AFTER = re.compile(r"[.,]?\s*(?:del?\s+|του\s+)?(20\d\d)(?!\d)|\.?[\s-]+'?(\d\d)(?![\d:.%/-])")
_DAY_AFTER = re.compile(r"\.?\s*(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?(?![\d:%/]|\.\d)(?:[.,]?\s*(20\d\d)(?!\d))?")
_LAST_DAY_AFTER = re.compile(
    r"(?:st|nd|rd|th)?(?:-\w{2,4})?\s*(?:[-–—~]|to|until|till|through|thru|and)?\s*(\d{1,2})(?:st|nd|rd|th)?(?![\d:%/])"
)
_FIRST_DAY = re.compile(
    rf"(?<![\d.:/,+])(\d{{1,2}}){_ORDINAL}\.?\s*(?:[-–—~]|(?:{'|'.join(sorted(CONNECTORS, key=len, reverse=True))})"
    r"(?:\s+(?:\w{1,9}\.?,?\s+)?(?:den|dem|zum|the|le|el|al|il|de|o))?)\s*$",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"(?P<iso>(?<![\d./-])(?P<y1>20\d\d)\s?(?P<s1>[-/.])\s?(?P<m1>\d{1,2})\s?(?P=s1)\s?(?P<d1>\d{1,2})(?!\d))"
    r"|(?P<cjk>(?:(?P<y2>20\d\d)\s?[年년]\s?)?(?P<m2>\d{1,2})\s?[月월]\s?(?P<d2>\d{1,2})(?:\s?[日号號일])?(?:\s?[(（]?[月火水木金土日월화수목금토일][)）])?)"
    r"|(?P<viet>(?<!\d)(?P<d3>\d{1,2})\s?(?:tháng|thg)\.?\s?(?P<m3>\d{1,2})(?:,?\s?(?:năm|,)?\s?(?P<y3>20\d\d))?)"
    r"|(?P<dotted>(?<![\d.,/:+])(?P<d4>\d{1,2})\.(?:\s?(?P<m4>\d{1,2})\.(?:\s?(?P<y4>20\d\d)(?!\d)|(?P<y5>\d\d)(?![\d:.]))?|(?P<m5>\d{1,2}))(?![\d:]))"
    r"|(?P<slashed>(?<![\d/.+:])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:/(?P<y6>20\d\d|\d\d))?(?![\d/]))"
    r"|(?P<dashed>(?<![\d/.+-])(?P<d7>\d{1,2})-(?P<m7>\d{1,2})-(?P<y7>20\d\d)(?!\d))"
)
_THAI_MONTHS = {normalise(name, 40): month for name, month in thai_months().items()}
_THAI = re.compile(
    rf"(\d{{1,2}})\s?(?:เดือน)?\s?({'|'.join(re.escape(name) for name in sorted(_THAI_MONTHS, key=len, reverse=True))})"
    r"\s?(?:พ\.ศ\.|ค\.ศ\.|ปี)?\s?(\d{4})?"
)
# years of the Thai calendar count from 543 BC
_BUDDHIST_YEARS = 543
_LAST_DAY_CJK = re.compile(r"\s?(?:から|より|至|到|부터|[-–—~〜～])\s?(\d{1,2})\s?[日号號일]")
_BRITISH = re.compile(
    r"annual leave|holidays?\b|\+44|\.co\.uk|colour|isation|fortnight|bank holiday|on leave|"
    r"whilst",  # codespell:ignore whilst
    re.I,
)
_AMERICAN = re.compile(r"vacation|\bPTO\b|ization|\bcolor\b|cell phone|\d ?[ap]\.?m\b|\+1\b|zip code", re.I)
_MONTH_FIRST = frozenset({"ja", "zh", "ko", "hu"})
_WEEKDAY_LETTERS = {
    **{letter: n for n, letter in enumerate("月火水木金土日")},
    **{letter: n for n, letter in enumerate("월화수목금토일")},
}


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date named at `start` to `end` of a text.

    `day`: the day, or the last one of a range; `first`: the first one of a range. `last`: the last day of a longer
    time ("October") of which `day` is the first. `is_weak`: may as well be another number.
    """

    start: int
    end: int
    day: date
    first: date | None = None
    last: date | None = None
    is_weak: bool = False
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class _Raw:
    """Numbers before they are read: `pair` is day and month in an unknown order."""

    start: int
    end: int
    year: int | None
    month: int = 0
    day: int = 0
    pair: tuple[int, int] | None = None
    weekday: int | None = None
    first_day: int | None = None
    is_weak: bool = False


def find_dates(text: str, received_on: date, languages: tuple[str, ...]) -> list[DateSpan]:
    """The dates in a normalised text, in order; those that exist in no calendar are left out."""
    tokens = tokenise(text)
    raws = _drop_overlaps([*_read_numeric(text), *_read_thai(text), *_read_written(text, tokens, languages)])
    ends = [0, *(raw.end for raw in raws)]
    positions = _positions(raws, tokens)
    raws = [_see_around(raw, text, tokens, index, end) for raw, index, end in zip(raws, positions, ends, strict=False)]
    is_month_first, is_guess = _settle_order(raws, text, received_on, languages)
    spans = [span for raw in raws if (span := _resolve(raw, received_on, is_month_first, is_guess))]
    spans += _find_months_alone(text, tokens, received_on, languages, spans)
    return join_ranges(sorted(spans, key=lambda span: span.start), text)


def _read_numeric(text: str) -> Iterator[_Raw]:
    for found in _NUMERIC.finditer(text):
        group = found.groupdict()
        kind = next(name for name in ("iso", "cjk", "viet", "dotted", "slashed", "dashed") if group[name])
        numbers = {name: int(value) for name, value in group.items() if value and value.isdecimal()}
        year = next((numbers[name] for name in ("y1", "y2", "y3", "y4", "y5", "y6", "y7") if name in numbers), None)
        year = year + 2000 if year is not None and year < 100 else year
        weekday = _WEEKDAY_LETTERS.get(found[0].rstrip(")）")[-1]) if kind == "cjk" else None
        if kind == "cjk" and found[0].endswith(("日", "일")):
            weekday = None
        if kind == "slashed":
            yield _Raw(found.start(), found.end(), year, pair=(numbers["a"], numbers["b"]), is_weak=year is None)
            continue
        month = next(numbers[name] for name in ("m1", "m2", "m3", "m4", "m5", "m7") if name in numbers)
        day = next(numbers[name] for name in ("d1", "d2", "d3", "d4", "d7") if name in numbers)
        yield _Raw(found.start(), found.end(), year, month, day, weekday=weekday, is_weak="m5" in numbers)


def _read_thai(text: str) -> Iterator[_Raw]:
    for found in _THAI.finditer(text):
        year = int(found[3]) if found[3] else None
        if year is not None and year > 2400:
            year -= _BUDDHIST_YEARS
        yield _Raw(found.start(), found.end(), year, _THAI_MONTHS[found[2]], int(found[1]))


def _read_written(text: str, tokens: Sequence[Token], languages: tuple[str, ...]) -> Iterator[_Raw]:
    for token in tokens:
        month = None if token.text.isdigit() or len(token.text) < 2 else find_month(token.text, languages)
        if month is None:
            continue
        before = text[max(token.start - 24, 0) : token.start]
        after = text[token.end : token.end + 24]
        is_everyday = is_everyday_word(token.text, languages)
        if (day := _DAY_BEFORE.search(before)) and not (is_everyday and token.text in {"out", "set", "ago"}):
            year = _YEAR_AFTER.match(after)
            number = int(year[1] or year[2]) if year else None
            if number is not None and number < 100:
                number += 2000
                if not year or not 2020 <= number <= 2060:
                    year, number = None, None
            start = token.start - len(before) + day.start()
            yield _Raw(start, token.end + (year.end() if year else 0), number, month, int(day[1]))
        elif (day := _DAY_AFTER.match(after)) and (not is_everyday or text[token.start].isupper()):
            found = _YEAR_BEFORE.search(before)
            start = token.start - len(before) + found.start() if found else token.start
            number = int(day[2]) if day[2] else int(found[1]) if found else None
            yield _Raw(start, token.end + day.end(), number, month, int(day[1]))


def _drop_overlaps(raws: list[_Raw]) -> list[_Raw]:
    kept: list[_Raw] = []
    for raw in sorted(raws, key=lambda each: (each.start, -each.end)):
        if not kept or raw.start >= kept[-1].end:
            kept.append(raw)
    return kept


def _positions(raws: Sequence[_Raw], tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """(the token before, the token after) of each, as positions."""
    position = 0
    for raw in raws:
        while position < len(tokens) and tokens[position].start < raw.start:
            position += 1
        after = position
        while after < len(tokens) and tokens[after].start < raw.end:
            after += 1
        yield position - 1, after


def _see_around(raw: _Raw, text: str, tokens: Sequence[Token], around: tuple[int, int], previous_end: int) -> _Raw:
    """Add the weekday beside a date and the first day of a range before or after it."""
    before, after = around
    weekday = raw.weekday
    if weekday is None:
        near = [before] if before < 0 or tokens[before].text not in FILLERS else [before - 1]
        for position in (*near, after):
            if weekday is None and 0 <= position < len(tokens) and not tokens[position].text.isdigit():
                between = text[tokens[position].end : raw.start] if position < raw.start else ""
                if len(between) < 8:
                    weekday = find_weekday(tokens[position].text, is_beside_date=True)
    if raw.day and (last := _LAST_DAY_CJK.match(text, raw.end, raw.end + 20)):
        return replace(raw, end=last.end(), first_day=raw.day, day=int(last[1]))
    if first := _FIRST_DAY.search(text, max(raw.start - 30, previous_end), raw.start):
        return replace(raw, start=first.start(), first_day=int(first[1]), weekday=weekday)
    last = _LAST_DAY_AFTER.match(text, raw.end, raw.end + 20) if raw.month and raw.year is None else None
    if last and 1 <= int(last[1]) <= 31 and int(last[1]) > raw.day and last[0].strip("stndrh ") != last[1]:
        return replace(raw, end=last.end(), first_day=raw.day, day=int(last[1]))
    return replace(raw, weekday=weekday)


def _settle_order(raws: Sequence[_Raw], text: str, received_on: date, languages: tuple[str, ...]) -> tuple[bool, bool]:
    """(whether the month comes first in 03/04, whether that is only a habit of the language)."""
    known = {(raw.day, raw.month) for raw in raws if raw.pair is None}
    votes = 0
    for raw in raws:
        if raw.pair is None:
            continue
        a, b = raw.pair
        votes += 4 * (b > 12 >= a) - 4 * (a > 12 >= b)
        votes += 2 * ((b, a) in known) - 2 * ((a, b) in known)
        if raw.weekday is not None:
            fits = [
                (day := _on_calendar(raw.year, *order, received_on, None)) is not None and day.weekday() == raw.weekday
                for order in ((b, a), (a, b))
            ]
            votes += 3 * fits[0] - 3 * fits[1]
    if votes:
        return votes > 0, False
    if languages and languages[0] != "en":
        return languages[0] in _MONTH_FIRST, False
    american, british = len(_AMERICAN.findall(text)), len(_BRITISH.findall(text))
    return american >= british, american == british


def _resolve(raw: _Raw, received_on: date, is_month_first: bool, is_guess: bool) -> DateSpan | None:
    day, month = raw.day, raw.month
    is_open = raw.pair is not None
    if raw.pair is not None:
        a, b = raw.pair
        day, month = (b, a) if (is_month_first and a <= 12) or b > 12 else (a, b)
        is_open = is_guess and a <= 12 and b <= 12 and a != b
    found = _on_calendar(raw.year, day, month, received_on, raw.weekday)
    if found is None:
        return None
    first = None
    if raw.first_day is not None and 1 <= raw.first_day <= 31:
        first = _on_calendar(found.year, raw.first_day, found.month, received_on, None)
        first = first if first and first < found else None
    return DateSpan(raw.start, raw.end, found, first, None, raw.is_weak, is_open)


def _on_calendar(year: int | None, day: int, month: int, received_on: date, weekday: int | None) -> date | None:
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    years = [year] if year is not None else [received_on.year - 1, received_on.year, received_on.year + 1]
    days = [date(each, month, day) for each in years if day <= calendar.monthrange(each, month)[1]]
    if len(days) < 2:
        # 29 February without a year is the one that exists
        return days[0] if days else None
    ahead = min((each for each in days if each >= received_on), default=None)
    past = max((each for each in days if each < received_on), default=None)
    if past is None or (received_on - past).days > _PAST_DAYS:
        return ahead
    is_ahead = weekday is not None and ahead is not None and ahead.weekday() == weekday != past.weekday()
    return ahead if is_ahead else past


def _find_months_alone(
    text: str, tokens: Sequence[Token], received_on: date, languages: tuple[str, ...], spans: Sequence[DateSpan]
) -> Iterator[DateSpan]:
    """Months without a day ("in October", "mid-March 2027"), as times."""
    taken = [(span.start, span.end) for span in spans]
    for position, token in enumerate(tokens):
        month = None if token.text.isdigit() or len(token.text) < 3 else find_month(token.text, languages)
        if month is None or any(start <= token.start < end for start, end in taken):
            continue
        year = _YEAR_AFTER.match(text[token.end : token.end + 12])
        near = [each.text for each in tokens[max(position - 3, 0) : position]]
        part = next((MONTH_PARTS[word] for word in reversed(near) if word in MONTH_PARTS), "")
        is_named = bool(near) and (near[-1] in MONTH_PREPOSITIONS or token.text[0] in "בל")
        if not (part or is_named or (year and year[1])):
            continue
        if is_everyday_word(token.text, languages) and not text[token.start].isupper():
            continue
        number = int(year[1]) if year and year[1] else received_on.year + (month < received_on.month)
        length = calendar.monthrange(number, month)[1]
        day = {"mid": 15, "end": length}.get(part, 1)
        last = {"mid": 15, "begin": 1}.get(part, length)
        end = token.end + (year.end() if year and year[1] else 0)
        yield DateSpan(token.start, end, date(number, month, day), None, date(number, month, last))


def join_ranges(spans: Sequence[DateSpan], text: str) -> list[DateSpan]:
    """Two dates with only a dash or a word such as "to" between them are one range."""
    joined: list[DateSpan] = []
    for span in spans:
        if joined and _is_connected(text[joined[-1].end : span.start]) and span.first is None:
            previous = joined[-1]
            day = span.day
            if day < previous.day and (later := _shift_year(day)) and (later - previous.day).days < 200:
                day = later
            if previous.first is None and previous.day < day:
                joined[-1] = replace(span, start=previous.start, day=day, first=previous.day, is_weak=False)
                continue
        joined.append(span)
    return joined


def _is_connected(between: str) -> bool:
    if len(between) > 40 or "\n\n" in between:
        return False
    words = [token.text for token in tokenise(between)]
    if any(
        word not in CONNECTORS and word not in FILLERS and find_weekday(word, is_beside_date=True) is None
        for word in words
    ):
        return False
    return any(word in CONNECTORS for word in words) or bool(re.fullmatch(r"[^\w]*[-–—~→>]+[^\w]*", between))


def _shift_year(day: date) -> date | None:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day + timedelta(days=366)
