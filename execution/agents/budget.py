"""How many rows an API key may change by tools on one day (UTC). Exact under any number of processes."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from common.db import fetch_all
from execution.models import AgentDay

# One row for a key and day; refused when the day would hold more than it may.
_SPEND = """
INSERT INTO execution_agentday AS d (key_id, day, changes)
SELECT %(key)s, %(day)s, %(changes)s WHERE %(changes)s <= %(most)s
ON CONFLICT (key_id, day) DO UPDATE SET changes = d.changes + excluded.changes
WHERE d.changes + excluded.changes <= %(most)s
RETURNING changes
"""


def spend(key_id: int, changes: int, now: datetime) -> bool:
    """Whether the day still had room for them; they are counted then."""
    given = {"key": key_id, "day": now.date(), "changes": changes, "most": settings.AGENT_DAILY_CHANGES}
    return bool(fetch_all(_SPEND, given))


def count_left(key_id: int, now: datetime) -> int:
    """What may still be changed today."""
    used = AgentDay.objects.filter(key_id=key_id, day=now.date()).values_list("changes", flat=True).first() or 0
    return max(int(settings.AGENT_DAILY_CHANGES) - used, 0)
