"""The order of the feed after a dump was restored into another server, which counts transactions from the start.

The feed shows what was stored by transactions that have ended. Rows of the dump name those of the old server, and would
stay hidden until the new one has counted as far. They come first instead, by their ids.
"""

from __future__ import annotations

from django.apps import apps
from django.db import transaction

from common.db import execute, fetch_all

_BATCH = 20_000
_BOUNDS = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next, coalesce(min(id), 0) AS first,
       coalesce(max(id), -1) AS last
FROM {table}
"""
_FORGET = """
UPDATE {table} SET stored_in = NULL
WHERE id BETWEEN %(first)s AND %(last)s AND stored_in >= %(next)s
"""


def list_tables() -> list[str]:
    """Those whose rows name the transaction that stored them."""
    models = apps.get_models()
    return sorted(m._meta.db_table for m in models if any(field.name == "stored_in" for field in m._meta.fields))


def forget_other_transactions() -> int:
    """Let go of transactions that this server has not had. Returns of how many rows.

    In batches that commit by themselves; a row that is stored while this runs keeps its own.
    """
    changed = 0
    for table in list_tables():
        bounds = fetch_all(_BOUNDS.format(table=table), {})[0]
        for first in range(bounds["first"], bounds["last"] + 1, _BATCH):
            last = min(first + _BATCH - 1, bounds["last"])
            with transaction.atomic():
                changed += execute(_FORGET.format(table=table), {"first": first, "last": last, "next": bounds["next"]})
    return changed
