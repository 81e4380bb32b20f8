"""Types of command-line arguments: validate what a user writes and turn it into values. No error repeats a secret."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from common.addresses import AddressError, parse_address
from emails.choices import Security
from sequences.time.timing import FIRST_YEAR, LAST_YEAR, is_plannable

_LONGEST_DAYS = 3650
_LONGEST_NAME = 100
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {
    "smtp": {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25},
    "imap": {Security.STARTTLS: 143, Security.TLS: 993, Security.NONE: 143},
}


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A mail server as a URL names it. `password` None: the URL has none."""

    host: str
    port: int
    security: Security
    username: str
    password: str | None = field(repr=False)


def smtp_url(text: str) -> ServerAddress:
    """smtp://user:pass@host:port?tls=starttls|tls|none, or smtps:// for tls. Percent-encoded where needed (RFC 3986).

    Without `tls`: STARTTLS, or none for a server on this machine.
    """
    return _server_url(text, "smtp")


def imap_url(text: str) -> ServerAddress:
    """imap://… as `smtp_url`; imaps:// for tls."""
    return _server_url(text, "imap")


def _server_url(text: str, scheme: str) -> ServerAddress:
    takes = f"takes {scheme}://user:password@host:port?tls=starttls, tls or none; special characters percent-encoded"
    try:
        parts = urlsplit(text)
        port = parts.port
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise argparse.ArgumentTypeError(takes) from None
    if parts.scheme not in {scheme, f"{scheme}s"} or not parts.hostname or parts.path not in {"", "/"}:
        raise argparse.ArgumentTypeError(takes)
    if set(query) - {"tls"} or port == 0 or parts.fragment:
        raise argparse.ArgumentTypeError(takes)
    security = _read_security(parts, query.get("tls", [""])[-1], takes, scheme)
    return ServerAddress(
        host=parts.hostname,
        port=port or _PORTS[scheme][security],
        security=security,
        username=unquote(parts.username or ""),
        password=unquote(parts.password) if parts.password else None,
    )


def _read_security(parts: SplitResult, tls: str, takes: str, scheme: str) -> Security:
    if parts.scheme == f"{scheme}s":
        if tls not in {"", Security.TLS.value}:
            raise argparse.ArgumentTypeError(takes)
        return Security.TLS
    if not tls:
        return Security.NONE if parts.hostname in _LOOPBACK else Security.STARTTLS
    if tls not in {security.value for security in Security}:
        raise argparse.ArgumentTypeError(takes)
    return Security(tls)


def email_address(text: str) -> str:
    """An address in its stored form."""
    try:
        return parse_address(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def key_name(text: str) -> str:
    """The name of an API key."""
    if not 0 < len(text.strip()) <= _LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"takes 1 to {_LONGEST_NAME} characters")
    return text.strip()


def key_days(text: str) -> int | None:
    """For how many days an API key is valid; None is without an end."""
    if text == "never":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 0 < int(text) <= _LONGEST_DAYS):
        raise argparse.ArgumentTypeError(f"takes a number of days from 1 to {_LONGEST_DAYS}, or never, not {text!r}")
    return int(text)


def count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"takes a whole number, not {text!r}")
    return int(text)


def instant(text: str) -> datetime:
    """An ISO 8601 date or time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a time such as 2026-03-02T09:00:00Z, not {text!r}") from None
    if not is_plannable(found):
        raise argparse.ArgumentTypeError(f"takes a time of the years {FIRST_YEAR} to {LAST_YEAR}, not {text!r}")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def number_of_days(most: int) -> Callable[[str], int]:
    """A parser of whole numbers from 1 to `most`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"takes a number of days from 1 to {most}, not {text!r}")
        return int(text)

    return parse
