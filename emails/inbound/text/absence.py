"""Whether a mail says that its writer is away, and the first day back. Pure.

Each date is read by the words around it: "until" beside it makes it the last day away, a word of return in its
sentence the first day back; a range is a time away. A date that no such word claims belongs to something else. Words
of return outvote last days, which outvote ranges; dates that need no interpretation outvote those that do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from emails.inbound.text.calendar_names import find_weekday
from emails.inbound.text.dates import DateSpan, find_dates, join_ranges
from emails.inbound.text.language import rank_languages
from emails.inbound.text.lexer import Sentence, Token, normalise, split_sentences, tokenise
from emails.inbound.text.phrases import Hit, PhraseTable
from emails.inbound.text.relative import find_days_of_month, find_relative
from emails.inbound.text.vocabulary.absence_words import ABSENCE_WEST
from emails.inbound.text.vocabulary.absence_words_east import ABSENCE_EAST
from emails.inbound.text.vocabulary.date_words import FILLERS

LONGEST_DAYS = 400
_LONGEST_TEXT = 4_000
_LONGEST_SUBJECT = 300
_TABLE = PhraseTable(ABSENCE_WEST, ABSENCE_EAST)
_ONE_DAY = timedelta(days=1)
# how far a word of return may be from its date, in characters
_NEAR, _FAR = 60, 120
_FORM_LETTER = 3
_ONE_WEEK = timedelta(days=6)
_WEEK_OF = re.compile(
    r"\b(?:week|wk|w/c|woche|semaine|semana|settimana|veckan|uken|ugen)\.?\s*(?:(?:of|from|commencing|beginning|starting|"
    r"vom|ab|du|de|del|dal|van|med|fra|the|dem|den|el|o|il|le|monday|mon|montag|lundi|lunes|lunedì|segunda|maandag|"
    r"måndag|mandag)[.,]?\s+){0,4}$|\bw/c\s+$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Absence:
    """`until`: the first day back; None when the text names none. `reason`: which rule applied to which words."""

    until: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """One reading of one date. `rank`: 0 is the strongest."""

    rank: int
    until: date
    reason: str


def find_absence(subject: str, text: str, received_on: date, *, is_automatic: bool) -> Absence | None:
    """The absence that a mail states, at most 400 days long; None when it states none. Never raises.

    `is_automatic`: the headers say that no person wrote it for this occasion. Otherwise the text must read like an
    automatic answer: a person who writes "I am away until Monday" has answered.
    """
    whole = normalise(subject, _LONGEST_SUBJECT) + "\n\n" + normalise(text, _LONGEST_TEXT)
    languages = rank_languages(tokenise(whole))
    spans = find_dates(whole, received_on, languages)
    spans = sorted([*spans, *find_days_of_month(whole, received_on, spans)], key=lambda span: span.start)
    sentences = split_sentences(whole, [(span.start, span.end) for span in spans])
    hits = [_TABLE.find_all(sentence.tokens, languages) for sentence in sentences]
    kinds = {
        hit.kind: _quote(whole, sentence, hit) for sentence, found in zip(sentences, hits, strict=True) for hit in found
    }
    if not is_automatic and not _is_form_letter(kinds):
        return None
    spans += find_relative(whole, sentences, received_on, languages, spans)
    spans = join_ranges([_as_week(span, whole) for span in sorted(spans, key=lambda span: span.start)], whole)
    claims = [
        claim
        for sentence, found in zip(sentences, hits, strict=True)
        for claim in _claim_dates(whole, sentence, found, spans)
        if received_on <= claim.until <= received_on + timedelta(days=LONGEST_DAYS)
    ]
    if claims:
        best = min(claims, key=lambda claim: claim.rank)
        return Absence(best.until, best.reason)
    if "away" in kinds or "no_mail" in kinds:
        return Absence(
            None, f'says that the mail is not read ("{kinds.get("away") or kinds["no_mail"]}"), without a date'
        )
    return Absence(None, "an automatic answer without a date") if is_automatic else None


def _as_week(span: DateSpan, text: str) -> DateSpan:
    """ "The week of 14 September" is a time from its Monday to its Sunday."""
    if (
        span.first is not None
        or span.last is not None
        or not _WEEK_OF.search(text, max(span.start - 40, 0), span.start)
    ):
        return span
    monday = span.day - timedelta(days=span.day.weekday())
    return replace(span, first=monday, day=monday + _ONE_WEEK, is_weak=False)


def _is_week(span: DateSpan) -> bool:
    return span.first is not None and span.first.weekday() == 0 and span.day - span.first == _ONE_WEEK


def _is_form_letter(kinds: dict[str, str]) -> bool:
    """Whether the text by itself reads like an automatic answer about an absence."""
    if "away" not in kinds:
        return False
    if "robot" in kinds:
        return True
    signs = ("back", "no_mail", "elsewhere", "thanks")
    return sum(1 for sign in signs if sign in kinds) >= _FORM_LETTER


def _claim_dates(text: str, sentence: Sentence, hits: Sequence[Hit], spans: Sequence[DateSpan]) -> Iterator[_Claim]:
    inside = [span for span in spans if sentence.start <= span.start < sentence.end]
    by_kind: dict[str, list[Hit]] = {}
    for hit in hits:
        by_kind.setdefault(hit.kind, []).append(hit)
    returns = _attach_returns(text, sentence, by_kind.get("back", ()), inside)
    is_away = "away" in by_kind or "no_mail" in by_kind
    for number, span in enumerate(inside):
        quoted = text[max(span.start - 30, sentence.start) : span.end + 15].strip().replace("\n", " ")
        penalty = 4 * span.is_guess + span.is_weak
        beside = _beside(sentence.tokens, span, by_kind)
        is_return = number in returns
        if "until" in beside or "until_after" in beside:
            if is_return and "not_back" in by_kind:
                yield _Claim(penalty, span.day, f'not back until: "{quoted}"')
            else:
                last = span.day if span.last is None or span.last == span.day else None
                until = last + _ONE_DAY if last else span.day
                yield _Claim(10 + penalty, until, f'the last day away: "{quoted}"')
        elif is_return and _is_week(span):
            yield _Claim(penalty, span.first or span.day, f'the week of return: "{quoted}"')
        elif is_return and span.first is None:
            after = _ONE_DAY if "after" in beside else timedelta()
            yield _Claim(penalty, span.day + after, f'the day of return: "{quoted}"')
        elif span.first is not None and (is_away or not span.is_weak):
            yield _Claim(20 + penalty, (span.last or span.day) + _ONE_DAY, f'the end of a time away: "{quoted}"')
        elif is_away and "since" not in beside and not span.is_weak:
            yield _Claim(30 + penalty, (span.last or span.day) + _ONE_DAY, f'the day away: "{quoted}"')


def _attach_returns(text: str, sentence: Sentence, backs: Sequence[Hit], spans: Sequence[DateSpan]) -> set[int]:
    """The positions of the dates that a word of return belongs to: the nearest to each, rather after it than before."""
    attached: set[int] = set()
    for back in backs:
        start, end = sentence.tokens[back.start].start, sentence.tokens[back.end - 1].end
        distances = []
        for number, span in enumerate(spans):
            if span.start >= end:
                between, extra = text[end : span.start], 0
            elif span.end <= start:
                between, extra = text[span.end : start], 8
            else:
                between, extra = "", 0
            if len(between) <= _FAR:
                comma = 15 * between.count(",") + 10 * between.count(" - ")
                distances.append((len(between) + extra + comma + 10 * (span.first is not None), number))
        if distances and min(distances)[0] <= _FAR:
            attached.add(min(distances)[1])
    return attached


def _beside(tokens: Sequence[Token], span: DateSpan, by_kind: dict[str, list[Hit]]) -> set[str]:
    """The kinds of words directly before a date (until, after, since) and behind it (until_after)."""
    before = sum(1 for token in tokens if token.start < span.start)
    after = sum(1 for token in tokens if token.start < span.end)
    found: set[str] = set()
    first = before
    while first > 0 and before - first < 4 and _is_filler(tokens[first - 1].text):
        first -= 1
    for kind in ("until", "after", "since"):
        # the preposition may be a filler of another language: everything from `first - 1` on counts
        if any(first <= hit.end <= before for hit in by_kind.get(kind, ())):
            found.add(kind)
    last = after
    while last < len(tokens) and last - after < 3 and _is_filler(tokens[last].text):
        last += 1
    if any(after <= hit.start <= last for hit in by_kind.get("until_after", ())):
        found.add("until_after")
    if any(after <= hit.start <= last for hit in by_kind.get("after", ())) and _follows(tokens, last):
        found.add("after")
    return found


def _follows(tokens: Sequence[Token], position: int) -> bool:
    """Whether the word behind a date is one of the languages that put "after" there."""
    return position < len(tokens) and tokens[position].text in {"jalkeen", "sonra", "utan", "以", "之", "이"}


def _is_filler(word: str) -> bool:
    return word in FILLERS or find_weekday(word, is_beside_date=True) is not None


def _quote(text: str, sentence: Sentence, hit: Hit) -> str:
    return text[sentence.tokens[hit.start].start : sentence.tokens[hit.end - 1].end].replace("\n", " ")[:80]
