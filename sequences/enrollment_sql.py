"""SQL about enrollments that many rooms share: which are live, how to lock them, how to wake them. Moves none.

Every transaction that changes more than one enrollment locks them in the order of their ids, so that two of them
cannot wait for each other. Waking sets `wake_at` and nothing else: the engine then decides with the facts stored by
the same transaction. It leaves ended enrollments alone, which may have no `wake_at`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.db import execute, fetch_all
from sequences.choices import LIVE_STATUSES

#: The right side of `status IN …`: not ended. The partial indexes on enrollments are built on the same list.
LIVE = "({})".format(", ".join(f"'{status.value}'" for status in LIVE_STATUSES))

_BY_ID = "e.id = ANY(%(ids)s::bigint[])"


def locking(where: str, columns: str = "e.id", limit: str = "") -> str:
    """A SELECT that locks the enrollments (`e`) which `where` names, in id order. `limit` is a LIMIT clause.

    For a statement of its own or inside a CTE. The columns are those of the newest version of each row.
    """
    return f"SELECT {columns} FROM sequences_enrollment e WHERE {where} ORDER BY e.id {limit} FOR NO KEY UPDATE OF e"


def lock_where(where: str, params: Mapping[str, Any]) -> list[int]:
    """Lock the enrollments (`e`) which `where` names until the transaction ends. Returns their ids, in order."""
    return [row["id"] for row in fetch_all(locking(where), params)]


def lock_enrollments(ids: Sequence[int]) -> None:
    """Lock these enrollments in id order until the transaction ends."""
    if ids:
        lock_where(_BY_ID, {"ids": list(ids)})


def wake_where(where: str, params: Mapping[str, Any], now: datetime) -> int:
    """Lock the live enrollments (`e`) which `where` names and let the engine look at them. Returns how many."""
    return execute(
        f"UPDATE sequences_enrollment SET wake_at = %(now)s WHERE id IN ({locking(f'{where} AND e.status IN {LIVE}')})",
        {**params, "now": now},
    )


def wake_enrollments(ids: Sequence[int], now: datetime) -> int:
    """Lock those of these enrollments that are live and let the engine look at them. Returns how many."""
    return wake_where(_BY_ID, {"ids": list(ids)}, now) if ids else 0


_COUNT_SENT = f"""
UPDATE sequences_enrollment e
SET emails_sent = e.emails_sent + r.sent, updated_at = %(now)s,
    wake_at = CASE WHEN e.status IN {LIVE} THEN %(now)s::timestamptz ELSE e.wake_at END
FROM unnest(%(ids)s::bigint[], %(sent)s::int[]) AS r(id, sent)
WHERE e.id = r.id
"""


def count_sent(sent: Mapping[int, int], now: datetime) -> None:
    """Add the emails sent (by enrollment id) to their enrollments and wake the live ones. The caller holds the locks.

    An ended enrollment is counted too. A count of 0 only wakes.
    """
    if sent:
        execute(_COUNT_SENT, {"ids": list(sent), "sent": list(sent.values()), "now": now})
