"""Which IP addresses a host that a member names may have. Pure: no DNS, no connection, no settings.

Sources: IANA's special-purpose registries (RFC 6890), RFC 3056, 4291, 4380, 6052, and the clouds' metadata services.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EVERYWHERE: tuple[Network, ...] = (ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0"))

# They hand out the credentials of the machine to every process that can send a request from it.
METADATA: frozenset[Address] = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, DigitalOcean, OpenStack
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
        "169.254.170.2",  # AWS, of containers
        "169.254.170.23",  # AWS, of pods
        "fd00:ec2::23",  # AWS, of pods
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, although in a public range
        "192.0.0.192",  # Oracle
    )
)
# Not public, whatever the registry in this version of Python says.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "198.18.0.0/15",
        "240.0.0.0/4",
        "2001::/23",  # Teredo among others
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation, RFC 9637
    )
)
# All other IPv6 addresses are local, translated or not given out.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_LAST_32_BITS = (
    _NAT64,
    ipaddress.IPv6Network("::ffff:0:0/96"),
    ipaddress.IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # NAT64 of a site's own choice, RFC 8215
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
)


def is_reachable(text: str, allowed: Sequence[Network]) -> bool:
    """Whether a member's host may have this address: a public one, or one of an allowed network.

    An IPv6 address that stands for an IPv4 address (mapped, NAT64) is taken for that one. The address of a metadata
    service is refused unless it is listed by itself (`169.254.169.254/32`).
    """
    address = _without_scope(ipaddress.ip_address(text))
    meant = _meant(address)
    named = {str(network.network_address) for network in allowed if network.num_addresses == 1}
    if any(each in METADATA and str(each) not in named for each in (address, meant, *_carried(address))):
        return False
    if _is_in(meant, allowed) or _is_in(address, allowed):
        return True
    if isinstance(meant, ipaddress.IPv6Address) and meant not in _GLOBAL_UNICAST:
        return False
    return meant.is_global and not meant.is_multicast and not _is_in(meant, _NOT_PUBLIC)


def _without_scope(address: Address) -> Address:
    return ipaddress.IPv6Address(int(address)) if isinstance(address, ipaddress.IPv6Address) else address


def _meant(address: Address) -> Address:
    """What is sent to ::ffff:127.0.0.1 or, through a gateway, to 64:ff9b::127.0.0.1 ends at 127.0.0.1."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or (_last_32_bits(address) if address in _NAT64 else address)


def _carried(address: Address) -> list[Address]:
    """IPv4 addresses that a gateway may send to when it is given this IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address] = [address.sixtofour] if address.sixtofour else []
    found += address.teredo or ()
    return found + ([_last_32_bits(address)] if _is_in(address, _LAST_32_BITS) else [])


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
