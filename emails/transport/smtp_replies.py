"""Reads what SMTP servers answer in words, and names what went wrong in one line. Pure."""

from __future__ import annotations

import re
import smtplib
import ssl

_PROVIDER_ID = (
    re.compile(r"queued as <?([^\s<>]+)", re.IGNORECASE),
    re.compile(r"<([^\s<>]+@[^\s<>]+)>"),
    re.compile(r"^(?:\d\.\d\.\d )?ok:? ([\w.@-]{16,})$", re.IGNORECASE),
)


def read_provider_id(response: str) -> str:
    """The id a server gave the message in its last answer ("queued as 4F1A", an own Message-ID), or nothing."""
    for pattern in _PROVIDER_ID:
        if found := pattern.search(response):
            return found[1][:255]
    return ""


def as_bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode()


def describe(error: OSError | smtplib.SMTPException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or 'handshake broken off'}"
        case TimeoutError():
            return "no answer in time"
        case smtplib.SMTPResponseException():
            return f"{error.smtp_code} {as_bytes(error.smtp_error).decode(errors='replace')}"
        case smtplib.SMTPException():
            return str(error)
        case _:
            return error.strerror or str(error) or type(error).__name__
