"""What the writer of a reply wants. Pure; rules with their reason, which a user may correct.

In this order: an opt-out outweighs all, then a possible one; then who else to ask, a day proposed soon, when to ask
again, no, and yes. Questions and proposals take nothing from an opt-out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from emails.inbound.text.absence import LONGEST_DAYS
from emails.inbound.text.addresses import find_addresses
from emails.inbound.text.dates import DateSpan, find_dates
from emails.inbound.text.language import rank_languages
from emails.inbound.text.lexer import Sentence, Token, normalise, split_sentences, tokenise
from emails.inbound.text.phrases import Hit, PhraseTable
from emails.inbound.text.relative import find_relative
from emails.inbound.text.stop_request import correct_typo, find_guards, find_opt_out, is_negated
from emails.inbound.text.vocabulary.intent_words import INTENT_WEST
from emails.inbound.text.vocabulary.intent_words_asia import INTENT_ASIA
from emails.inbound.text.vocabulary.intent_words_east import INTENT_EAST
from emails.inbound.text.vocabulary.intent_words_romance import INTENT_ROMANCE

_LONGEST_TEXT = 4_000
# Who shows interest and names such a day wants to talk, and does not put the matter off.
_SOON = timedelta(days=14)
_TABLE = PhraseTable(INTENT_WEST, INTENT_ROMANCE, INTENT_EAST, INTENT_ASIA)


class IntentKind(StrEnum):
    """The closed set of intents."""

    INTERESTED = "interested"
    NOT_INTERESTED = "not_interested"
    NOT_NOW = "not_now"
    REFERRAL = "referral"
    OPT_OUT = "opt_out"
    POSSIBLE_OPT_OUT = "possible_opt_out"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Intent:
    """`until`: the day to write again (not now). `referral`: the address named instead. `reason`: rule and words."""

    kind: IntentKind
    until: date | None
    referral: str | None
    reason: str


def find_intent(subject: str, text: str, received_on: date) -> Intent:
    """The intent of a reply; `text` is its new text only. Never raises."""
    whole = normalise(text, _LONGEST_TEXT)
    tokens = tokenise(whole)
    languages = rank_languages(tokens)
    dates = find_dates(whole, received_on, languages)
    addresses = [(start, end) for start, end, _ in find_addresses(whole)]
    spans = sorted([*((span.start, span.end) for span in dates), *addresses])
    sentences = [_correct(sentence) for sentence in split_sentences(whole, spans)]
    found = _find_kinds(whole, sentences, languages)
    refuses = "not_interested" in found or "later" in found
    shows_interest = "interested" in found and not refuses
    opt_out = find_opt_out(
        normalise(subject, 200), _rebuild(whole, sentences), languages, shows_interest=shows_interest
    )
    if opt_out is not None:
        kind = IntentKind.OPT_OUT if opt_out.is_certain else IntentKind.POSSIBLE_OPT_OUT
        return Intent(kind, None, None, opt_out.reason)
    referral = _find_referral(whole, sentences, found)
    if referral is not None or "right_person" in found:
        quoted = found.get("referral") or found.get("right_person", "")
        return Intent(IntentKind.REFERRAL, None, referral, f'names another person: "{quoted}"')
    dates += find_relative(whole, sentences, received_on, languages, dates)
    proposal = _find_proposal(whole, sentences, languages, dates, received_on)
    if proposal and "not_interested" not in found:
        return Intent(IntentKind.INTERESTED, None, None, f'proposes a day: "{proposal}"')
    if "later" in found:
        until = _find_next_time(dates, sentences, received_on)
        return Intent(IntentKind.NOT_NOW, until, None, f'asks for another time: "{found["later"]}"')
    if "not_interested" in found:
        return Intent(IntentKind.NOT_INTERESTED, None, None, f'declines: "{found["not_interested"]}"')
    if "interested" in found:
        return Intent(IntentKind.INTERESTED, None, None, f'shows interest: "{found["interested"]}"')
    return Intent(IntentKind.UNCLEAR, None, None, "no rule applies")


def _correct(sentence: Sentence) -> Sentence:
    return sentence._replace(tokens=tuple(token._replace(text=correct_typo(token.text)) for token in sentence.tokens))


def _rebuild(text: str, sentences: Sequence[Sentence]) -> str:
    """The text with corrected keywords; the rest stays as it is."""
    parts, position = [], 0
    for sentence in sentences:
        for token in sentence.tokens:
            original = text[token.start : token.end]
            if len(original) >= 7 and token.text == correct_typo(original.casefold()) != original.casefold():
                parts += [text[position : token.start], token.text]
                position = token.end
    return "".join([*parts, text[position:]])


def _find_kinds(text: str, sentences: Sequence[Sentence], languages: Sequence[str]) -> dict[str, str]:
    """Kind → the first words that say so."""
    found: dict[str, str] = {}
    for sentence in sentences:
        guards = find_guards(sentence)
        for hit in sorted(_TABLE.find_all(sentence.tokens, languages), key=lambda each: each.start):
            if hit.kind == "interested" and is_negated(hit, text, sentence, guards, within=4):
                continue
            # "not now" is what the words say, "do not call next week" turns them around
            before = [guard for guard in guards if guard.end <= hit.start]
            if hit.kind == "later" and is_negated(hit, text, sentence, before):
                continue
            found.setdefault(hit.kind, _quote(text, sentence, hit))
    return found


def _quote(text: str, sentence: Sentence, hit: Hit) -> str:
    """The words of a phrase as they stand in the text."""
    words: Sequence[Token] = sentence.tokens[hit.start : hit.end]
    return " ".join(text[words[0].start : words[-1].end].split())[:100]


def _find_referral(text: str, sentences: Sequence[Sentence], found: dict[str, str]) -> str | None:
    """The first address that a sentence with a word for it names, or the one before it."""
    if "referral" not in found and "right_person" not in found:
        return None
    for start, _, address in find_addresses(text):
        for number, sentence in enumerate(sentences):
            if sentence.start <= start < sentence.end:
                near = sentences[max(number - 1, 0) : number + 1]
                if any(
                    hit.kind in {"referral", "right_person"} for each in near for hit in _TABLE.find_all(each.tokens)
                ):
                    return address
    return None


def _find_proposal(
    text: str, sentences: Sequence[Sentence], languages: Sequence[str], dates: Sequence[DateSpan], received_on: date
) -> str:
    """The words that show interest beside a day of the next two weeks, as for a call; empty if any put the matter off.

    A sentence that speaks of another time puts the matter off, unless it proposes a day itself and negates nothing.
    """
    proposal = ""
    latest = received_on + _SOON
    for sentence in sentences:
        guards = find_guards(sentence)
        hits = sorted(_TABLE.find_all(sentence.tokens, languages), key=lambda each: each.start)
        is_dated = any(
            sentence.start <= span.start < sentence.end and received_on <= span.day <= latest for span in dates
        )
        shown = [hit for hit in hits if hit.kind in {"interested", "proposal"}]
        if is_dated and shown and not any(guard.kind == "negation" for guard in guards):
            proposal = proposal or _quote(text, sentence, shown[0])
        elif any(hit.kind == "later" for hit in hits):
            return ""
    return proposal


def _find_next_time(dates: Sequence[DateSpan], sentences: Sequence[Sentence], received_on: date) -> date | None:
    """The last date ahead in the sentences that speak of another time."""
    latest = received_on + timedelta(days=LONGEST_DAYS)
    found = None
    for sentence in sentences:
        if any(hit.kind == "later" for hit in _TABLE.find_all(sentence.tokens)):
            inside = [span for span in dates if sentence.start <= span.start < sentence.end and not span.is_weak]
            found = max((span.day for span in inside if received_on < span.day <= latest), default=found)
    return found
