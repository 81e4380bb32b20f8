"""Where a mailbox's stored secrets are sent: never to another place than the one they were given for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SERVERS = ("smtp_host", "imap_host")
# of `transport_options`: where an ESP's key, an AWS signature and an OAuth refresh token go
_ADDRESSES = ("api_url", "endpoint_url", "token_url")


def find_moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the places that differ. Columns of the mailbox by name; one that is missing `after` is as before."""
    servers = [name for name in _SERVERS if name in after and after[name] != before[name]]
    if "transport_options" not in after:
        return servers
    old, new = before["transport_options"] or {}, after["transport_options"] or {}
    return servers + [name for name in _ADDRESSES if (new.get(name) or "") != (old.get(name) or "")]
