"""Whether a mail says that a person has left the company or the role, and who took over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emails.inbound.text.addresses import find_addresses
from emails.inbound.text.language import rank_languages
from emails.inbound.text.lexer import Sentence, normalise, split_sentences, tokenise
from emails.inbound.text.phrases import Hit, PhraseTable
from emails.inbound.text.vocabulary.departure_words import DEPARTURE

_LONGEST_TEXT = 4_000
_LONGEST_SUBJECT = 300
_TABLE = PhraseTable(DEPARTURE)
_LOOK_BACK = 40
_PLURAL = frozenset({"we", "weve", "wir", "nous", "noi", "wij", "vi", "мы", "ми", "οι", "мие", "they"})
# where the one who left can be found is no successor
_OWN = re.compile(
    r"\b(reach|contact|find|email|write( to)?) me\b|\bmy (new|private|personal)\b|\bprivat|\bpersonal(ly)?\b|"
    r"\b(erreichen|finden) sie mich\b|\bme (joindre|contacter|contactar)\b|linkedin|no-?reply",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Departure:
    """`successor`: the address named as the one to write to. `reason`: which rule applied to which words."""

    successor: str | None
    reason: str


def find_departure(subject: str, text: str) -> Departure | None:
    """The departure that a mail states; None when it states none. Never raises."""
    whole = normalise(subject, _LONGEST_SUBJECT) + "\n\n" + normalise(text, _LONGEST_TEXT)
    languages = rank_languages(tokenise(whole))
    found = list(find_addresses(whole))
    for sentence in split_sentences(whole, [(start, end) for start, end, _ in found]):
        for hit in sorted(_TABLE.find_all(sentence.tokens, languages), key=lambda each: each.start):
            if _is_about_us(sentence, hit):
                continue
            if hit.kind == "left_firm" and not _is_name(whole, sentence, hit.end):
                continue
            words = whole[sentence.tokens[hit.start].start : sentence.tokens[hit.end - 1].end]
            addresses = [address for start, _, address in found if not _is_own(whole, start, address)]
            return Departure(next(iter(addresses), None), f'states a departure: "{" ".join(words.split())[:100]}"')
    return None


def _is_about_us(sentence: Sentence, hit: Hit) -> bool:
    """ "We no longer work with agencies" is no departure."""
    return any(token.text in _PLURAL for token in sentence.tokens[max(hit.start - 3, 0) : hit.end])


def _is_name(text: str, sentence: Sentence, position: int) -> bool:
    return position < len(sentence.tokens) and text[sentence.tokens[position].start].isupper()


def _is_own(text: str, start: int, address: str) -> bool:
    return bool(_OWN.search(text, max(start - _LOOK_BACK, 0), start) or _OWN.search(address))
