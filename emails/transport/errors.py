"""Classifies refusals: from the replies of mail servers and ESPs to an `ErrorClass`.

Pure: no Django, no network. The order is RFC 3463 enhanced status, then RFC 5321 code, then text. A bounce is never
guessed: what cannot be read with certainty is `UNCLASSIFIED`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from emails.choices import ErrorClass


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
    """What a refusal means. `code` is the reply code with the enhanced status if there is one: "550 5.1.1"."""

    error_class: ErrorClass
    code: str


# at the start of the text, after a '#', or anywhere, but never a part of an IP address or a version
_ENHANCED = (
    re.compile(r"^\s*[245]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)"),
    re.compile(r"#[245]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)"),
    re.compile(r"(?<![\d.])[45]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)"),
)


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_UNKNOWN_RECIPIENT = _words(
    r"(user|recipient|mailbox|account|addressee)( \S+)? (is )?(unknown|not found|does(n'?t| not) exist|invalid)",
    r"(unknown|invalid|no such|non-?existent|bad destination) (local )?(user|recipient|mailbox|account|address)",
    r"no such (person|local part)",
    r"no mailbox (here|by that name)",
    r"(does not|doesn'?t) have (an?|a \S+) \S*\s?account",
    r"(user|account|mailbox|recipient)( \S+)? (is |has been )?(disabled|inactive|deactivated|closed|discontinued)",
    r"that you tried to reach (does not exist|is disabled|is inactive)",
    r"mailbox (is )?unavailable",
    r"(user|address|recipient) unknown",
    r"recipient not (found|exist)",
    r"not a (valid|known) (user|mailbox|recipient)",
    r"user (is )?not local",
    r"(recipient|destination)( address)? domain( name)? (not found|does not exist)",
    r"(dns )?domain .{0,80}does not exist",
    r"(unrouteable|undeliverable) address",
    r"address (does not exist|doesn'?t exist|not found)",
)
_RECIPIENT_REJECTED = _words(
    r"(recipient|to|destination)( address)? (was )?(rejected|refused)",
    r"address rejected",
    r"invalid recipient",
    r"recipient .{0,80}(rejected|not accepted)",
)
_MAILBOX_FULL = _words(
    r"(mailbox|inbox|account|user|recipient)\S* .{0,60}(full|over ?quota|exceeded (its |the )?(storage|quota))",
    r"(over|exceeds?|exceeded|out of) (the |its |their )?(mailbox |disk |storage )?quota",
    r"quota (exceeded|full)",
    r"exceeded storage allocation",
    r"mailbox (is )?full",
    r"insufficient storage .{0,30}(user|mailbox|recipient)",
)
_SENDING_LIMIT = _words(
    r"(daily|hourly|monthly|weekly) .{0,40}(limit|quota)",
    r"(sending|outgoing|outbound|relay|message|smtp)( \w+)? (limit|quota)( \w+){0,4} (exceeded|reached)",
    r"(sending|outgoing|outbound|relay|message|smtp)( \w+)? (limit|quota) (exceeded|reached)",
    r"(exceeded|reached) (your|the) (\w+ ){0,4}(limit|quota)",
    r"outgoing messages? limit",
)
_LOGIN_NEEDED = _words(
    r"authentication (is )?required",
    r"(client|sender) (was |is )?not authenticated",
    r"must (be )?(authenticated?|log ?in)",
    r"relay(ing)? (access )?(denied|not (permitted|allowed)|prohibited)",
    r"unable to relay",
    r"authentication (unsuccessful|failed)",
    r"invalid (credentials|login|user ?name or password)",
)
_SENDER_REFUSED = _words(
    r"not owned by user",
    r"sender( \S+)?( address)?( \S+)? (was )?(rejected|refused|denied|not allowed|is not allowed|verify failed)",
    r"sender .{0,60}(not authori[sz]ed|blocked|banned|not permitted)",
    r"(not allowed|not authori[sz]ed|no permissions?|not have permissions?|not permitted) to send (as|from|using|mail)",
    r"send ?as ?denied",
    r"(mail )?from address (is )?(not|must)",
    r"(address|identit(y|ies)|domain) (is |are )?not verified",
    r"bad (outbound )?sender",
)
_BLOCKED = _words(
    r"(client host|your (ip|server|host|network|domain|account)|sending ip|ip address|connecting ip|\bip\b|host).{0,80}"
    r"(block(ed|list)?\b|blacklist|banned|listed (at|by|in|on)|reputation|suspended)",
    r"banned send(er|ing)",
    r"access denied, (traffic not accepted|spam abuse|bad outbound|banned)",
    r"(account|user|mailbox|sending).{0,40}(suspended|locked|blocked|restricted).{0,40}",
    r"blocked (from|for) send",
    r"(tenant|organi[sz]ation).{0,60}(exceeded|blocked|restricted|threshold)",
)
_TOO_LARGE = _words(
    r"(message|mail|data|size).{0,60}(too (large|big|much)|exceeds?|exceeded).{0,60}",
    r"too (large|big|much mail)",
    r"maximum (message )?size",
    r"size limit",
)
_CONTENT = _words(
    r"\bspam",
    r"\bvirus|malware|phish",
    r"(message|mail|content|attachment|url|link|body).{0,60}(reject|refus|block|suspicious|prohibit|not accepted)",
    r"policy|policies",
    r"administrative prohibition",
    r"dmarc|dkim|\bspf\b",
    r"unsolicited",
    r"anti-?spoofing",
)
_NOT_ABOUT_RECIPIENT = _words(r"client host rejected", r"cannot find your (hostname|reverse)", r"server (is )?busy")

_LOGIN_CODES = frozenset({530, 534, 535, 538})
_SENDER_DETAILS = frozenset({7, 8, 90})  # RFC 3463 X.1.7, X.1.8; Exchange Online 5.1.90 daily recipients used up
_LOGIN_DETAILS = frozenset({8, 57, 60, 64})  # X.7.8 bad credentials; Exchange Online: not authenticated, not send-as


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
    return Classified(_classify(code, enhanced, text, stage), shown)


def _classify(code: int, enhanced: tuple[int, int] | None, text: str, stage: Stage) -> ErrorClass:
    if not 400 <= code < 600:
        return ErrorClass.SERVER if stage < Stage.MAIL else ErrorClass.UNCLASSIFIED
    if stage is Stage.CONNECT:
        return ErrorClass.MAILBOX if code >= 500 and _BLOCKED.search(text) else ErrorClass.SERVER
    if stage is Stage.LOGIN:
        return ErrorClass.MAILBOX if code >= 500 else ErrorClass.SERVER
    if code == 421:
        return ErrorClass.SERVER
    if _is_sending_limit(enhanced, text):
        return ErrorClass.MAILBOX
    if code < 500:
        return _classify_temporary(code, enhanced, text, stage)
    if code in _LOGIN_CODES:
        return ErrorClass.MAILBOX
    if stage is Stage.MAIL:
        return _classify_sender(code, enhanced, text)
    by_status = _classify_status(enhanced, text, stage) if enhanced else None
    return by_status or _classify_text(code, text, stage)


def _is_sending_limit(enhanced: tuple[int, int] | None, text: str) -> bool:
    return bool(_SENDING_LIMIT.search(text)) and enhanced not in {(2, 1), (2, 2), (3, 4), (2, 3)}


def _classify_temporary(code: int, enhanced: tuple[int, int] | None, text: str, stage: Stage) -> ErrorClass:
    # before RCPT no recipient was named; X.3.x is the state of the mail system, X.1.7/8 the sender's address
    if stage is Stage.MAIL or code == 454 or _NOT_ABOUT_RECIPIENT.search(text):
        return ErrorClass.SERVER
    match enhanced:
        case (3, _) | (1, 7 | 8):
            return ErrorClass.SERVER
        case (7, detail) if detail >= 500:
            return ErrorClass.SERVER
    return ErrorClass.RECIPIENT_TEMPORARY


def _classify_sender(code: int, enhanced: tuple[int, int] | None, text: str) -> ErrorClass:
    """A permanent refusal of MAIL FROM: about the sender, unless it is about the size or the grammar."""
    if enhanced in {(3, 4), (2, 3)} or (code == 552 and enhanced is None):
        return ErrorClass.CONTENT
    if (enhanced and enhanced[0] in {1, 2, 7}) or code in {550, 551, 553, 554}:
        return ErrorClass.MAILBOX
    return ErrorClass.MAILBOX if _SENDER_REFUSED.search(text) or _LOGIN_NEEDED.search(text) else ErrorClass.UNCLASSIFIED


def _classify_status(enhanced: tuple[int, int], text: str, stage: Stage) -> ErrorClass | None:
    """The class that the enhanced status of a 5xx decides alone; None leaves it to code and text."""
    match enhanced:
        case (1, detail) if detail in _SENDER_DETAILS:
            return ErrorClass.MAILBOX
        case (1, 0) if _SENDER_REFUSED.search(text):
            return ErrorClass.MAILBOX
        case (1, _):
            return ErrorClass.RECIPIENT_PERMANENT
        case (2, 1):
            return ErrorClass.RECIPIENT_PERMANENT
        case (2, 2):
            return ErrorClass.RECIPIENT_TEMPORARY
        case (2, 252):
            return ErrorClass.MAILBOX
        case (2, 3) | (3, 4) | (6, _):
            return ErrorClass.CONTENT
        case (3, 2):
            return ErrorClass.SERVER
        case (7, detail):
            return _classify_policy(detail, text, stage)
    return None


def _classify_policy(detail: int, text: str, stage: Stage) -> ErrorClass:
    """X.7.x: security or policy. It concerns the mailbox when its login, right to send or name is refused."""
    if detail == 512:  # Exchange Online: message must be RFC 5322 compliant
        return ErrorClass.CONTENT
    if 121 <= detail <= 136:  # Exchange: this recipient or group takes no mail from this sender
        return ErrorClass.CONTENT
    if detail in _LOGIN_DETAILS or 500 <= detail < 800:
        return ErrorClass.MAILBOX
    if _LOGIN_NEEDED.search(text) or _SENDER_REFUSED.search(text) or _BLOCKED.search(text):
        return ErrorClass.MAILBOX
    if stage is Stage.RCPT and _UNKNOWN_RECIPIENT.search(text):
        return ErrorClass.RECIPIENT_PERMANENT
    return ErrorClass.CONTENT


def _classify_text(code: int, text: str, stage: Stage) -> ErrorClass:
    if code == 552:
        if _MAILBOX_FULL.search(text) and (stage is Stage.RCPT or not _TOO_LARGE.search(text)):
            return ErrorClass.RECIPIENT_TEMPORARY
        return ErrorClass.CONTENT if stage > Stage.RCPT or _TOO_LARGE.search(text) else ErrorClass.RECIPIENT_TEMPORARY
    if _SENDER_REFUSED.search(text) or _LOGIN_NEEDED.search(text):
        return ErrorClass.MAILBOX
    if code in {550, 551, 553, 554}:
        if _UNKNOWN_RECIPIENT.search(text):
            return ErrorClass.RECIPIENT_PERMANENT
        if _MAILBOX_FULL.search(text):
            return ErrorClass.RECIPIENT_TEMPORARY
        if _BLOCKED.search(text):
            return ErrorClass.MAILBOX
        if stage is Stage.RCPT and _RECIPIENT_REJECTED.search(text):
            return ErrorClass.RECIPIENT_PERMANENT
        if _TOO_LARGE.search(text) or _CONTENT.search(text):
            return ErrorClass.CONTENT
    return ErrorClass.UNCLASSIFIED


def classify_http(status: int, text: str) -> Classified:
    """The class of an ESP's HTTP answer that is not a success (RFC 9110 status codes)."""
    return Classified(_classify_http(status, text), str(status))


def _classify_http(status: int, text: str) -> ErrorClass:
    if status in {408, 425, 429} or status >= 500:
        return ErrorClass.SERVER
    if status in {401, 402, 403}:
        return ErrorClass.MAILBOX
    if status == 413 or _TOO_LARGE.search(text):
        return ErrorClass.CONTENT
    if _SENDING_LIMIT.search(text) or _SENDER_REFUSED.search(text):
        return ErrorClass.MAILBOX
    return ErrorClass.UNCLASSIFIED


def tidy_error(text: str, secrets: tuple[str, ...] = (), limit: int = 300) -> str:
    """One line of a server's words: white space collapsed, each of `secrets` masked, at most `limit` characters."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
