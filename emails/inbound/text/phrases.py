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

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """One place of a phrase: alternatives, a gap, or an edge of the sentence (`^`, `$`).

    Alternatives of one word are kept as sets, longer ones by their first word: most places fit nowhere, and fast.
    """

    alternatives: tuple[tuple[_Atom, ...], ...] = ()
    is_optional: bool = False
    gap: int = 0
    edge: str = ""
    words: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    longer: Mapping[str, tuple[tuple[_Atom, ...], ...]] = field(default_factory=dict)

    def find_ends(self, words: Sequence[str], position: int) -> Iterator[int]:
        """Where an alternative ends that begins at `position`; longer alternatives first."""
        if position >= len(words):
            return
        word = words[position]
        for atoms in self.longer.get(word, ()):
            end = position + len(atoms)
            if end <= len(words) and all(map(_Atom.fits, atoms, words[position:end])):
                yield end
        if word in self.words or word.startswith(self.prefixes) or word.endswith(self.suffixes):
            yield position + 1


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
        # where a gap was tried once it need not be tried again: this is what keeps matching linear
        tried: dict[tuple[int, int, int], int] = {}
        for start, word in enumerate(words):
            phrases = [*self._exact.get(word, ()), *self._stems.get(word[:_STEM], ()), *self._anywhere]
            for kind, spoken, elements in phrases:
                end = _match(elements, 0, words, start, tried)
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
    alternatives = tuple(_read_words(choice) for choice in inner.split("|"))
    single = [atoms[0] for atoms in alternatives if len(atoms) == 1]
    longer: dict[str, tuple[tuple[_Atom, ...], ...]] = {}
    for atoms in sorted(alternatives, key=len, reverse=True):
        if len(atoms) > 1:
            longer[atoms[0].text] = (*longer.get(atoms[0].text, ()), atoms)
    return _Element(
        alternatives,
        is_optional,
        words=frozenset(atom.text for atom in single if not atom.is_prefix and not atom.is_suffix),
        prefixes=tuple(atom.text for atom in single if atom.is_prefix),
        suffixes=tuple(atom.text for atom in single if atom.is_suffix),
        longer=longer,
    )


def _read_words(choice: str) -> tuple[_Atom, ...]:
    atoms: list[_Atom] = []
    for word in choice.split("_"):
        tokens = tokenise(word)
        assert tokens, choice
        atoms += [_Atom(token.text, False, False) for token in tokens[:-1]]
        last = fold(word.strip("*")) if len(tokens) == 1 else tokens[-1].text
        atoms.append(_Atom(last, word.endswith("*"), word.startswith("*") and len(tokens) == 1))
    return tuple(atoms)


def _match(
    elements: Sequence[_Element], at: int, words: Sequence[str], position: int, tried: dict[tuple[int, int, int], int]
) -> int:
    """Where the phrase ends when it begins at `position`; -1 when it does not fit."""
    if at == len(elements):
        return position
    element = elements[at]
    if element.edge:
        is_there = position == 0 if element.edge == "^" else position == len(words)
        return _match(elements, at + 1, words, position, tried) if is_there else -1
    if element.gap:
        key = (id(elements), at, position)
        if key not in tried:
            ends = range(position, min(position + element.gap, len(words)) + 1)
            found = (_match(elements, at + 1, words, each, tried) for each in ends)
            tried[key] = next((end for end in found if end >= 0), -1)
        return tried[key]
    for after in element.find_ends(words, position):
        end = _match(elements, at + 1, words, after, tried)
        if end >= 0:
            return end
    return _match(elements, at + 1, words, position, tried) if element.is_optional else -1
