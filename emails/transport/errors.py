"""Classifies refusals: from the replies of mail servers and ESPs to an `ErrorClass`.

Pure: no Django, no network. A few enhanced statuses (RFC 3463) decide alone; the rest is read by the same table of
reasons as delivery reports (`emails.transport.reasons`). A bounce is never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from emails.choices import ErrorClass
from emails.transport.reasons.cause import find_cause
from emails.transport.reasons.matching import Cause
from emails.transport.reasons.rule import Outcome


class Stage(IntEnum):
    """How far sending a message got in the SMTP dialogue; each name is the command in progress."""

    CONNECT = 0
    LOGIN = 1
    MAIL = 2
    RCPT = 3
    DATA = 4
    BODY = 5
    DONE = 6


@dataclass(frozen=True, slots=True)
class Classified:
    """What a refusal means. `code` is the reply code with the enhanced status if there is one: "550 5.1.1".

    `retry_after_seconds`: how long a provider's limit is waited for before one message tries it again.
    """

    error_class: ErrorClass
    code: str
    retry_after_seconds: int | None = None


# at the start of the text, after a '#', or anywhere, but never a part of an IP address or a version
_ENHANCED = (
    re.compile(r"^\s*[245]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)"),
    re.compile(r"#[245]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)"),
    re.compile(r"(?<![\d.])[45]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)"),
)


# X.4.5 and X.7.28 as Google uses them, X.1.90 as Exchange Online does
_LIMIT_STATUSES = frozenset({(4, 5), (7, 28), (1, 90)})
_SENDER_STATUSES = frozenset({(7, 25), (7, 26), (7, 27), (7, 30), (7, 515), (1, 7), (1, 8), (2, 252)})
_CONTENT_STATUSES = frozenset({(2, 3), (3, 4), (7, 512)})
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_LOGIN_DETAILS = frozenset({8, 57, 60, 64})  # X.7.8 bad credentials; Exchange Online: not authenticated, not send-as
# the rows of the table of reasons
_LIMIT_RULES = frozenset({"sending_limit", "rate"})
_SENDER_RULES = frozenset({"reputation", "ptr", "authentication", "relay", "sender"})
_CONTENT_RULES = frozenset({"content", "spam", "spoofing", "policy", "size"})
_SHORT_WAIT_SECONDS = 900
_LONG_WAIT_SECONDS = 3_600


def read_enhanced_status(text: str) -> tuple[int, int] | None:
    """Subject and detail of the RFC 3463 status in a reply, or None. The class is the reply code's own first digit."""
    for pattern in _ENHANCED:
        if found := pattern.search(text):
            return int(found[1]), int(found[2])
    return None


def classify_smtp(code: int, text: str, stage: Stage) -> Classified:
    """The class of an SMTP refusal (4xx, 5xx) that was read at `stage`."""
    enhanced = read_enhanced_status(text)
    shown = str(code) if enhanced is None else f"{code} {code // 100}.{enhanced[0]}.{enhanced[1]}"
    if not 400 <= code < 600:
        return Classified(ErrorClass.SERVER if stage < Stage.BODY else ErrorClass.UNCLASSIFIED, shown)
    cause = find_cause("", f"{code} {text}")
    if stage is not Stage.LOGIN and _is_limit(enhanced, cause):
        return Classified(ErrorClass.SERVER, shown, _wait_seconds(code, cause))
    return Classified(_classify(code, enhanced, cause, stage), shown)


def _is_limit(enhanced: tuple[int, int] | None, cause: Cause) -> bool:
    """Whether a provider's limit is used up: it ends by itself, and says nothing about message or recipient."""
    return enhanced in _LIMIT_STATUSES or (
        cause.rule in _LIMIT_RULES and enhanced not in {(2, 1), (2, 2), (3, 4), (2, 3)}
    )


def _wait_seconds(code: int, cause: Cause) -> int:
    """A rate falls within minutes, a quota of a day is probed each hour."""
    return _SHORT_WAIT_SECONDS if code < 500 and cause.rule != "sending_limit" else _LONG_WAIT_SECONDS


