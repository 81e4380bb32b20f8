"""From the bytes of an incoming mail to what the classifier needs. Pure; whatever a stranger writes, it never raises.

Must not judge: what a mail means is said by `classify`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from email.policy import EmailPolicy
from typing import Any

from common.addresses import normalize_for_search
from common.text import storable_text
from emails.inbound.text.new_text import find_new_text

_ID = re.compile(r"<[^<>\s]+>")
_ANGLED = re.compile(r"<\s*([^<>@\s]+@[^<>@\s]+)\s*>")
_BARE = re.compile(r"[^<>@\s,;:\"'()]+@[^<>@\s,;:\"'()]+")
_NAMED_IN_TEXT = re.compile(r"^[> \t]*(?:X-Original-)?Message-ID:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
_LONGEST_IDENTITY = 150
_SCANNED_CHARACTERS = 50_000
# The standard library reads structured headers in quadratic time: 100 kB of them take it a minute.
_LONGEST_HEADER = 4_000
# Codecs of Python that are no charset of any mail: they refuse bytes they do not like, or take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined"})


class _BoundedPolicy(EmailPolicy):
    """Headers of a bounded length, of the mail and of all its parts: their start and their end are kept."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if len(value) > _LONGEST_HEADER:
            half = _LONGEST_HEADER // 2
            value = f"{value[:half]} {value[-half:]}"
        return name, value


_POLICY = _BoundedPolicy()


@dataclass(frozen=True, slots=True)
class InboundMail:
    """One incoming mail.

    `identity` is the same whenever and from wherever the mail is read. `named_ids` are the Message-IDs it answers,
    nearest first; `reported_ids` those of mails it carries or cites. `new_text` is what its writer wrote, without
    quotes. `message` and `raw` are the whole mail for whom that is not enough.
    """

    identity: str
    sender: str
    subject: str
    named_ids: tuple[str, ...]
    reported_ids: tuple[str, ...]
    new_text: str = field(repr=False)
    message: EmailMessage = field(repr=False)
    raw: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return read_header(self.message, name)

    def has(self, name: str) -> bool:
        return name in self.message


def parse_mail(raw: bytes) -> InboundMail:
    """Read RFC 5322 and MIME; what cannot be read is taken as empty. `RecursionError` when nested beyond all reason."""
    return _build(message_from_bytes(raw, policy=_POLICY), raw)


def parse_headers(raw: bytes) -> InboundMail:
    """The same from the headers alone, for a mail whose body cannot be read: who answers what still counts."""
    return _build(BytesHeaderParser(policy=_POLICY).parsebytes(raw), raw)


def _build(message: Message[Any, Any], raw: bytes) -> InboundMail:
    assert isinstance(message, EmailMessage)
    message_id = _first_id(read_header(message, "Message-ID"))
    answered = _ID.findall(read_header(message, "In-Reply-To"))
    thread = reversed(_ID.findall(read_header(message, "References")))
    return InboundMail(
        identity=message_id if 0 < len(message_id) <= _LONGEST_IDENTITY else hashlib.sha256(raw).hexdigest(),
        sender=read_address(read_header(message, "From")),
        subject=" ".join(read_header(message, "Subject").split()),
        named_ids=tuple(dict.fromkeys([*answered, *thread])),
        reported_ids=tuple(dict.fromkeys(_reported_ids(message))),
        new_text=find_new_text(*_bodies(message)),
        message=message,
        raw=raw,
    )


def read_header(message: Message[Any, Any], name: str) -> str:
    """The first header of that name as text on one line; empty when it is not there."""
    try:
        value = str(message.get(name, ""))
    except (LookupError, ValueError, AttributeError, TypeError, RecursionError):
        # the standard library's parser of structured headers breaks on some of what is out there
        value = next((str(text) for key, text in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(storable_text(value).split())


def read_address(value: str) -> str:
    """The address of a header, in lower case; empty when there is none."""
    # names hold commas and even addresses; what stands in the last angle brackets is meant
    found = _ANGLED.findall(value) or _BARE.findall(value)[:1]
    return normalize_for_search(str(found[-1])) if found else ""


def read_addresses(mail: InboundMail) -> list[str]:
    """Everybody that a mail is written to, in lower case, each once."""
    text = " ".join(mail.header(name) for name in ("To", "Cc", "Bcc"))
    return list(dict.fromkeys(normalize_for_search(found) for found in _BARE.findall(text)))


def walk_parts(message: EmailMessage) -> Iterator[tuple[str, Message[Any, Any]]]:
    """(content type, part) of every part, attached mails and their parts included."""
    for part in message.walk():
        yield part.get_content_type(), part


def read_text(part: Message[Any, Any]) -> str:
    """The decoded text of one part; letters that cannot be read are replaced."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = (part.get_content_charset() or "utf-8").lower()
    try:
        text = payload.decode("utf-8" if charset in _NO_CHARSETS else charset, errors="replace")
    except (LookupError, ValueError):
        text = payload.decode("utf-8", errors="replace")
    return storable_text(text)


def _bodies(message: EmailMessage) -> tuple[str, str]:
    """(plain text, HTML) of the mail itself, not of what it carries."""
    plain = html = ""
    for part in _own_parts(message):
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment":
            continue
        if kind == "text/plain" and not plain:
            plain = read_text(part)
        elif kind == "text/html" and not html:
            html = read_text(part)
    return plain, html


def list_children(part: Message[Any, Any]) -> list[Message[Any, Any]]:
    """The parts of a part; the groups of fields of a delivery report are such parts too."""
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _own_parts(message: Message[Any, Any]) -> Iterator[Message[Any, Any]]:
    if message.get_content_maintype() == "multipart":
        for part in list_children(message):
            yield from _own_parts(part)
    elif message.get_content_maintype() != "message":
        yield message


def _reported_ids(message: EmailMessage) -> Iterator[str]:
    for kind, part in walk_parts(message):
        if part is not message and (found := _first_id(read_header(part, "Message-ID"))):
            yield found
        if kind.startswith("text/") and kind != "text/html":
            yield from _NAMED_IN_TEXT.findall(read_text(part)[:_SCANNED_CHARACTERS])
        if kind == "message/delivery-status":
            for fields in list_children(part):
                yield from _ID.findall(read_header(fields, "X-Original-Message-ID"))


def _first_id(value: str) -> str:
    found = _ID.search(value)
    return found[0] if found else ""
