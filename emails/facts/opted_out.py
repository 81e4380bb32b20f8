"""Contacts that an imported file says must not be mailed become suppressions, in the transaction of the import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from emails.choices import SuppressionReason
from emails.facts.suppressions import Entry, suppress_entries
from sequences.contacts.csv_import import OptedOut

_BATCH = 1_000


def suppress_opted_out(workspace_id: int, opted_out: Sequence[OptedOut], actor: str, now: datetime) -> int:
    """Returns how many are new; what is on the list already keeps its reason."""
    entries = [
        Entry(each.email.lower(), "", SuppressionReason(each.opt_out.kind.value), f"imported: {each.opt_out.said}")
        for each in opted_out
    ]
    return sum(
        suppress_entries(workspace_id, entries[start : start + _BATCH], actor=actor, now=now).added
        for start in range(0, len(entries), _BATCH)
    )
