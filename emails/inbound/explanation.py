"""The text for people in a delivery report, apart from the copy of our message below it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emails.inbound.body import html_as_text
from emails.inbound.parse import (
    AnyMessage,
    InboundMail,
    find_addresses,
    list_children,
    own_parts,
    read_header,
    read_text,
    walk_parts,
)

_LONGEST = 20_000
_MOST_LINES = 2_000
_ORIGINAL_HEADER = re.compile(
    r"^[>\s|]{0,8}(return-path|received|message-id|mime-version|from|to|subject|date|content-type|x-mailer|"
    r"reply-to|dkim-signature|"
    r"cc|references|in-reply-to|content-transfer-encoding|list-unsubscribe|user-agent|x-[\w-]{1,40})[ \t]?:",
    re.IGNORECASE,
)
_TELLING = frozenset({"return-path", "received", "mime-version", "dkim-signature", "content-type"})
_MANY_HEADERS = 5
_COPY_BEGINS = re.compile(
    r"below this line is (?:a|the) copy|this is a copy of|copy of (?:the|your) (?:original )?(?:message|mail)|"
    r"^[-=_*\s]{2,}.{0,20}(?:original|returned|unsent|undelivered) (?:message|mail)|"
    r"(?:message|original|returned) (?:\S+ )?(?:header|headers|text) follow|headers? (?:of|from) the original|"
    r"original message headers?:|the (?:first|following) (?:\S+ )?(?:lines|part) of (?:the|"
    r"your) (?:original )?message|"
    r"included (?:below )?is a copy|^-+ ?(?:ursprüngliche|message d['’]origine|mensaje original|"
    r"messaggio originale)|your (?:original )?message (?:reads|read|was|follows|begins)\b.{0,30}:\s*$|"
    r"^original (?:message|mail) (?:details|info|information)|^-{3,}.{0,20}(?:message header|header of|copy of|"
    r"start of returned|returned mail|body of)",
    re.IGNORECASE,
)
_LIST_BEGINS = re.compile(r"did not reach|following (?:\S+ ){0,3}(?:recipient|address)", re.IGNORECASE)
_ID_LINE = re.compile(r"^.{0,40}message-?id.*$", re.IGNORECASE | re.MULTILINE)
_LOOK_AHEAD = 15


@dataclass(frozen=True, slots=True)
class Explanation:
    """`text`: what the server wrote; `whole`: with the copy. `failed_addresses`: those in `text`, or after
    "did not reach the following recipients" where it says so, in their order.

    `original_to`, `original_from`: the recipients and the senders of the message that the report is about.
    """

    text: str
    whole: str
    failed_addresses: tuple[str, ...]
    original_to: tuple[str, ...]
    original_from: tuple[str, ...]

    def about(self, recipient: str, recipients: list[str]) -> str:
        """The part of the text about one of several recipients: from its address to the next one's."""
        others = [each for each in recipients if each != recipient]
        if not recipient or not others:
            return self.text
        lowered = self.text.lower()
        # the later mention carries the reason where the first is a list of all
        pieces: list[str] = []
        start = lowered.find(recipient)
        while start >= 0 and len(pieces) < 10:
            ends = [at for other in others[:50] if (at := lowered.find(other, start + 1)) >= 0]
            end = min(ends, default=len(lowered))
            pieces.append(self.text[start:end])
            start = lowered.find(recipient, end)
        return "\n\n".join(pieces)


def read_explanation(mail: InboundMail) -> Explanation:
    """From the mail's own text parts; HTML counts only where there is no plain text."""
    plain = "\n\n".join(read_text(part) for part in own_parts(mail.message) if part.get_content_type() == "text/plain")
    if not plain.strip():
        found = (
            read_text(part)[:_LONGEST] for part in own_parts(mail.message) if part.get_content_type() == "text/html"
        )
        plain = html_as_text(next(found, ""))
    whole = plain[: 2 * _LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    text, copy = _split_copy(whole)
    originals = [*_originals(mail), *_headers_in(copy)]
    sent_to = [
        address
        for name, value in originals
        if name in {"to", "cc", "x-failed-recipients"}
        for address in find_addresses(value)
    ]
    sent_from = [
        address
        for name, value in originals
        if name in {"from", "return-path", "reply-to", "sender"}
        for address in find_addresses(value)
    ]
    return Explanation(
        text=text[:_LONGEST],
        whole=whole,
        failed_addresses=tuple(_find_failed(_ID_LINE.sub("", text[:_LONGEST]))[:100]),
        original_to=tuple(dict.fromkeys(sent_to[:100])),
        original_from=tuple(dict.fromkeys(sent_from[:10])),
    )


def _find_failed(text: str) -> list[str]:
    intro = _LIST_BEGINS.search(text)
    after = find_addresses(text[intro.end() :]) if intro else []
    return [
        address.partition("..")[0].rpartition("=")[2].rpartition("smtp:")[2]
        for address in after or find_addresses(text)
    ]


def _split_copy(text: str) -> tuple[str, str]:
    """(what the server wrote, the copy of the message)."""
    lines = text.split("\n")[:_MOST_LINES]
    names = [found[1].lower() if (found := _ORIGINAL_HEADER.match(line)) else "" for line in lines]
    for number, line in enumerate(lines):
        if number and _COPY_BEGINS.search(line[:300]):
            return "\n".join(lines[:number]), "\n".join(lines[number:])
        if names[number]:
            block = {name for name in names[number : number + _LOOK_AHEAD] if name}
            if len(block) >= (3 if block & _TELLING else _MANY_HEADERS):
                return "\n".join(lines[:number]), "\n".join(lines[number:])
    return "\n".join(lines), ""


def _headers_in(copy: str) -> list[tuple[str, str]]:
    lines = copy.split("\n")[:100]
    return [(found[1].lower(), line[found.end() :]) for line in lines if (found := _ORIGINAL_HEADER.match(line))]


def _originals(mail: InboundMail) -> list[tuple[str, str]]:
    """The headers of the message that the report carries, as a mail or as its headers alone."""
    for kind, part in walk_parts(mail.message):
        if kind in {"message/rfc822", "message/global"} and part is not mail.message:
            return _named(next(iter(list_children(part)), part))
        if kind in {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}:
            return _headers_in(read_text(part) or _first_text(part))
    return []


def _first_text(part: AnyMessage) -> str:
    child = next(iter(list_children(part)), None)
    return "" if child is None else "\n".join(f"{name}: {value}" for name, value in child.raw_items())


def _named(message: AnyMessage) -> list[tuple[str, str]]:
    return [(name, read_header(message, name)) for name in ("to", "cc", "from", "return-path", "reply-to", "sender")]
