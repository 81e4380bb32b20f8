"""The id of the transaction that stored a row, and the horizon below which every transaction has ended.

Ids of rows are given out before their transactions commit, so that a reader who goes by them misses what commits late.
Transactions below `HORIZON` have committed or never will: nothing is added there any more
(https://www.postgresql.org/docs/current/functions-info.html, pg_snapshot_xmin). Ids have 64 bits and do not wrap.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Func

CURRENT = "(pg_current_xact_id()::text::bigint)"
HORIZON = "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
#: Null in a transaction that has written nothing.
OWN = "(pg_current_xact_id_if_assigned()::text::bigint)"


class CurrentTransactionId(Func):
    """The default of a column that holds the transaction which stored the row."""

    template = CURRENT
    output_field: Any = BigIntegerField()

    def __init__(self) -> None:
        super().__init__()
