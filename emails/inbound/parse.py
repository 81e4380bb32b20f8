"""From the bytes of an incoming mail to what the classifier needs. Pure; whatever a stranger writes, it never raises.

Must not judge: what a mail means is said by `classify`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any

from emails.inbound.new_text import find_new_text

_ID = re.compile(r"<[^<>\s]+>")
_ANGLED = re.compile(r"<\s*([^<>@\s]+@[^<>@\s]+)\s*>")
_BARE = re.compile(r"[^<>@\s,;:\"'()]+@[^<>@\s,;:\"'()]+")
_NAMED_IN_TEXT = re.compile(r"^[>\s]*(?:X-Original-)?Message-ID:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
_LONGEST_IDENTITY = 150
_SCANNED_CHARACTERS = 50_000


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
    """Read RFC 5322 and MIME; what cannot be read is taken as empty."""
    message = message_from_bytes(raw, policy=policy.default)
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
    """The first header of that name as text on one line; empty when it is not there or cannot be read."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (LookupError, ValueError, AttributeError, TypeError):
        # the standard library's parser of structured headers breaks on some of what is out there
        return ""


def read_address(value: str) -> str:
    """The address of a header, in lower case; empty when there is none."""
    # names hold commas and even addresses; what stands in the last angle brackets is meant
    found = _ANGLED.findall(value) or _BARE.findall(value)[:1]
    return str(found[-1]).lower() if found else ""


def walk_parts(message: EmailMessage) -> Iterator[tuple[str, Message[Any, Any]]]:
    """(content type, part) of every part, attached mails and their parts included."""
    for part in message.walk():
        yield part.get_content_type(), part


def read_text(part: Message[Any, Any]) -> str:
    """The decoded text of one part; letters that cannot be read are replaced."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return payload.decode(charset, errors="replace")
    except LookupError:
        return payload.decode("utf-8", errors="replace")


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
