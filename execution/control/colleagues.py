"""Release the people whom a colleague's reply has paused: one person at the account answers, the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from emails.facts.stops import COLLEAGUE_REPLIED
from execution.control.enrollments import Report, resume_enrollments
from sequences.choices import EnrollmentStatus
from sequences.models import Enrollment


def find_held(account_ids: Sequence[int]) -> list[int]:
    """The enrollments at these accounts that the account policy has paused, for good or for some days."""
    held = Enrollment.objects.filter(
        contact__account__in=account_ids, status=EnrollmentStatus.PAUSED.value, pause_reason=COLLEAGUE_REPLIED
    )
    return list(held.order_by("pk").values_list("pk", flat=True))


def release_colleagues(account_ids: Sequence[int], *, actor: str, now: datetime, reason: str = "") -> Report:
    """Resume them, planned anew; a later reply of a colleague pauses them again. Whom a person paused stays paused."""
    said = reason or "released: the colleague's reply does not concern them"
    return resume_enrollments(find_held(account_ids), actor=actor, now=now, reason=said)
