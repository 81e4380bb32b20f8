"""Days named without a month: weekdays, "the 10th", "next week", "in two weeks", quarters and seasons. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from emails.inbound.text.calendar_names import find_weekday
from emails.inbound.text.dates import DateSpan
from emails.inbound.text.lexer import Sentence, Token, fold
from emails.inbound.text.phrases import Hit, PhraseTable
from emails.inbound.text.vocabulary.relative_words import NUMBERS, RELATIVE_WEST
from emails.inbound.text.vocabulary.relative_words_east import RELATIVE_EAST

_TABLE = PhraseTable(RELATIVE_WEST, RELATIVE_EAST)
_NUMBERS = {fold(word): number for word, number in NUMBERS.items()}
# a day of the month: the mark of its language makes it one
_DAY_ONLY = re.compile(
    r"(?<![\d.:/,+€$£-])(?:(?P<en>\b(?:the\s)?\d{1,2}(?:st|nd|rd|th)\b)"
    r"|(?P<de>\b(?:am|zum|dem|den|d\.)\s\d{1,2}\.(?!\s?\d))"
    r"|(?P<romance>\b(?:le|au|el|al|il|o|dia|día|jusqu'au|giorno|ziua)\s\d{1,2}(?:er)?\b(?!\s?(?:%|h\b|heures|horas|ore|jours|días|giorni|dias|personnes)))"
    r"|(?P<north>\b(?:den|d\.)\s\d{1,2}(?:[.:]?[ea]|\.)?(?!\w))"
    r"|(?P<dutch>\b(?:de\s)?\d{1,2}(?:e|ste|de)\b)"
    r"|(?P<slavic>\b\d{1,2}(?:-?го|-?ого|-?е|-?tego|-?go)?\s?(?:числа|dnia)\b|\b\d{1,2}-(?:го|ого|tego|go)\b)"
    r"|(?P<cjk>(?<![月월]\d)(?<![月월])\d{1,2}(?:日|号|號|일)(?!間|間|间|程|以)))",
    re.IGNORECASE,
)
_SHORTEST_WEEKDAY = 4
# a weekday so near to a date belongs to it ("Monday, the 21st")
_BESIDE = 7
_CJK_WEEKDAY = re.compile(
    r"(?P<zh>(?:周|星期|礼拜|週)(?P<z>[一二三四五六日天]))|(?P<ja>(?P<j>[月火水木金土日])曜)|(?P<ko>(?P<k>[월화수목금토일])요일)"
)
_CJK_NUMBERS = {**dict(zip("一二三四五六日", range(7), strict=True)), "天": 6}
_CJK_NUMBERS_JA = dict(zip("月火水木金土日", range(7), strict=True)) | dict(
    zip("월화수목금토일", range(7), strict=True)
)
_TWO_WORD_WEEKDAYS = {
    ("יום", name): day
    for name, day in zip(["שני", "שלישי", "רביעי", "חמישי", "שישי", "שבת", "ראשון"], range(7), strict=True)
} | {("thu", name): day for name, day in zip(["hai", "ba", "tu", "nam", "sau", "bay"], range(6), strict=True)}
_LAST = frozenset(
    [
        "last",
        "since",
        "every",
        "each",
        "past",
        "letzten",
        "jeden",
        "letzte",
        "seit",
        "dernier",
        "chaque",
        "pasado",
        "cada",
        "scorso",
        "ogni",
    ]
)


def find_relative(
    text: str, sentences: Sequence[Sentence], received_on: date, languages: Sequence[str], taken: Sequence[DateSpan]
) -> list[DateSpan]:
    """Days and times counted from `received_on`; what lies inside or beside a date in `taken` is left out."""
    found: list[DateSpan] = []
    for sentence in sentences:
        for hit in _TABLE.find_all(sentence.tokens, languages):
            days = _count(hit, sentence.tokens, received_on)
            start, end = sentence.tokens[hit.start].start, sentence.tokens[hit.end - 1].end
            found.append(DateSpan(start, end, days[0], None, days[1]))
        found += _weekdays(text, sentence, received_on)
    kept: list[DateSpan] = []
    for span in sorted(found, key=lambda each: (each.start, each.is_weak, -each.end)):
        is_taken = any(span.start < other.end + _BESIDE and other.start - _BESIDE < span.end for other in taken)
        if not is_taken and (not kept or span.start >= kept[-1].end):
            kept.append(span)
    return kept


def find_days_of_month(text: str, received_on: date, taken: Sequence[DateSpan]) -> list[DateSpan]:
    """Days without a month ("the 10th"), each the next one; none inside a date in `taken`."""
    spans = []
    for match in _DAY_ONLY.finditer(text):
        number = re.search(r"\d+", match[0])
        day = _next_day_of_month(int(number[0]), received_on) if number else None
        if day and not any(match.start() < other.end and other.start < match.end() for other in taken):
            spans.append(DateSpan(match.start(), match.end(), day, is_weak=True))
    return spans


def _weekdays(text: str, sentence: Sentence, received_on: date) -> Iterator[DateSpan]:
    tokens = sentence.tokens
    for position, token in enumerate(tokens):
        if len(token.text) >= _SHORTEST_WEEKDAY or (
            position and (tokens[position - 1].text, token.text) in _TWO_WORD_WEEKDAYS
        ):
            pair = (tokens[position - 1].text, token.text) if position else ("", "")
            weekday = _TWO_WORD_WEEKDAYS.get(pair, find_weekday(token.text))
            if weekday is None and position + 1 < len(tokens) and tokens[position + 1].text == "feira":
                weekday = find_weekday(token.text, is_beside_date=True)
            if weekday is not None and not (position and tokens[position - 1].text in _LAST):
                yield DateSpan(token.start, token.end, _next_weekday(weekday, received_on))
    for match in _CJK_WEEKDAY.finditer(text, sentence.start, sentence.end):
        weekday = _CJK_NUMBERS[match["z"]] if match["z"] else _CJK_NUMBERS_JA[match["j"] or match["k"]]
        yield DateSpan(match.start(), match.end(), _next_weekday(weekday, received_on))


def _next_weekday(weekday: int, received_on: date) -> date:
    return received_on + timedelta(days=(weekday - received_on.weekday() - 1) % 7 + 1)


def _next_day_of_month(day: int, received_on: date) -> date | None:
    for month in range(3):
        first = add_months(received_on.replace(day=1), month)
        if 1 <= day <= calendar.monthrange(first.year, first.month)[1] and first.replace(day=day) >= received_on:
            return first.replace(day=day)
    return None


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the last one of a shorter month."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _count(hit: Hit, tokens: Sequence[Token], today: date) -> tuple[date, date | None]:
    """(the first day, the last day when it is a longer time) of one phrase."""
    kind = hit.kind
    if kind in _FIXED:
        first = date(today.year, *_FIXED[kind])
        first = first if first > today else first.replace(year=today.year + 1)
        return first, add_months(first, 3)
    if kind.startswith("q") and kind[1:].isdigit():
        first = date(today.year, 3 * int(kind[1:]) - 2, 1)
        first = first if first > today else first.replace(year=today.year + 1)
        return first, add_months(first, 3) - timedelta(days=1)
    amount = _amount([token.text for token in tokens[hit.start : hit.end]])
    month = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    one_day = timedelta(days=1)
    match kind:
        case "today":
            return today, None
        case "tomorrow":
            return today + one_day, None
        case "end_week":
            return monday + timedelta(days=4) if today.weekday() < 4 else today, None
        case "next_week":
            return monday + timedelta(days=7), monday + timedelta(days=11)
        case "end_month":
            return add_months(month, 1) - one_day, None
        case "next_month":
            return add_months(month, 1), add_months(month, 2) - one_day
        case "end_year":
            return date(today.year, 12, 31), None
        case "next_quarter":
            first = add_months(month, 3 - (today.month - 1) % 3)
            return first, add_months(first, 3) - one_day
        case "next_year":
            return date(today.year + 1, 1, 1), date(today.year + 1, 12, 31)
        case "in_days":
            return today + timedelta(days=amount), None
        case "in_weeks":
            return today + timedelta(weeks=amount), None
        case "in_half_year":
            return add_months(today, 6), None
        case _:
            return add_months(today, amount), None


_FIXED = {"spring": (3, 1), "summer": (6, 1), "autumn": (9, 1), "christmas": (12, 27)}


def _amount(words: Sequence[str]) -> int:
    digits = next((int(word) for word in words if word.isdecimal()), 0)
    named = [_NUMBERS[word] for word in words if word in _NUMBERS]
    return digits or max(named, default=1)
