"""Delete what nobody needs any more, in batches, so that tables keep their size: logs of the ended, settled alerts.

What was sent, to whom and what they answered is never deleted here: the caps, the stop rules and the timeline read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from common.db import execute, fetch_all

_BATCH = 5_000
_OLD: Mapping[str, str] = {
    "execution_executionlog": """
        SELECT l.id FROM execution_executionlog l JOIN sequences_enrollment e ON e.id = l.enrollment_id
        WHERE l.at < %(before)s AND e.status IN ('completed', 'replied', 'auto_exited') AND e.completed_at < %(before)s
    """,
    "execution_deadletter": "SELECT id FROM execution_deadletter WHERE resolved_at < %(before)s",
    "execution_alert": "SELECT id FROM execution_alert WHERE cleared_at < %(before)s",
    "execution_webhookdelivery": (
        "SELECT id FROM execution_webhookdelivery WHERE created_at < %(before)s AND state <> 'pending'"
    ),
    "emails_hookrecord": "SELECT id FROM emails_hookrecord WHERE received_at < %(before)s",
}


def count_old(before: datetime) -> dict[str, int]:
    """By table, how many rows would go."""
    return {
        table: fetch_all(f"SELECT count(*) AS number FROM ({old}) o", {"before": before})[0]["number"]
        for table, old in _OLD.items()
    }


def prune(before: datetime, report: Callable[[int], None] = lambda rows: None) -> dict[str, int]:
    """Delete what is older. Each batch is kept by itself, so it can be stopped at any time. Returns rows by table."""
    gone = dict.fromkeys(_OLD, 0)
    for table, old in _OLD.items():
        while True:
            params = {"before": before, "batch": _BATCH}
            number = execute(f"DELETE FROM {table} WHERE id IN ({old} LIMIT %(batch)s)", params)
            gone[table] += number
            report(number)
            if number < _BATCH:
                break
    return gone
