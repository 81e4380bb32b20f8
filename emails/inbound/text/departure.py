"""Whether a mail says that a person has left the company or the role, and who took over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emails.inbound.text.addresses import find_addresses
from emails.inbound.text.language import rank_languages
from emails.inbound.text.lexer import Sentence, fold, normalise, split_sentences, tokenise
from emails.inbound.text.phrases import Hit, PhraseTable
from emails.inbound.text.vocabulary.departure_words import DEPARTURE, FIRST_PERSON, THIRD_PERSON

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

_FIRST_PERSON = frozenset(fold(word) for words in FIRST_PERSON.values() for word in words.split())
# who is named between a pronoun and the departure is the one who left: "I was told that she has left"
_THIRD_PERSON = frozenset(fold(word) for words in THIRD_PERSON.values() for word in words.split())
# German writes every noun with a capital letter
_ENGLISH = frozenset({"i", "im", "ive", "ill", "id"})
_REACH_BACK = 4
# "I am leaving Oslo on Friday" is a journey
_JOURNEY = re.compile(
    r"\b(back|return\w*|trip|travel\w*|flight|holidays?|vacation|urlaub|zurück|vacances|retour|vacaciones|vuelvo|"
    r"ferie|torno|vakantie|terug|semester|tillbaka)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Departure:
    """`successor`: the address named as the one to write to. `reason`: which rule applied to which words.

    `is_by_another`: a person writes about another person who has left: an answer, and no notice.
    """

    successor: str | None
    reason: str
    is_by_another: bool = False


def find_departure(subject: str, text: str, *, is_automatic: bool = False) -> Departure | None:
    """The departure that a mail states; None when it states none. Never raises.

    `is_automatic`: the headers say so. Then, or with a successor, "I am leaving Acme" needs no further words.
    """
    whole = normalise(subject, _LONGEST_SUBJECT) + "\n\n" + normalise(text, _LONGEST_TEXT)
    languages = rank_languages(tokenise(whole))
    found = list(find_addresses(whole))
    for sentence in split_sentences(whole, [(start, end) for start, end, _ in found]):
        for hit in sorted(_TABLE.find_all(sentence.tokens, languages), key=lambda each: each.start):
            if _is_about_us(sentence, hit):
                continue
            if hit.kind in {"left_firm", "leaves_firm"} and not _is_name(whole, sentence, hit.end):
                continue
            successor = next((address for start, _, address in found if not _is_own(whole, start, address)), None)
            if hit.kind == "leaves_firm" and (_JOURNEY.search(whole) or not (is_automatic or successor)):
                continue
            words = whole[sentence.tokens[hit.start].start : sentence.tokens[hit.end - 1].end]
            reason = f'states a departure: "{" ".join(words.split())[:100]}"'
            return Departure(successor, reason, _is_by_another(whole, sentence, hit))
    return None


def _is_by_another(text: str, sentence: Sentence, hit: Hit) -> bool:
    """The writer has not left, and speaks for themselves or asks something; a company's notice does neither."""
    for position in range(max(hit.start - _REACH_BACK, 0), hit.end):
        if sentence.tokens[position].text in _FIRST_PERSON:
            between = sentence.tokens[position + 1 : hit.start]
            pronoun = sentence.tokens[position]
            names_another = (
                pronoun.text in _ENGLISH
                and text[pronoun.end : pronoun.end + 1] != ","
                and any(text[each.start].isupper() for each in between)
            )
            if not names_another and not any(each.text in _THIRD_PERSON for each in between):
                return False
    return "?" in text or any(token.text in _FIRST_PERSON for token in tokenise(text))


def _is_about_us(sentence: Sentence, hit: Hit) -> bool:
    """ "We no longer work with agencies" is no departure."""
    return any(token.text in _PLURAL for token in sentence.tokens[max(hit.start - 3, 0) : hit.end])


def _is_name(text: str, sentence: Sentence, position: int) -> bool:
    return position < len(sentence.tokens) and text[sentence.tokens[position].start].isupper()


def _is_own(text: str, start: int, address: str) -> bool:
    return bool(_OWN.search(text, max(start - _LOOK_BACK, 0), start) or _OWN.search(address))
