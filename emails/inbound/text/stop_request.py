"""Whether a reply asks to be left alone, by its intent. Pure; the tables hold how each language says it.

A request stands for itself. It is turned round by a negation before it, and only held as possible when another person
is its subject, when it stands between quotation marks, or when the reply shows interest as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from emails.inbound.text.lexer import Sentence, Token, fold, split_sentences, tokenise
from emails.inbound.text.phrases import Hit, PhraseTable
from emails.inbound.text.vocabulary.guard_words import GUARDS, POLITE
from emails.inbound.text.vocabulary.opt_out_words import OPT_OUT_WEST
from emails.inbound.text.vocabulary.opt_out_words_asia import OPT_OUT_ASIA
from emails.inbound.text.vocabulary.opt_out_words_east import OPT_OUT_EAST
from emails.inbound.text.vocabulary.opt_out_words_nordic import OPT_OUT_NORDIC
from emails.inbound.text.vocabulary.opt_out_words_romance import OPT_OUT_ROMANCE
from emails.inbound.text.vocabulary.opt_out_words_slavic import OPT_OUT_SLAVIC

_TABLE = PhraseTable(OPT_OUT_WEST, OPT_OUT_ROMANCE, OPT_OUT_EAST, OPT_OUT_NORDIC, OPT_OUT_SLAVIC, OPT_OUT_ASIA)
_GUARDS = PhraseTable(GUARDS)
_POLITE = frozenset(fold(word) for word in POLITE.split())
# "did you stop sending …?" asks about the past
_ASKING = frozenset({"did", "have", "when", "warum", "wann"})
_BREAKS = frozenset(",:;()、，")
_CLAUSE_ENDS = frozenset(",:;–—()\n!?.•、，：")
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "「": "」"}
# "your mail was in my spam folder" complains of nothing
_SPAM_PLACES = frozenset(
    [
        "folder",
        "filter",
        "box",
        "ordner",
        "filtern",
        "verzeichnis",
        "inbox",
        "dossier",
        "carpeta",
        "cartella",
        "pasta",
        "map",
        "mappe",
    ]
)
_LONGEST_ALONE = 8
_LONGEST_SUBJECT = 40
_FIRST_CLAUSES = 12
# words that people mistype when they are in a hurry
_KEYWORDS = (
    "unsubscribe", "unsubscribed", "abbestellen", "abmelden", "austragen", "desabonner", "desinscrire",
    "desinscription",
    "descadastrar", "cancellatemi", "uitschrijven", "avregistrera", "dezabonare", "subscription",
)  # fmt: skip
_KNOWN_FORMS = frozenset({"subscribe", "unsubscribes", "unsubscribing", "subscribed", "desabonne", "desabonnez"})


@dataclass(frozen=True, slots=True)
class OptOut:
    """`is_certain`: False asks a user to decide. `reason`: which rule applied to which words."""

    is_certain: bool
    reason: str


def find_opt_out(subject: str, text: str, languages: Sequence[str], *, shows_interest: bool) -> OptOut | None:
    """`text`: normalised new text. `shows_interest`: another rule found interest in it."""
    words = [token for token in tokenise(subject) if token.text != "fwd"]
    if len(subject) < _LONGEST_SUBJECT and words and _is_whole(words):
        return OptOut(True, f'the subject asks for it: "{subject}"')
    found = list(_find_requests(text, languages))
    certain = next((request for request in found if request.is_certain), None)
    if certain is not None and shows_interest:
        return OptOut(False, f"{certain.reason}, but the reply shows interest too")
    if certain is not None or shows_interest:
        return certain
    return next(iter(found), None)


def _find_requests(text: str, languages: Sequence[str]) -> Iterator[OptOut]:
    clauses = 0
    total = sum(1 for token in tokenise(text) if token.text not in _POLITE)
    for sentence in split_sentences(text):
        guards = find_guards(sentence)
        is_question = "?" in text[sentence.end - 2 : sentence.end] or "？" in text[sentence.end - 2 : sentence.end]
        hits = [(hit, 0) for hit in _TABLE.find_all(sentence.tokens, languages)]
        for offset, clause in _split_clauses(text, sentence):
            clauses += 1
            hits += [(hit, offset) for hit in _TABLE.find_all(clause, languages)]
            if clauses <= _FIRST_CLAUSES and _is_whole(clause) and not _names_others(guards):
                yield OptOut(True, f'asks for it in one word: "{_quote(text, clause)}"')
            elif clauses <= 2 and total <= _LONGEST_ALONE and _is_whole(clause, "alone"):
                is_sure = total <= 3 or text[clause[0].start : clause[-1].end].isupper()
                yield OptOut(is_sure, f'says nothing but "{_quote(text, clause)}"')
        for hit, offset in hits:
            request = _weigh(
                Hit(hit.kind, hit.start + offset, hit.end + offset), text, sentence, guards, languages, is_question
            )
            if request is not None:
                yield request


def _weigh(
    hit: Hit, text: str, sentence: Sentence, guards: Sequence[Hit], languages: Sequence[str], is_question: bool
) -> OptOut | None:
    quoted = _quote(text, sentence.tokens[hit.start : hit.end])
    others = any(guard.kind == "third_party" and guard.end <= hit.start for guard in guards)
    if hit.kind == "possible":
        follows = sentence.tokens[hit.end].text if hit.end < len(sentence.tokens) else ""
        is_word = hit.end - hit.start == 1 and sentence.tokens[hit.start].text < "\u0e00"
        is_loose = is_word and (is_question or len(sentence.tokens) > _LONGEST_ALONE or _names_others(guards))
        if others or is_loose or follows in _SPAM_PLACES:
            return None
        return OptOut(False, f'near an opt-out: "{quoted}"')
    if hit.kind not in {"remove", "refuse"}:
        return None
    if is_question and sentence.tokens[0].text in _ASKING:
        return None
    # German puts a comma before the infinitive
    if _crosses_clause(text, sentence, hit) and (hit.kind == "refuse" or "de" not in languages[:1]):
        return OptOut(False, f'may ask for no more messages: "{quoted}"') if hit.kind == "remove" else None
    if hit.kind == "remove" and is_negated(hit, text, sentence, guards):
        return None
    if others:
        return None if is_question else OptOut(False, f'another person may be meant: "{quoted}"')
    if _is_cited(text, sentence, hit):
        return OptOut(False, f'the words of another person: "{quoted}"')
    return OptOut(True, f'asks for no more messages: "{quoted}"')


def _crosses_clause(text: str, sentence: Sentence, hit: Hit) -> bool:
    """ "Not by post, email is fine" names mail in another clause."""
    words = sentence.tokens[hit.start : hit.end]
    return any(_BREAKS.intersection(text[one.end : two.start]) for one, two in pairwise(words))


def find_guards(sentence: Sentence) -> list[Hit]:
    """The negations and the other people (customers, users) that a sentence names."""
    return _GUARDS.find_all(sentence.tokens)


def is_negated(hit: Hit, text: str, sentence: Sentence, guards: Sequence[Hit], within: int = 2) -> bool:
    """Whether a negation stands inside a phrase, or up to `within` words before it in the same clause."""
    for guard in guards:
        if guard.kind != "negation":
            continue
        if hit.start <= guard.start < hit.end:
            return True
        between = text[sentence.tokens[guard.end - 1].end : sentence.tokens[hit.start].start]
        if 0 <= hit.start - guard.end <= within and not _CLAUSE_ENDS.intersection(between):
            return True
    return False


def _split_clauses(text: str, sentence: Sentence) -> Iterator[tuple[int, list[Token]]]:
    """(offset, tokens) of the parts of a sentence between commas and line ends, without polite words around them."""
    start = 0
    tokens = sentence.tokens
    for position in range(1, len(tokens) + 1):
        is_end = position == len(tokens)
        if is_end or _CLAUSE_ENDS.intersection(text[tokens[position - 1].end : tokens[position].start]):
            first, last = start, position
            while first < last and tokens[first].text in _POLITE:
                first += 1
            while last > first and tokens[last - 1].text in _POLITE:
                last -= 1
            if first < last:
                yield first, list(tokens[first:last])
            start = position


def _is_whole(clause: Sequence[Token], kind: str = "whole") -> bool:
    words = [token for token in clause if token.text not in _POLITE] or clause
    corrected = [token._replace(text=correct_typo(token.text)) for token in words]
    return any(hit.kind == kind and hit.start == 0 and hit.end == len(words) for hit in _TABLE.find_all(corrected))


def _names_others(guards: Sequence[Hit]) -> bool:
    return any(guard.kind == "third_party" for guard in guards)


def _is_cited(text: str, sentence: Sentence, hit: Hit) -> bool:
    """Whether quotation marks stand directly around the words, inside a longer sentence."""
    start, end = sentence.tokens[hit.start].start, sentence.tokens[hit.end - 1].end
    before, after = text[max(start - 2, 0) : start].strip(), text[end : end + 3].strip(" .!,")
    if not before or not after or _QUOTES.get(before[-1]) != after[0]:
        return False
    return len(sentence.tokens) > hit.end - hit.start + 2


def correct_typo(word: str) -> str:
    """The keyword that a word is a mistyped form of, at most two letters off; else the word itself."""
    if len(word) < 7 or not word.isascii() or word in _KNOWN_FORMS or word in _KEYWORDS:
        return word
    for keyword in _KEYWORDS:
        if (
            word[0] == keyword[0]
            and abs(len(word) - len(keyword)) <= 2
            and _distance(word, keyword) <= (2 if len(keyword) > 9 else 1)
        ):
            return keyword
    return word


def _distance(a: str, b: str) -> int:
    """Levenshtein's, for short words."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (letter != other))
    return row[-1]


def _quote(text: str, tokens: Sequence[Token]) -> str:
    return " ".join(text[tokens[0].start : tokens[-1].end].split())[:100]
