"""What a refusal means, read while sending or in a report: the most specific reason decides. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from emails.transport.reasons.matching import Cause, find_reply_class, find_status, match_status, match_words
from emails.transport.reasons.rule import Outcome

_TRANSCRIPT_OWN = re.compile(r"^[245]\d\d [\d.]+ .{0,300}?\.\.\. .*$", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_FULL_STATUSES = frozenset({"5.2.2", "4.2.2", "5.2.3", "5.3.4"})
_QUOTE = re.compile(
    r"<<<|\b(?:said|reason|response was|responded with|replied|error was|error is|answer(?:ed)?|diagnostic|"
    r"explanation|antwort|geantwortet|réponse)\b[^\n:]{0,60}:|"
    r"(?:^|[\s:>(\"'])[45]\d\d[ -](?:#?[45]\.\d{1,3}\.\d{1,3}|[A-Za-z<\"'(#À-ÿ\u0400-\u30ff\u4e00-\u9fff])|"
    r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)",
    re.IGNORECASE | re.MULTILINE,
)
_PARAGRAPH = re.compile(r"\n[ \t>]*\n")


def find_cause(status: str, diagnostic: str, human: str = "") -> Cause:
    """What a failure means: the most specific reason decides, the report's own status only where nothing else does.

    `status`: the field of the report; `diagnostic`: the refusing server's words; `human`: the text for people.
    """
    human = without_own_words(human)
    quoted = list_quotes(human)
    cause = match_words(diagnostic, enough=False)
    if cause is None or cause.outcome is Outcome.HARD:
        # what a server said is repeated for people, sometimes more fully
        message = match_words(quoted, enough=False) if quoted else None
        cause = message if message is not None and (cause is None or message.outcome is not Outcome.HARD) else cause
    code = find_status(diagnostic) or find_status(quoted)
    if cause is None and "." in code and not code.endswith(".0.0"):
        by_code = match_status(code)
        cause = by_code if by_code.outcome is not Outcome.SOFT else None
    cause = cause or match_words(human, enough=False) or _find_vague_cause(status, diagnostic, quoted, human)
    reply_class = find_reply_class(diagnostic) or find_reply_class(quoted) or status[:1]
    return _soften(replace(cause, status=cause.status or code or status), status, reply_class, diagnostic or quoted)


def _find_vague_cause(status: str, diagnostic: str, quoted: str, human: str) -> Cause:
    """Nothing says it with certainty: by vague words, or by the status where there are no words."""
    words = " ".join(filter(None, [diagnostic, quoted])) or human
    vague = match_words(words)
    if vague is not None and vague.outcome is Outcome.BLOCKED:
        return vague
    by_status = match_status(status)
    if by_status.outcome is Outcome.HARD and _LETTERS.search(diagnostic):
        # many servers write 5.1.1 for whatever was refused after RCPT
        return Cause(Outcome.SOFT, f"status {status}, but the words are not known", status)
    if by_status.outcome is Outcome.SOFT and vague is not None:
        return vague
    return by_status


def _soften(cause: Cause, status: str, reply_class: str, message: str) -> Cause:
    """A hard bounce needs a final refusal; a reply that says "later" is none, whatever words it uses."""
    if cause.outcome is not Outcome.HARD:
        return cause
    is_host = cause.reason.startswith("unknown_host")
    if reply_class == "4" and not (is_host and not find_reply_class(message)):
        return replace(cause, outcome=Outcome.SOFT, reason=f"a temporary reply; {cause.reason}")
    if status in _FULL_STATUSES:
        return replace(cause, outcome=Outcome.SOFT, reason=f"status {status}; {cause.reason}")
    return cause


def list_quotes(text: str) -> str:
    """The paragraphs that repeat what a server said, from where they do."""
    paragraphs = _PARAGRAPH.split(text[:8_000])
    return "\n".join(each[match.start() :] for each in paragraphs if (match := _QUOTE.search(each)))


def without_own_words(text: str) -> str:
    """Sendmail adds its own "User unknown" to whatever the remote server said."""
    return _TRANSCRIPT_OWN.sub("", text) if "<<<" in text else text
