"""Whether the hosts that a mailbox names may be connected to, for the user who saves it. Connects to nothing.

A name that is not known, or not yet, is no error: every connection is checked again when it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from common.deadlines import Deadline
from common.dialler import RefusedHostError, UnknownHostError, members_dialler
from emails.choices import Inbound, Transport

_SECONDS = 3.0
_URL_OPTIONS = ("api_url", "endpoint_url", "token_url")
_NO_URL = "it is not an http or https address"


@dataclass(frozen=True, slots=True)
class RefusedEndpoint:
    """`field`: a column of the mailbox. `text`: one line."""

    field: str
    text: str


def find_refused_endpoint(values: Mapping[str, Any]) -> RefusedEndpoint | None:
    """The first host that may not be connected to. `values`: the mailbox's columns by name.

    All look-ups together take three seconds at most.
    """
    deadline = Deadline(_SECONDS)
    try:
        for field, host, port in _list_hosts(values):
            try:
                members_dialler().check(host, port, deadline)
            except RefusedHostError as error:
                return RefusedEndpoint(field, str(error))
            except UnknownHostError:
                continue
        for name in _URL_OPTIONS:
            _refuse_user(name, str((values.get("transport_options") or {}).get(name) or ""))
    except TimeoutError:
        return None
    except ValueError as error:
        return RefusedEndpoint("transport_options", str(error))
    return None


def _list_hosts(values: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """(column, host, port) of all that is connected to. Raises ValueError for an option that is no URL."""
    if values.get("transport") == Transport.SMTP and values.get("smtp_host"):
        yield "smtp_host", values["smtp_host"], values.get("smtp_port") or 25
    if values.get("inbound") == Inbound.IMAP and values.get("imap_host"):
        yield "imap_host", values["imap_host"], values.get("imap_port") or 993
    options = values.get("transport_options") or {}
    for name in _URL_OPTIONS:
        if url := options.get(name):
            yield "transport_options", *_split_url(name, str(url))


def _refuse_user(name: str, url: str) -> None:
    """Options are shown to every member. Raises ValueError."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError(f"{name}: it has a user name or password: give secrets as credentials")


def _split_url(name: str, url: str) -> tuple[str, int]:
    """As requests would call it: in ASCII, whatever it is written in."""
    try:
        parts = urlsplit(requests.Request("POST", url).prepare().url or "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except (requests.RequestException, ValueError):
        raise ValueError(f"{name}: {_NO_URL}") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"{name}: {_NO_URL}")
    return parts.hostname, port
