"""From the bytes of an incoming mail to what the classifier needs. Pure; never raises, whatever the bytes are.

Owns the budgets of reading: bytes, parts, nesting, length of a header. Must not decide what a mail means: `classify`
does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice
from typing import TYPE_CHECKING, Any

from common.addresses import normalize_for_search
from common.text import storable_text
from emails.inbound.body import read_bodies, split_body

# Headers, text and reports come first; what is cut off is an attachment.
MOST_BYTES = 256 * 1024
MOST_PARTS = 500
MOST_NESTED = 100
_ID = re.compile(r"<[^<>\s]{1,998}>")
_ANGLED = re.compile(r"<\s*([^<>@\s]{1,128}@[^<>@\s]{1,255})\s*>")
_BARE = re.compile(r"(?<![^<>@\s,;:\"'()])[^<>@\s,;:\"'()]{1,128}@[^<>@\s,;:\"'()]{1,255}")
_NAMED_IN_TEXT = re.compile(r"^[> \t]*(?:X-Original-)?Message-ID:\s*(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_CONTAINER = re.compile(rb"^content-type:[ \t]*(?:\r?\n[ \t]+)?(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_MBOX_LINE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:From \S+ [^\r\n]*\r?\n)?(?:\xef\xbb\xbf)?")
_LONGEST_IDENTITY = 150
_SCANNED_CHARACTERS = 50_000
# A header of 100 kB decodes in quadratic time; its start and its end say enough.
_LONGEST_HEADER = 4_000
# Codecs of Python that are no charset of any mail: they refuse bytes they do not like, or take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
if TYPE_CHECKING:
    AnyMessage = Message[Any, Any]
else:
    # only the stubs make it generic
    AnyMessage = Message

_KNOWN_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "Received", "Return-Path", "Sender")


@dataclass(frozen=True, slots=True)
class InboundMail:
    """One incoming mail.

    `identity` is the same whenever and from wherever the mail is read. `named_ids` are the Message-IDs it answers,
    nearest first; `reported_ids` those of mails it carries or cites. `new_text` is what its writer wrote,
    `quoted_text` the rest of the body. `limits` says in words which budgets cut the reading short; `error` is why the
    mail cannot be read as a mail at all, or empty. `message` and `raw` are the whole mail for further questions.
    """

    identity: str
    sender: str
    subject: str
    named_ids: tuple[str, ...]
    reported_ids: tuple[str, ...]
    new_text: str = field(repr=False)
    quoted_text: str = field(repr=False)
    message: AnyMessage = field(repr=False)
    raw: bytes = field(repr=False)
    limits: tuple[str, ...] = ()
    error: str = ""

    def header(self, name: str) -> str:
        return read_header(self.message, name)

    def has(self, name: str) -> bool:
        return name in self.message


def parse_mail(raw: bytes) -> InboundMail:
    """Read RFC 5322 and MIME; what cannot be read is taken as empty, what is beyond a budget is left out."""
    limits: list[str] = []
    kept = _MBOX_LINE.sub(b"", raw[:MOST_BYTES], count=1)
    if len(raw) > MOST_BYTES:
        limits.append(f"only the first {MOST_BYTES // 1024} kB were read")
    deepest = next(islice(_CONTAINER.finditer(kept), MOST_NESTED, None), None)
    if deepest is not None:
        kept = kept[: deepest.start()]
        limits.append(f"only the first {MOST_NESTED} nested or multipart parts were read")
    message = message_from_bytes(kept)
    if next(islice(message.walk(), MOST_PARTS, None), None) is not None:
        limits.append(f"only the first {MOST_PARTS} parts were read")
    return _build(message, raw, tuple(limits))


def parse_headers(raw: bytes) -> InboundMail:
    """The same from the headers alone, for a mail whose body cannot be read: which message it answers still counts."""
    kept = _MBOX_LINE.sub(b"", raw[:MOST_BYTES], count=1)
    return _build(BytesHeaderParser().parsebytes(kept), raw, ("only its headers could be read",))


def _build(message: AnyMessage, raw: bytes, limits: tuple[str, ...]) -> InboundMail:
    message_id = _first_id(read_header(message, "Message-ID"))
    answered = _ID.findall(read_header(message, "In-Reply-To"))
    thread = reversed(_ID.findall(read_header(message, "References")))
    new_text, quoted_text = split_body(*read_bodies(own_parts(message), read_text))
    return InboundMail(
        identity=message_id if 0 < len(message_id) <= _LONGEST_IDENTITY else hashlib.sha256(raw).hexdigest(),
        sender=read_address(read_header(message, "From")),
        subject=read_header(message, "Subject"),
        named_ids=tuple(dict.fromkeys([*answered, *thread])),
        reported_ids=tuple(dict.fromkeys(_reported_ids(message))),
        new_text=new_text,
        quoted_text=quoted_text,
        message=message,
        raw=raw,
        limits=limits,
        error="" if any(name in message for name in _KNOWN_HEADERS) else "it has no headers of a mail",
    )


def read_header(message: AnyMessage, name: str) -> str:
    """The first header of that name as text on one line; empty when it is not there."""
    wanted = name.lower()
    value = next((str(text) for key, text in message.raw_items() if key.lower() == wanted), "")
    return decode_text(value)


def read_headers(message: AnyMessage, name: str) -> list[str]:
    """All headers of that name, topmost first."""
    wanted = name.lower()
    return [decode_text(str(text)) for key, text in message.raw_items() if key.lower() == wanted]


def decode_text(value: str) -> str:
    """A header's value as text on one line: unfolded, encoded words (RFC 2047) and raw 8-bit text decoded."""
    if len(value) > _LONGEST_HEADER:
        half = _LONGEST_HEADER // 2
        value = f"{value[:half]} {value[-half:]}"
    if "=?" in value:
        value = _decode_words(value)
    return " ".join(storable_text(_decode_surrogates(value)).split())


