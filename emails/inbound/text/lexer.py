"""Turns the text of a mail into words and sentences that tables of phrases can be matched against. Pure.

Words are folded: case, accents, apostrophes and typographic forms make no difference. Scripts that put no spaces
between words (Chinese, Japanese, Korean, Thai) give one token per character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_UNSPACED = "\u0e01-\u0e5b\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u064b-\u065f\u0670"
_LETTER = rf"(?:[^\W\d_{_UNSPACED}]|[{_MARKS}])"
# An apostrophe joins an ending of one or two letters (don't, Eylül'de); before a longer word it separates (l'adresse).
_TOKEN = re.compile(rf"[{_UNSPACED}]|\d+|{_LETTER}+(?:['’ʼ`´]{_LETTER}{{1,2}}(?!{_LETTER}))?")
# "d. 21." is an abbreviation
_SENTENCE_END = re.compile(r"(?<!\s[^\W\d])[.!?…]+(?=\s|$|[\"'”»)])|[。！？؟۔｡;；]|\n[ \t]*\n|\n(?=[ \t]*[-*•>])")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\x00]")
_PLAIN_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "ς": "σ", "'": "", "’": "", "ʼ": ""}
    | {"`": "", "´": "", "ى": "ي", "ة": "ه", "ـ": ""}
)


class Token(NamedTuple):
    """A folded word, and where it stands in the text: `start` to `end`, in characters."""

    text: str
    start: int
    end: int


class Sentence(NamedTuple):
    """A stretch of text between full stops or blank lines: `start` to `end`, in characters, and its tokens."""

    start: int
    end: int
    tokens: tuple[Token, ...]


def normalise(text: str, longest: int) -> str:
    """At most `longest` characters in compatibility form (NFKC), without invisible ones, with `\\n` as line end."""
    shown = _INVISIBLE.sub("", text[:longest]).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return unicodedata.normalize("NFKC", shown)[:longest]


@lru_cache(maxsize=8_192)
def fold(word: str) -> str:
    """The form in which a word is compared: lower case, without accents and apostrophes."""
    folded = word.casefold()
    if not folded.isascii() and not _is_unspaced(folded[0]):
        decomposed = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return folded.translate(_PLAIN_LETTERS)


def tokenise(text: str) -> list[Token]:
    """The words and numbers of a text in order."""
    found = (Token(fold(match[0]), match.start(), match.end()) for match in _TOKEN.finditer(text))
    # a mark without a letter folds to nothing
    return [token for token in found if token.text]


def split_sentences(text: str, whole: Sequence[tuple[int, int]] = ()) -> list[Sentence]:
    """The sentences of a text. `whole`: spans (dates, addresses) inside which no sentence ends, in order."""
    ends: list[int] = []
    inside = iter(whole)
    span = next(inside, None)
    for found in _SENTENCE_END.finditer(text):
        while span is not None and span[1] <= found.start():
            span = next(inside, None)
        # the full stop that ends a date may end the sentence too; only a capital letter after it tells
        if span is None or not span[0] <= found.start() < span[1]:
            ends.append(found.end())
    ends.append(len(text))
    tokens = tokenise(text)
    sentences: list[Sentence] = []
    start = position = 0
    for end in ends:
        first = position
        while position < len(tokens) and tokens[position].start < end:
            position += 1
        if position > first:
            sentences.append(Sentence(start, end, tuple(tokens[first:position])))
        start = end
    return sentences


def _is_unspaced(letter: str) -> bool:
    return letter >= "\u0e01" and bool(_TOKEN.fullmatch(letter)) and bool(re.match(f"[{_UNSPACED}]", letter))
