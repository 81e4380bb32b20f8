"""One POST to an endpoint that a user chose: never into a private network, never following a redirect.

The host is resolved once, judged, and exactly that address is connected to, so that a name cannot point elsewhere
between the look and the call. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

TIMEOUT_SECONDS = 10.0
_READ_BYTES = 500
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
# Ways into an IPv4 network that no public receiver uses any more, or that have a meaning only inside a site.
_NEVER_CALLED = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "64:ff9b:1::/48",  # NAT64 of a site's own choice, RFC 8215
        "2002::/16",  # 6to4
        "2001::/32",  # Teredo
        "::/96",  # IPv4-compatible, RFC 4291
        "fec0::/10",  # site-local, RFC 3879
    )
)


class RefusedAddressError(ValueError):
    """The endpoint may not be called; one line that says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`status_code` None: no answer. `text` is the beginning of the answer, or what went wrong."""

    status_code: int | None
    text: str

    @property
    def is_accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def find_address(url: str, *, allow_private: bool) -> str:
    """The address that the URL's host stands for. Raises `RefusedAddressError`, also where it is unknown."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise RefusedAddressError("it is not an http or https address")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        raise RefusedAddressError(f"the host {parts.hostname} is not known") from None
    addresses = [str(each[4][0]) for each in found]
    if not allow_private and not all(map(_is_public, addresses)):
        raise RefusedAddressError(f"the host {parts.hostname} is in a private network, which is not called")
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None and any(address in network for network in _NEVER_CALLED):
            return False
        # what is sent to ::ffff:127.0.0.1 or, through a gateway, to 64:ff9b::127.0.0.1 ends at 127.0.0.1
        if address.ipv4_mapped is not None or address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.is_global and not address.is_multicast


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Answer:
    """POST within ten seconds. Every failure is an `Answer` too."""
    try:
        # in ASCII, whatever script its host and path are written in
        parts = urlsplit(parse_url(url).url)
        address = find_address(parts.geturl(), allow_private=allow_private)
    except (RefusedAddressError, LocationParseError) as error:
        return Answer(None, str(error))
    host = parts.hostname or ""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _open(address, host, parts.scheme == "https", parts.port)
    # the timeout of a socket is that of one read: a server that sends a byte now and then would never reach it
    watch = threading.Timer(TIMEOUT_SECONDS, _hang_up, [connection])
    watch.start()
    try:
        netloc = parts.netloc.rpartition("@")[2]
        connection.request("POST", target, body=body, headers={**headers, "Host": netloc}, preload_content=False)
        answer = connection.getresponse()
        text = answer.read(_READ_BYTES).decode("utf-8", "replace")
    except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        # a ValueError: the certificate is another host's
        return Answer(None, f"{type(error).__name__}: no answer")
    finally:
        watch.cancel()
        connection.close()
    return Answer(answer.status, text)


def _open(address: str, host: str, is_tls: bool, port: int | None) -> HTTPConnection:
    if not is_tls:
        return HTTPConnection(address, port or 80, timeout=TIMEOUT_SECONDS)
    return HTTPSConnection(
        address,
        port or 443,
        timeout=TIMEOUT_SECONDS,
        server_hostname=host,
        assert_hostname=host,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )


def _hang_up(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            # of the plain socket: shutting TLS down would free the session while it is being read
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
