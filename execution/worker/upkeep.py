"""What time alone brings about: leases, visits, suppressions, scores and tasks whose moment has come."""

from __future__ import annotations

from datetime import datetime

from emails.facts.scores import refresh_scores
from emails.facts.suppressions import expire_suppressions
from emails.sending.recovery import recover_expired
from emails.tracking.reclassify import classify_pending_visits
from execution.control.tasks import note_due_tasks


def keep_up(now: datetime) -> bool:
    """One round, of a bounded number of rows. Whether enrollments became due by it."""
    woken = recover_expired(now) + classify_pending_visits(now)
    expire_suppressions(now)
    note_due_tasks(now)
    return woken + refresh_scores(now) > 0