def _classify(code: int, enhanced: tuple[int, int] | None, cause: Cause, stage: Stage) -> ErrorClass:
    is_senders = cause.rule in _SENDER_RULES
    if stage is Stage.CONNECT:
        return ErrorClass.MAILBOX if code >= 500 and is_senders else ErrorClass.SERVER
    if stage is Stage.LOGIN:
        return ErrorClass.MAILBOX if code >= 500 else ErrorClass.SERVER
    if code == 421:
        return ErrorClass.SERVER
    if code < 500:
        return _classify_temporary(code, enhanced, cause, stage)
    if code in _LOGIN_CODES or enhanced in _SENDER_STATUSES:
        return ErrorClass.MAILBOX
    if stage is Stage.MAIL:
        return _classify_sender(code, enhanced, cause)
    return _classify_status(enhanced) or _classify_cause(code, cause, stage)


def _classify_temporary(code: int, enhanced: tuple[int, int] | None, cause: Cause, stage: Stage) -> ErrorClass:
    # before RCPT no recipient was named; X.3.x is the state of the mail system
    is_busy = cause.rule == "system" and "busy" in cause.reason
    if stage is Stage.MAIL or code == 454 or cause.rule in _SENDER_RULES or is_busy or enhanced in _SENDER_STATUSES:
        return ErrorClass.SERVER
    match enhanced:
        case (3, _):
            return ErrorClass.SERVER
        case (7, detail) if detail >= 500:
            return ErrorClass.SERVER
    return ErrorClass.RECIPIENT_TEMPORARY


def _classify_sender(code: int, enhanced: tuple[int, int] | None, cause: Cause) -> ErrorClass:
    """A permanent refusal of MAIL FROM: about the sender, unless it is about the size or the grammar."""
    if enhanced in {(3, 4), (2, 3)} or (code == 552 and enhanced is None):
        return ErrorClass.CONTENT
    if (enhanced and enhanced[0] in {1, 2, 7}) or code in {550, 551, 553, 554}:
        return ErrorClass.MAILBOX
    return ErrorClass.MAILBOX if cause.rule in _SENDER_RULES else ErrorClass.UNCLASSIFIED


def _classify_status(enhanced: tuple[int, int] | None) -> ErrorClass | None:
    """The class that the enhanced status of a 5xx decides alone; None leaves it to the words."""
    if enhanced in _CONTENT_STATUSES:
        return ErrorClass.CONTENT
    match enhanced:
        case (6, _):
            return ErrorClass.CONTENT
        case (3, 2):
            return ErrorClass.SERVER
        case (7, detail) if 121 <= detail <= 136:
            # Exchange: this recipient or group takes no mail from this sender
            return ErrorClass.CONTENT
        case (7, detail) if detail in _LOGIN_DETAILS or 500 <= detail < 800:
            return ErrorClass.MAILBOX
    return None


def _classify_cause(code: int, cause: Cause, stage: Stage) -> ErrorClass:
    """By the table that reports are read with: what is refused now and what bounces later mean the same."""
    if cause.outcome is Outcome.HARD:
        return ErrorClass.RECIPIENT_PERMANENT if stage >= Stage.RCPT else ErrorClass.UNCLASSIFIED
    if cause.rule in _SENDER_RULES:
        return ErrorClass.MAILBOX
    if (
        cause.rule in _CONTENT_RULES
        or cause.outcome is Outcome.BLOCKED
        or (code == 552 and stage > Stage.RCPT and not cause.rule)
    ):
        return ErrorClass.CONTENT
    if cause.is_certain or code == 552 or cause.status.startswith("5.1.") or cause.status == "5.2.2":
        return ErrorClass.RECIPIENT_TEMPORARY
    return ErrorClass.UNCLASSIFIED


def classify_http(status: int, text: str) -> Classified:
    """The class of an ESP's HTTP answer that is not a success (RFC 9110 status codes)."""
    cause = find_cause("", text)
    if status in {400, 403, 422} and cause.rule in _LIMIT_RULES:
        return Classified(ErrorClass.SERVER, str(status), _LONG_WAIT_SECONDS)
    return Classified(_classify_http(status, cause), str(status))


def _classify_http(status: int, cause: Cause) -> ErrorClass:
    if status in {408, 425, 429} or status >= 500:
        return ErrorClass.SERVER
    if status in {401, 402, 403}:
        return ErrorClass.MAILBOX
    if status == 413 or cause.rule == "size":
        return ErrorClass.CONTENT
    return ErrorClass.MAILBOX if cause.rule == "sender" else ErrorClass.UNCLASSIFIED


def tidy_error(text: str, secrets: tuple[str, ...] = (), limit: int = 300) -> str:
    """One line of a server's words: white space collapsed, each of `secrets` masked, at most `limit` characters."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
