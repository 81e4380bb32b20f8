"""Resume the enrollments that a reply of another contact at the same account has paused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from emails.facts.stops import COLLEAGUE_REPLIED
from execution.control.enrollments import Report, resume_enrollments
from sequences.choices import EnrollmentStatus
from sequences.models import Enrollment


def find_held(account_ids: Sequence[int]) -> list[int]:
    """The enrollments at these accounts that the account policy has paused, with or without an end."""
    held = Enrollment.objects.filter(
        contact__account__in=account_ids, status=EnrollmentStatus.PAUSED.value, pause_reason=COLLEAGUE_REPLIED
    )
    return list(held.order_by("pk").values_list("pk", flat=True))


def release_colleagues(account_ids: Sequence[int], *, actor: str, now: datetime, reason: str = "") -> Report:
    """Resume and replan them. A later reply of a colleague pauses them again; what a user paused stays paused."""
    text = reason or "Released: the colleague's reply does not concern this contact"
    return resume_enrollments(find_held(account_ids), actor=actor, now=now, reason=text)
