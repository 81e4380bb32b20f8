"""Applies the table of reasons to the texts of mail servers. Pure.

Hard means: positively recognised as "this recipient does not exist". What is not recognised is soft. Three tiers are
tried in order: words that never say anything about the address, words for a recipient or domain that does not exist,
and vague words that decide only where nothing else does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from emails.transport.reasons.certain import CERTAIN, VAGUE
from emails.transport.reasons.hard import HARD
from emails.transport.reasons.rule import Outcome


@dataclass(frozen=True, slots=True)
class Cause:
    """`reason` is the name of the rule with the words that it found; `status` the code that the text quotes.

    `rule`: the name of the row of the table, empty where a status or nothing decides.
    """

    outcome: Outcome
    reason: str
    status: str = ""
    is_certain: bool = False
    rule: str = ""


# What stands between white space, angle brackets and quotes and is an address, a link or a name of a host.
_ADDRESS = re.compile(r"[<(\[\"']*[^\s<>()\[\]\"']{1,128}@[^\s<>()\[\]\"']{1,255}[>)\]\"']*")
_LINK = re.compile(r"https?://\S{1,2000}", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w.#-])(?=[\w.-]*[a-z])[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}\.?(?![\w.-])", re.IGNORECASE)
_IP = re.compile(r"\[?\b\d{1,3}(?:\.\d{1,3}){3}\b\]?|\[?\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\b\]?", re.IGNORECASE)
_PROGRAM_WORDS = re.compile(
    r"(?:return(?:ed|ing|s)?|bounce[ds]?|sent back) (?:\S+ ){0,3}?to (?:the |its )?(?:sender|originator)|"
    r"notif\w+ (?:the )?sender|recipient verification|(?:relay|virtual|local|canonical)[ _](?:recipient|alias|"
    r"mailbox|transport|domain) ?(?:table|map|list)?",
    re.IGNORECASE,
)
_CODED_WORDS = re.compile(r"\b(?:RESOLVER|STOREDRV|SMTPSEND|ROUTING|MSEXCH)[\w.:]*", re.IGNORECASE)
_ENHANCED = re.compile(r"(?<![\d.\w])(?:#\s?)?([245])[.,](\d{1,3})[.,](\d{1,3})(?![\d.]*\d)(?![\w-]*\.\w)")
_REPLY = re.compile(r"(?<![\d.:\w-])([45]\d\d)(?=[\s\-#:,;]|$)")
# rules of "=====" and the like
_RUN = re.compile(r"([^\w\s])\1{2,}")
_LONGEST = 2_500
_NO_RECIPIENT = frozenset({"5.1.1", "5.1.6", "5.1.10"})


def match_words(text: str, *, enough: bool = True) -> Cause | None:
    """What the words of one text decide; None where none is in the table. `enough`: whether vague words may decide."""
    text = _RUN.sub(r"\1", text[:_LONGEST])
    status = find_status(text)
    cleaned, raw = _clean(text), " ".join(text.split())
    for tier in (CERTAIN, HARD, VAGUE) if enough else (CERTAIN, HARD):
        for rule in tier:
            # the names of blocklists and of Exchange's rules are host names and coded words
            found = rule.pattern.search(raw if rule.name in {"reputation", "mailbox_unavailable"} else cleaned)
            if found is not None:
                return Cause(
                    rule.outcome,
                    f'{rule.name}: "{_shorten(found[0].replace("someaddress", "…"))}"',
                    status,
                    tier is not VAGUE,
                    rule.name,
                )
    return None


def match_status(status: str) -> Cause:
    """What an enhanced status (RFC 3463) decides alone; only three of them say that a recipient does not exist."""
    if status in _NO_RECIPIENT:
        return Cause(Outcome.HARD, f"status {status}", status, is_certain=True)
    _, _, rest = status.partition(".")
    subject, _, detail = rest.partition(".")
    is_senders = subject == "7" or (subject == "1" and detail in {"7", "8"})
    outcome = Outcome.BLOCKED if is_senders else Outcome.SOFT
    return Cause(outcome, f"status {status}" if status else "nothing in it is recognised", status)


def find_status(text: str) -> str:
    """The enhanced status that a text quotes, else its SMTP reply code, else nothing."""
    found = _ENHANCED.findall(text[:_LONGEST])
    # "5.0.0" says nothing beside another one
    codes = [".".join(code) for code in found if code[0] != "2"]
    precise = [code for code in codes if not code.endswith(".0.0")]
    reply = _REPLY.search(text[:_LONGEST])
    return next(iter([*precise, *codes]), reply[1] if reply else "")


def find_reply_class(text: str) -> str:
    """The first digit of the SMTP reply that a text quotes: "4", "5", or nothing."""
    reply = _REPLY.search(text[:_LONGEST])
    if reply:
        return reply[1][0]
    found = _ENHANCED.search(text[:_LONGEST])
    return found[1] if found and found[1] != "2" else ""


def _clean(text: str) -> str:
    """Without addresses, links, names of hosts and the standing words of mail programs: those hold any word at all."""
    text = _ADDRESS.sub(" someaddress ", _LINK.sub(" ", text))
    for pattern in (_PROGRAM_WORDS, _IP):
        text = pattern.sub(" ", text)
    # Exchange's codes look like names of hosts
    coded = " ".join(_CODED_WORDS.findall(text))
    return " ".join(f"{_HOST.sub(' ', text)} {coded}".replace("_", " ").split())


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
