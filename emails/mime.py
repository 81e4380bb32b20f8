"""The bytes of an email: RFC 5322 headers and a multipart/alternative of text and HTML (RFC 2046). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime, formataddr

from emails.rendering import RenderedEmail

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
_POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=998)


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

    Raises `AddressError` for an address with control characters or letters that SMTP cannot carry before the @.
    """
    message = MIMEMultipart("alternative")
    message["Date"] = format_datetime(date)
    message["From"] = _address(from_name, from_address)
    message["To"] = _address(to_name, to_address)
    message["Subject"] = rendered.subject if rendered.subject.isascii() else Header(rendered.subject, "utf-8").encode()
    message["Message-ID"] = message_id
    for name, value in headers.items():
        message[name] = value
    message.attach(_part("plain", rendered.text))
    message.attach(_part("html", rendered.html))
    return message.as_bytes(policy=_POLICY)


def check_address(address: str) -> str:
    """The address with its domain in ASCII (RFC 5890). Raises `AddressError`."""
    local, _, domain = address.rpartition("@")
    if not local or not domain or _UNSAFE.search(address) or " " in address:
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
    clean = " ".join(_UNSAFE.sub(" ", name).split())
    return formataddr((clean, check_address(address)), "utf-8")


def _part(subtype: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(text, _UTF8)
    return part