def _decode_words(value: str) -> str:
    try:
        pairs = decode_header("".join(value.splitlines()))
    except (HeaderParseError, ValueError):
        # a damaged encoded word
        return value
    return "".join(
        text if isinstance(text, str) else decode_bytes(text, charset or "utf-8", escaped=charset is None)
        for text, charset in pairs
    )


def _decode_surrogates(value: str) -> str:
    """The parser keeps bytes that are not ASCII as surrogates (PEP 383)."""
    if value.isascii():
        return value
    try:
        return decode_bytes(value.encode("utf-8", "surrogateescape"), "utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8", "replace")


def decode_bytes(payload: bytes, charset: str, *, escaped: bool = False) -> str:
    """Text of `charset`; if the bytes are not that, of the next likely one. What cannot be read is replaced."""
    if escaped:
        payload = payload.decode("raw_unicode_escape", "replace").encode("utf-8", "replace")
    charset = charset.lower().strip()
    candidates = ["utf-8" if charset in _NO_CHARSETS or charset in {"us-ascii", "ascii"} else charset, "utf-8"]
    if b"\x1b$" in payload:
        candidates.insert(0, "iso-2022-jp")
    for candidate in [*candidates, "cp1252"]:
        try:
            return payload.decode(candidate)
        except (LookupError, ValueError):
            # not that charset, or none that Python knows
            continue
    return payload.decode("utf-8", "replace")


def read_address(value: str) -> str:
    """The address of a header, in lower case; empty when there is none."""
    # names hold commas and even addresses; what stands in the last angle brackets is meant
    found = _ANGLED.findall(value) or _BARE.findall(value)[:1]
    return normalize_for_search(str(found[-1])) if found else ""


def find_addresses(text: str) -> list[str]:
    """All addresses in a text, in lower case, each once, in their order."""
    return list(dict.fromkeys(normalize_for_search(found.strip(".[]{}|!?*")) for found in _BARE.findall(text)))


def read_addresses(mail: InboundMail) -> list[str]:
    """All recipients of a mail, in lower case, each once."""
    return find_addresses(" ".join(mail.header(name) for name in ("To", "Cc", "Bcc")))


def walk_parts(message: AnyMessage) -> Iterator[tuple[str, AnyMessage]]:
    """(content type, part) of every part, attached mails and their parts included, up to the budget."""
    for part in islice(message.walk(), MOST_PARTS):
        yield part.get_content_type(), part


def read_text(part: AnyMessage) -> str:
    """The decoded text of one part; characters that cannot be read are replaced."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return storable_text(decode_bytes(payload, _charset(part)))


def _charset(part: AnyMessage) -> str:
    try:
        return str(part.get_content_charset() or "utf-8")
    except (LookupError, ValueError, TypeError, AttributeError):
        # a damaged parameter
        return "utf-8"


def list_children(part: AnyMessage) -> list[AnyMessage]:
    """The parts of a part; the groups of fields of a delivery report are such parts too."""
    payload = part.get_payload()
    return [child for child in payload[:MOST_PARTS] if isinstance(child, Message)] if isinstance(payload, list) else []


def own_parts(message: AnyMessage) -> Iterator[AnyMessage]:
    """The leaves of the mail itself, without those of mails that it carries, up to the budget."""
    yield from islice(_own_parts(message), MOST_PARTS)


def _own_parts(message: AnyMessage) -> Iterator[AnyMessage]:
    if message.get_content_maintype() == "multipart":
        for part in list_children(message):
            yield from _own_parts(part)
    elif message.get_content_maintype() != "message":
        yield message


def _reported_ids(message: AnyMessage) -> Iterator[str]:
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
