"""Notifies the engine of changes by users and events before its next poll, through PostgreSQL's NOTIFY.

Never called per row of a batch: NOTIFY takes a lock of the whole database at commit.
"""

from __future__ import annotations

from common.db import execute

CHANNEL = "sequence_executor"


def notify_engine() -> None:
    """Wake every engine once the surrounding transaction commits."""
    execute("SELECT pg_notify(%(channel)s, '')", {"channel": CHANNEL})
