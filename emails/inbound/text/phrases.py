"""A small grammar for tables of phrases, matched against the tokens of a sentence in linear time. Pure.

One phrase a line, its elements separated by spaces:

    take|strike     one of these words
    unsubscri*      a word that begins so; *alid a word that ends so
    sign_up         several words as one alternative
    [please]        may be missing
    ..  ...         up to three, up to eight words between
    ^  $            begin, end of the sentence
    {me}            the words of that name in the table
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from emails.inbound.text.lexer import Token, fold, tokenise

_GAPS = {"..": 3, "...": 8}
_MOST_GAPS = 3
_STEM = 3
_SHORT = 3
# from this letter on a word is one character of a script without spaces
_UNSPACED = "\u0e00"


class Hit(NamedTuple):
    """A phrase found: its kind, and its tokens `start` to `end` in the sentence."""

    kind: str
    start: int
    end: int


class _Atom(NamedTuple):
    text: str
    is_prefix: bool
    is_suffix: bool

    def fits(self, word: str) -> bool:
        if self.is_prefix:
            return word.startswith(self.text)
        return word.endswith(self.text) if self.is_suffix else word == self.text


@dataclass(frozen=True, slots=True)
class _Element:
    """One place of a phrase: alternatives, a gap, or an edge of the sentence (`^`, `$`)."""

    alternatives: tuple[tuple[_Atom, ...], ...] = ()
    is_optional: bool = False
    gap: int = 0
    edge: str = ""


# kind, languages, elements
_Phrase = tuple[str, frozenset[str], tuple[_Element, ...]]


class PhraseTable:
    """Phrases of several kinds. Build it once, at import; matching changes nothing."""

    def __init__(self, *tables: Mapping[str, Mapping[str, str]]) -> None:
        """`tables`: languages (ISO 639, separated by spaces) → kind → phrases, one a line.

        A name that begins with a capital stands for the words in `{…}` only.
        """
        self._exact: dict[str, list[_Phrase]] = {}
        self._stems: dict[str, list[_Phrase]] = {}
        self._anywhere: list[_Phrase] = []
        for languages, table in (each for mapping in tables for each in mapping.items()):
            words = {name: "|".join(text.split()) for name, text in table.items() if name[0].isupper()}
            lines = [(kind, line) for kind, text in table.items() if kind[0].islower() for line in text.splitlines()]
            for kind, line in lines:
                if line.strip():
                    self._add(kind, frozenset(languages.split()), line.format_map(words))

    def find_all(self, tokens: Sequence[Token], languages: Collection[str] = ()) -> list[Hit]:
        """Every phrase in a sentence; of one kind at one place the longest.

        Phrases of up to three letters mean something else in too many other languages: they count only when theirs is
        among `languages`, those of the text; none given means any.
        """
        found: dict[tuple[str, int], int] = {}
        words = [token.text for token in tokens]
        for start, word in enumerate(words):
            phrases = [*self._exact.get(word, ()), *self._stems.get(word[:_STEM], ()), *self._anywhere]
            for kind, spoken, elements in phrases:
                end = _match(elements, 0, words, start)
                if end <= found.get((kind, start), start):
                    continue
                is_short = word < _UNSPACED and sum(map(len, words[start:end])) <= _SHORT
                if not is_short or not languages or not spoken.isdisjoint(languages):
                    found[kind, start] = end
        return [Hit(kind, start, end) for (kind, start), end in found.items()]

    def _add(self, kind: str, languages: frozenset[str], line: str) -> None:
        elements = tuple(_parse(part) for part in line.split())
        assert sum(1 for element in elements if element.gap) <= _MOST_GAPS, line
        position = 0
        while elements[position].edge or elements[position].is_optional:
            position += 1
        # optional words at the start would need an index of their own: the phrase is entered with and without them
        firsts = [element for element in elements[: position + 1] if not element.edge]
        phrase = (kind, languages, elements)
        for atom in {alternative[0] for element in firsts for alternative in element.alternatives}:
            if atom.is_suffix or (atom.is_prefix and len(atom.text) < _STEM):
                self._anywhere.append(phrase)
            elif atom.is_prefix:
                self._stems.setdefault(atom.text[:_STEM], []).append(phrase)
            else:
                self._exact.setdefault(atom.text, []).append(phrase)


def _parse(part: str) -> _Element:
    if part in _GAPS:
        return _Element(gap=_GAPS[part])
    if part in {"^", "$"}:
        return _Element(edge=part)
    is_optional = part.startswith("[")
    inner = part.strip("[]") if is_optional else part
    return _Element(tuple(_read_words(choice) for choice in inner.split("|")), is_optional)


def _read_words(choice: str) -> tuple[_Atom, ...]:
    atoms: list[_Atom] = []
    for word in choice.split("_"):
        tokens = tokenise(word)
        assert tokens, choice
        atoms += [_Atom(token.text, False, False) for token in tokens[:-1]]
        last = fold(word.strip("*")) if len(tokens) == 1 else tokens[-1].text
        atoms.append(_Atom(last, word.endswith("*"), word.startswith("*") and len(tokens) == 1))
    return tuple(atoms)


def _match(elements: Sequence[_Element], at: int, words: Sequence[str], position: int) -> int:
    """Where the phrase ends when it begins at `position`; -1 when it does not fit."""
    if at == len(elements):
        return position
    element = elements[at]
    if element.edge:
        is_there = position == 0 if element.edge == "^" else position == len(words)
        return _match(elements, at + 1, words, position) if is_there else -1
    if element.gap:
        for skipped in range(min(element.gap, len(words) - position) + 1):
            end = _match(elements, at + 1, words, position + skipped)
            if end >= 0:
                return end
        return -1
    for atoms in element.alternatives:
        after = position + len(atoms)
        if after <= len(words) and all(atom.fits(words[position + n]) for n, atom in enumerate(atoms)):
            end = _match(elements, at + 1, words, after)
            if end >= 0:
                return end
    return _match(elements, at + 1, words, position) if element.is_optional else -1
