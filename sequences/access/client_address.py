"""The address that a request came from, as limits count it and logs name it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from common.networks import Address, Network

_IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str:
    """That of the connection; behind `TRUSTED_PROXIES`, the one that the outermost of them names.

    `X-Forwarded-For` is read from its end, since everything before what a trusted proxy has added is the visitor's own
    text. Without trusted proxies it is not read at all.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return find_client(peer, forwarded, settings.TRUSTED_PROXIES)


def limited_address(request: HttpRequest) -> str:
    """What limits count: the address, or the network of it that one line of a provider has (IPv6: /64)."""
    text = client_address(request)
    address = _read(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address or text)


def find_client(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """`forwarded`: as the header lists them, the nearest last. A peer without an address is a local socket."""
    found = peer
    for text in reversed(forwarded):
        if not _is_proxy(found, proxies):
            break
        address = _read(text)
        if address is None:
            break
        found = str(address)
    return found


def _is_proxy(text: str, proxies: Sequence[Network]) -> bool:
    if not text:
        return bool(proxies)
    address = _read(text)
    return address is not None and any(address in network for network in proxies)


def _read(text: str) -> Address | None:
    """An address, with or without a port; None for what is none."""
    plain = text.strip()
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        try:
            address = ipaddress.ip_address(urlsplit(f"//{plain}").hostname or "")
        except ValueError:
            return None
    return getattr(address, "ipv4_mapped", None) or address
