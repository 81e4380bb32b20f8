"""The bytes of an email: RFC 5322 headers and a multipart/alternative of text and HTML (RFC 2046). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import Compat32
from email.utils import format_datetime, formataddr

from emails.rendering import RenderedEmail

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f()<>,;:\\\"\[\]]")
_LONGEST_NAME = 200
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
_LONGEST_LINE = 998
# "=_" never occurs in quoted-printable text (RFC 2045 section 6.7), so no body can hold the boundary.
_BOUNDARY = "=_alternative"


class _Policy(Compat32):
    """Writes a header that is ready as it is: folding it again costs as much as all the rest."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if len(name) + len(value) + 2 <= _LONGEST_LINE and value.isascii():
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n", max_line_length=_LONGEST_LINE)


class AddressError(ValueError):
    """An address that cannot stand in a header."""


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
    message = MIMEMultipart("alternative", boundary=_BOUNDARY)
    message["Date"] = format_datetime(date)
    message["From"] = _address(from_name, from_address)
    message["To"] = _address(to_name, to_address)
    values = {"Subject": rendered.subject, "Message-ID": message_id, **headers}
    for name, value in values.items():
        if _UNSAFE.search(value):
            raise ValueError(f"the header {name} has a line break or a control character: {value!r}")
        message[name] = _encode(value)
    message.attach(_part("plain", rendered.text))
    message.attach(_part("html", rendered.html))
    return message.as_bytes(policy=_POLICY)


def check_address(address: str) -> str:
    """The address with its domain in ASCII (RFC 5890). Raises `AddressError`."""
    local, _, domain = address.rpartition("@")
    if not local or not domain or "@" in local or _UNSAFE_IN_ADDRESS.search(address):
        raise AddressError(f"{address!r} is not an email address: correct it")
    if not local.isascii():
        raise AddressError(f"{address!r} has letters before the @ that mail servers do not take: correct it")
    if domain.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise AddressError(f"{address!r} has a domain that does not exist: correct it") from None


def _address(name: str, address: str) -> str:
    clean = " ".join(_UNSAFE.sub(" ", name).split())[:_LONGEST_NAME]
    checked = check_address(address)
    return f"{_encode(clean)} <{checked}>" if _needs_encoding(clean) else formataddr((clean, checked))


def _needs_encoding(text: str) -> bool:
    return not text.isascii() or "=?" in text


def _encode(text: str) -> str:
    """As encoded words of at most 75 characters where it is not ASCII (RFC 2047 section 2)."""
    return Header(text, "utf-8", maxlinelen=75).encode(linesep="").strip() if _needs_encoding(text) else text


def _part(subtype: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(text, _UTF8)
    return part
