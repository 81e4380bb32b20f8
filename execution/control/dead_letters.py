"""Dead letters: group them by kind of failure, replay or discard them.

Must not move enrollments itself: it calls `execution.control.enrollments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from common.db import fetch_all
from execution.choices import Resolution
from execution.control.enrollments import Report, exit_enrollments, retry_enrollments
from execution.models import DeadLetter

RESOLVED_BEFORE = "it has already been resolved"
GROUPS_SHOWN = 200

# Numbers, quoted words and addresses are what differs between failures of one kind.
_NO_ADDRESSES = r"""regexp_replace(d.error, '[^ <>"'']+@[^ <>"'']+', '@', 'g')"""
_KIND = rf"""regexp_replace({_NO_ADDRESSES}, '''[^'']*''|"[^"]*"|[0-9]+', '#', 'g')"""
_GROUPS = f"""
SELECT d.error_class, d.step_id, {_KIND} AS kind, count(*) AS count, min(d.created_at) AS oldest_at,
       max(d.created_at) AS newest_at, max(d.id) AS example,
       (array_agg(d.error ORDER BY d.id DESC))[1] AS error, max(s.name) AS sequence, max(t.number) AS step_number
FROM execution_deadletter d
JOIN sequences_enrollment e ON e.id = d.enrollment_id
JOIN sequences_sequence s ON s.id = e.sequence_id
LEFT JOIN sequences_step t ON t.id = d.step_id
WHERE d.resolved_at IS NULL AND d.workspace_id = ANY(%(workspaces)s::bigint[])
GROUP BY d.workspace_id, d.error_class, d.step_id, kind
ORDER BY count(*) DESC, max(d.id) DESC LIMIT %(most)s
"""
_SIMILAR = f"""
SELECT d.id FROM execution_deadletter d
JOIN execution_deadletter x ON x.id = %(example)s
WHERE d.resolved_at IS NULL AND d.workspace_id = x.workspace_id AND d.error_class = x.error_class
  AND d.step_id IS NOT DISTINCT FROM x.step_id AND {_KIND} = {_KIND.replace("d.error", "x.error")}
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Open dead letters of one kind: the same class of error at the same step with the same text.

    `example` is the newest one's id; `error` its text.
    """

    error_class: str
    error: str
    count: int
    oldest_at: datetime
    newest_at: datetime
    example: int
    sequence: str
    step_number: int | None


def list_groups(workspace_ids: Sequence[int]) -> list[Group]:
    """What is open in these workspaces, the largest group first."""
    rows = fetch_all(_GROUPS, {"workspaces": list(workspace_ids), "most": GROUPS_SHOWN})
    return [
        Group(
            error_class=row["error_class"],
            error=row["error"],
            count=row["count"],
            oldest_at=row["oldest_at"],
            newest_at=row["newest_at"],
            example=row["example"],
            sequence=row["sequence"],
            step_number=row["step_number"],
        )
        for row in rows
    ]


def find_similar(example: int) -> list[int]:
    """The ids of the open dead letters of the same kind as `example`, itself included while it is open."""
    return [row["id"] for row in fetch_all(_SIMILAR, {"example": example})]


def resolve_letters(
    ids: Sequence[int], answer: Literal["replay", "discard"], *, actor: str, now: datetime, reason: str = ""
) -> Report:
    """Replay: try the step again at once. Discard: exit the enrollment. The report is by dead letter id."""
    rows = list(DeadLetter.objects.filter(pk__in=ids).values_list("pk", "enrollment_id", "resolved_at"))
    letters = {enrollment: pk for pk, enrollment, resolved_at in rows if resolved_at is None}
    enrollments = sorted(letters)
    if answer == "replay":
        done = retry_enrollments(enrollments, actor=actor, now=now, reason=reason or "replayed by hand")
    else:
        done = exit_enrollments(
            enrollments,
            actor=actor,
            now=now,
            reason=reason or "discarded by hand",
            resolution=Resolution.DISCARDED,
        )
    report = Report(
        changed=[letters[pk] for pk in done.changed],
        unchanged=[letters[pk] for pk in done.unchanged],
        refused={letters[pk]: text for pk, text in done.refused.items()},
    )
    report.refused |= {pk: RESOLVED_BEFORE for pk, _, resolved_at in rows if resolved_at is not None}
    return report
