"""Names of months and weekdays in the languages that the product reads, from CLDR. Pure.

Full names, abbreviations, inflected and stand-alone forms; endings that a language adds (in September, on Monday) are
accepted on full names.
"""

from __future__ import annotations

from functools import cache, lru_cache

from babel import Locale

from emails.inbound.text.lexer import fold, tokenise

LANGUAGES = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "nb",
    "nn",
    "fi",
    "pl",
    "cs",
    "sk",
    "sl",
    "hr",
    "sr",
    "bg",
    "mk",
    "ru",
    "uk",
    "be",
    "el",
    "tr",
    "hu",
    "ro",
    "et",
    "lv",
    "lt",
    "ca",
    "gl",
    "eu",
    "is",
    "ga",
    "id",
    "ms",
    "vi",
    "he",
    "ar",
    "fa",
    "az",
    "sq",
    "ka",
    "hy",
    "kk",
    "af",
]
# spellings outside CLDR's current tables, month by month
_MORE_MONTHS = (
    "jänner jaenner janv jan ene gen janeiro tammi يناير كانون",
    "feb febr fév fev févr fevrier helmi شباط",
    "maerz mrz mar märz maart مارس اذار",
    "apr avr abr kwi نيسان",
    "mai may maj ayar ايار",
    "jun juni kesa حزيران",
    "jul juli heinä تموز",
    "aug aout aoû ago elo اب",
    "sep sept set syys wrz eyl ايلول",
    "oct okt ott out loka paź ekim",
    "nov marras lis kasım",
    "dec dez déc dic joulu gru aralık",
)
# in, to, from, the: written as one word with what follows
_HEBREW_PREFIXES = frozenset("בלמהו")
_SHORTEST_STEM, _LONGEST_ENDING = 5, 5
# everyday words in other languages than those whose months they name
_EVERYDAY = frozenset(
    [
        "set",
        "ago",
        "out",
        "lis",
        "gru",
        "gen",
        "ene",
        "abr",
        "loka",
        "elo",
        "ocak",
        "mart",
        "okt",
        "mai",
        "maj",
        "mei",
        "juni",
        "juli",
        "jan",
        "ian",
        "a",
        "o",
    ]
)
_EVERYDAY_ENGLISH = frozenset({"may", "march", "mar", "dec", "sat"})
# "segunda" is "second" too: a weekday only before "feira" or beside a date
_PORTUGUESE_ORDINALS = frozenset({"segunda", "terca", "quarta", "quinta", "sexta"})


@cache
def _months() -> dict[str, dict[int, frozenset[str]]]:
    """Folded name → month → its languages."""
    names: dict[str, dict[int, set[str]]] = {}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for month, name in locale.months[context][width].items():
                    words = [token.text for token in tokenise(name) if not token.text.isdigit()]
                    # "de setembre", "m. rugsėjo": the name is the longest word
                    if words and len(word := max(words, key=len)) >= 2 and word != "thang" and word != "thg":
                        names.setdefault(word, {}).setdefault(month, set()).add(language)
    for month, more in enumerate(_MORE_MONTHS, start=1):
        for name in more.split():
            if fold(name) not in names:
                names[fold(name)] = {month: {""}}
    return {name: {month: frozenset(found) for month, found in by.items()} for name, by in names.items()}


@cache
def _weekdays() -> dict[str, int]:
    """Folded full name → weekday, Monday is 0."""
    names: dict[str, int] = {}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for day, name in locale.days[context]["wide"].items():
                words = [token.text for token in tokenise(name)]
                if len(words) == 1 or (len(words) == 2 and words[1] == "feira"):
                    names.setdefault(words[0], day)
    return names


@cache
def _short_weekdays() -> dict[str, int]:
    names: dict[str, int] = {}
    for language in LANGUAGES:
        for day, name in Locale.parse(language).days["format"]["abbreviated"].items():
            words = [token.text for token in tokenise(name)]
            if len(words) == 1 and len(words[0]) >= 2:
                names.setdefault(words[0], day)
    names |= {"tues": 1, "thurs": 3, "thur": 3, "weds": 2}
    return names


@cache
def _stems() -> dict[str, frozenset[int]]:
    """First letters of full names → the months that they may be."""
    stems: dict[str, set[int]] = {}
    for name, months in _months().items():
        for stem in {name, name[:-1], name[:-2]}:
            if len(stem) >= _SHORTEST_STEM:
                stems.setdefault(stem, set()).update(months)
    return {stem: frozenset(months) for stem, months in stems.items()}


@lru_cache(maxsize=8_192)
def find_month(word: str, languages: tuple[str, ...] = ()) -> int | None:
    """The month that a folded word names. `languages`: those of the text, for names that differ between languages."""
    found = _months().get(word)
    if found is None and word[0] in _HEBREW_PREFIXES:
        found = _months().get(word[1:])
    if found is None:
        for length in range(len(word), max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING) - 1, -1):
            months = _stems().get(word[:length])
            if months is not None:
                return next(iter(months)) if len(months) == 1 else None
        return None
    if len(found) == 1:
        return next(iter(found))
    for language in languages:
        for month, known in found.items():
            if language in known:
                return month
    return max(found, key=lambda month: len(found[month]))


@lru_cache(maxsize=8_192)
def find_weekday(word: str, *, is_beside_date: bool = False) -> int | None:
    """The weekday that a folded word names, Monday is 0; abbreviations only beside a date."""
    exact = _weekdays().get(word)
    if exact is not None:
        return exact if is_beside_date or word not in _PORTUGUESE_ORDINALS else None
    if is_beside_date and word in _short_weekdays():
        return _short_weekdays()[word]
    for length in range(len(word) - 1, max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING) - 1, -1):
        # usual for Mondays
        if word[:length] in _weekdays() and word[length:] != "s":
            return _weekdays()[word[:length]]
    return None


def is_everyday_word(word: str, languages: tuple[str, ...]) -> bool:
    """Whether a name of a month is more likely another word in a text of these languages."""
    if word in _EVERYDAY_ENGLISH:
        return True
    if word not in _EVERYDAY or not languages:
        return False
    known = frozenset[str]().union(*_months().get(word, {}).values())
    return not known.intersection(languages[:2])


@cache
def thai_months() -> dict[str, int]:
    """Names and abbreviations in Thai, which puts no spaces around them."""
    locale = Locale.parse("th")
    return {name: month for width in ("wide", "abbreviated") for month, name in locale.months["format"][width].items()}
