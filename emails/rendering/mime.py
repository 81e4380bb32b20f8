"""The bytes of an email: RFC 5322 headers and a multipart/alternative of text and HTML (RFC 2046). Pure."""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from common.addresses import AddressError, is_address
from emails.rendering.render import RenderedEmail

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME = 200
# RFC 5322 section 2.1.1; RFC 2047 section 2 for lines with encoded words
_LINE, _ENCODED_LINE, _LONGEST_LINE = 78, 76, 998
# "=_" never occurs in quoted-printable text (RFC 2045 section 6.7), so no body can hold the boundary.
_BOUNDARY = "=_alternative"


def build_mime(
    *,
    rendered: RenderedEmail,
    from_name: str,
    from_address: str,
    to_name: str,
    to_address: str,
    message_id: str,
    date: datetime,
    headers: Mapping[str, str],
) -> bytes:
    """The complete message with CRLF line ends. `headers` are those beyond the usual ones.

    Raises `AddressError` for an address that cannot stand in a header, `ValueError` for a header that would become two.
    """
    for name, value in (("Subject", rendered.subject), ("Message-ID", message_id), *headers.items()):
        if _UNSAFE.search(value):
            raise ValueError(f"the header {name} has a line break or a control character: {value!r}")
    lines = {
        "Content-Type": f'multipart/alternative; boundary="{_BOUNDARY}"',
        "MIME-Version": "1.0",
        "Date": format_datetime(date),
        "From": _address("From", from_name, from_address),
        "To": _address("To", to_name, to_address),
        "Subject": _encode("Subject", rendered.subject),
        "Message-ID": _encode("Message-ID", message_id),
        **{name: _encode(name, value) for name, value in headers.items()},
    }
    boundary = _BOUNDARY.encode("ascii")
    return b"".join(
        [
            *(_line(name, value) for name, value in lines.items()),
            b"\r\n--%b\r\n" % boundary,
            _part("plain", rendered.text),
            b"\r\n--%b\r\n" % boundary,
            _part("html", rendered.html),
            b"\r\n--%b--\r\n" % boundary,
        ]
    )


def check_address(address: str) -> str:
    """The address unchanged. Raises `AddressError` for one that is not in the form in which addresses are stored."""
    if not is_address(address):
        raise AddressError(f"{address!r} is not an email address in its stored form: correct it")
    return address


def _address(header: str, name: str, address: str) -> str:
    clean = " ".join(_UNSAFE.sub(" ", name).split())[:_LONGEST_NAME]
    checked = check_address(address)
    return f"{_encode(header, clean)} <{checked}>" if _needs_encoding(clean) else formataddr((clean, checked))


def _needs_encoding(text: str) -> bool:
    return not text.isascii() or "=?" in text


def _encode(header: str, text: str) -> str:
    """As encoded words that fit on the header's lines where it is not ASCII (RFC 2047 section 2)."""
    if not _needs_encoding(text):
        return text
    return Header(text, "utf-8", header_name=header, maxlinelen=_ENCODED_LINE).encode(linesep="").strip()


def _line(name: str, value: str) -> bytes:
    """The header, folded at blanks (RFC 5322 section 2.2.3). A word that is longer than a line stands by itself.

    Raises `ValueError` for a word that no line can hold.
    """
    limit = _ENCODED_LINE if "=?" in value else _LINE
    first, *words = value.split(" ")
    lines = [f"{name}: {first}"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= limit:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    if max(map(len, lines)) > _LONGEST_LINE:
        raise ValueError(f"the header {name} has a word of more than {_LONGEST_LINE} characters: shorten it")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _part(subtype: str, text: str) -> bytes:
    """In quoted-printable, with the line ends of the network (RFC 2045 section 6.7)."""
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return head.encode("ascii") + b2a_qp(lines.encode(), istext=True)
