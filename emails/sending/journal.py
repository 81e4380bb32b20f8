"""What this process has marked and recorded in the last minute, to be found again in the ledger after a failover.

Held in memory, since the database is what may forget. Noted when a transaction commits; rolled back, it never was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from functools import partial

from django.db import transaction

from common.db import fetch_all

MARKED, ANSWERED, REQUEUED = "marked", "answered", "requeued"
_KEPT_SECONDS = 90.0
_MOST = 20_000
_FORGOTTEN = """
SELECT count(*) AS number
FROM unnest(%(ids)s::bigint[], %(answered)s::bool[]) AS j(id, is_answered)
LEFT JOIN emails_emailmessage m ON m.id = j.id
WHERE m.id IS NULL OR m.status IN ('queued', 'withheld') OR (j.is_answered AND m.status = 'sending')
"""

_lock = threading.Lock()
#: What became last of each message, and by the monotonic clock when.
_entries: dict[int, tuple[str, float]] = {}


def note(message_ids: Iterable[int], what: str) -> None:
    """Call it in the transaction that writes it: it counts from the commit on."""
    ids = list(message_ids)
    if ids:
        transaction.on_commit(partial(_add, ids, what))


def _add(message_ids: Iterable[int], what: str) -> None:
    now = time.monotonic()
    with _lock:
        for message_id in message_ids:
            # the newest at the end
            _entries.pop(message_id, None)
            _entries[message_id] = (what, now)
        while _entries:
            oldest = next(iter(_entries))
            if len(_entries) <= _MOST and now - _entries[oldest][1] <= _KEPT_SECONDS:
                break
            del _entries[oldest]


def count_forgotten() -> int:
    """How many of the noted messages the ledger has in an earlier state than this process has committed."""
    with _lock:
        entries = {pk: what for pk, (what, _) in _entries.items() if what != REQUEUED}
    if not entries:
        return 0
    number: int = fetch_all(
        _FORGOTTEN, {"ids": list(entries), "answered": [what == ANSWERED for what in entries.values()]}
    )[0]["number"]
    return number
