"""Where and how a mailbox's stored secrets are sent: never elsewhere than where they were given for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The endpoint, its port, the security of the connection, and what the secrets are used for.
_COLUMNS = (
    "transport", "auth_method", "smtp_host", "smtp_port", "smtp_security", "imap_host", "imap_port", "imap_security",
)  # fmt: skip
# Of `transport_options`: the endpoints that get an ESP key, an AWS signature or an OAuth refresh token, and TLS roots.
_OPTIONS = ("api_url", "endpoint_url", "token_url", "ca_pem")


def find_moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what differs. Columns of the mailbox by name; one that is missing `after` is as before."""
    columns = [name for name in _COLUMNS if name in after and after[name] != before[name]]
    if "transport_options" not in after:
        return columns
    old, new = before["transport_options"] or {}, after["transport_options"] or {}
    return columns + [name for name in _OPTIONS if (new.get(name) or "") != (old.get(name) or "")]


def ask_again(moved: str) -> str:
    """What to tell the user when `moved` (of `find_moved`) changes and no secret is given."""
    return f"Enter the password again (or the keys): {moved} changes, and the stored secrets are not sent elsewhere."
