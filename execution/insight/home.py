"""The reader's own day on the first page: replies, tasks, hot contacts, what leaves today and what is held. Reads only.

Every part is bounded, and takes a fixed number of statements whatever the number of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from common.db import Row, fetch_all
from emails.models import Reply
from emails.sending.lane_view import read_planned_times
from execution.insight.explain import Hold, explain_enrollments
from execution.insight.replies import TO_ANSWER
from sequences.choices import LIVE_STATUSES
from tasks_app.choices import TaskStatus
from tasks_app.models import Task

SHOWN = 6
COUNTED_AT_MOST = 1_000
# of those due today so many are explained
_EXPLAINED = 200
# what clears by itself within the day is no hold
_FLOWING = frozenset({"ready", "not_due", "sending", "gap", "lane_busy"})


@dataclass(frozen=True, slots=True)
class HotContact:
    """A contact in an own sequence with a score; `signal` is what the contact did last, such as `clicked`."""

    id: int
    email: str
    name: str
    company: str
    score: int
    signal: str
    signal_at: datetime | None


@dataclass(frozen=True, slots=True)
class Departure:
    """One own email that leaves today: planned by its sending queue, else when its step is due."""

    enrollment_id: int
    contact: str
    sequence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """So many own emails of today are held by the same thing; `enrollment_id` is one of them."""

    reason: str
    number: int
    enrollment_id: int


@dataclass(frozen=True, slots=True)
class Day:
    """The reader's own day. Counts stop at 1,000; `leaving` and `held` look at the first 200 due today."""

    replies: tuple[Reply, ...]
    replies_number: int
    tasks: tuple[Task, ...]
    tasks_number: int
    hot: tuple[HotContact, ...]
    leaving: tuple[Departure, ...]
    leaving_number: int
    held: tuple[HeldGroup, ...]
    held_number: int

    @property
    def is_empty(self) -> bool:
        return not (self.replies or self.tasks or self.hot or self.leaving or self.held)


_HOT = """
SELECT c.id, c.email, c.first_name, c.last_name, c.engagement_score, a.name AS company, v.type, v.occurred_at
FROM (SELECT x.* FROM unnest(%(workspaces)s::bigint[]) AS w(id) CROSS JOIN LATERAL (
          SELECT * FROM sequences_contact x WHERE x.workspace_id = w.id AND x.engagement_score > 0
          ORDER BY x.engagement_score DESC, x.id DESC LIMIT 1000) x) c
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN LATERAL (
    SELECT e.type, e.occurred_at FROM emails_emailevent e
    WHERE e.contact_id = c.id AND e.type IN ('opened', 'clicked', 'replied') AND e.verdict = 'human'
    ORDER BY e.occurred_at DESC LIMIT 1) v ON true
WHERE EXISTS (SELECT 1 FROM sequences_enrollment n WHERE n.contact_id = c.id AND n.owner_id = %(user)s)
ORDER BY c.engagement_score DESC, c.id DESC LIMIT %(shown)s
"""
# Due by the end of the day, and held from running at all.
_TODAY = """
SELECT q.* FROM unnest(%(workspaces)s::bigint[]) AS w(id)
CROSS JOIN unnest(%(live)s::text[]) AS u(status)
CROSS JOIN LATERAL (
    SELECT e.id, e.status, e.next_step_at, e.mailbox_id, c.email, s.name AS sequence FROM sequences_enrollment e
    JOIN sequences_contact c ON c.id = e.contact_id
    JOIN sequences_sequence s ON s.id = e.sequence_id
    JOIN sequences_step t ON t.id = e.current_step_id
    WHERE e.workspace_id = w.id AND e.status = u.status AND e.owner_id = %(user)s AND t.type = 'email'
      AND e.next_step_at <= %(until)s
    ORDER BY e.next_step_at LIMIT %(explained)s) q
ORDER BY q.next_step_at, q.id LIMIT %(explained)s
"""


def read_day(user_id: int, workspace_ids: Sequence[int], now: datetime, until: datetime) -> Day:
    """The day of one user up to `until`, the end of it in the reader's zone."""
    own = Q(enrollment__owner=user_id) | Q(mailbox__owner=user_id)
    replies = Reply.objects.filter(own & TO_ANSWER, workspace__in=list(workspace_ids))
    tasks = Task.objects.filter(
        workspace__in=list(workspace_ids), status=TaskStatus.OPEN.value, assignee=user_id, due_at__lte=until
    )
    leaving, held, held_number = _read_today(user_id, workspace_ids, now, until)
    return Day(
        replies=tuple(replies.select_related("contact").order_by("received_at", "pk")[:SHOWN]),
        replies_number=_count(replies),
        tasks=tuple(tasks.select_related("contact").order_by("due_at", "pk")[:SHOWN]),
        tasks_number=_count(tasks),
        hot=tuple(_hot(row) for row in _read_hot(user_id, workspace_ids)),
        leaving=tuple(leaving[:SHOWN]),
        leaving_number=len(leaving),
        held=held,
        held_number=held_number,
    )


def _count(rows: QuerySet[Reply] | QuerySet[Task]) -> int:
    return int(rows.order_by()[: COUNTED_AT_MOST + 1].count())


def _read_hot(user_id: int, workspace_ids: Sequence[int]) -> list[Row]:
    return fetch_all(_HOT, {"user": user_id, "workspaces": list(workspace_ids), "shown": SHOWN})


def _hot(row: Row) -> HotContact:
    return HotContact(
        id=row["id"],
        email=row["email"],
        name=f"{row['first_name']} {row['last_name']}".strip(),
        company=row["company"] or "",
        score=row["engagement_score"],
        signal=row["type"] or "",
        signal_at=row["occurred_at"],
    )


def _read_today(
    user_id: int, workspace_ids: Sequence[int], now: datetime, until: datetime
) -> tuple[list[Departure], tuple[HeldGroup, ...], int]:
    asked = {"user": user_id, "workspaces": list(workspace_ids), "until": until, "explained": _EXPLAINED}
    rows = fetch_all(_TODAY, {**asked, "live": [status.value for status in LIVE_STATUSES]})
    holds = explain_enrollments([row["id"] for row in rows], now)
    planned = read_planned_times(sorted({row["mailbox_id"] for row in rows if row["mailbox_id"]}), now)
    leaving: list[Departure] = []
    reasons: Counter[str] = Counter()
    example: dict[str, int] = {}
    for row in rows:
        at = planned.get(row["id"]) or max(row["next_step_at"], now)
        reason = _find_reason(holds.get(row["id"], ()), at, until)
        if reason:
            reasons[reason] += 1
            example.setdefault(reason, row["id"])
        else:
            leaving.append(Departure(row["id"], row["email"], row["sequence"], at))
    leaving.sort(key=lambda departure: departure.at)
    groups = tuple(HeldGroup(reason, number, example[reason]) for reason, number in reasons.most_common(SHOWN))
    return leaving, groups, reasons.total()


def _find_reason(holds: Sequence[Hold], at: datetime, until: datetime) -> str:
    """The first thing that keeps it from leaving today; empty when nothing does."""
    for hold in holds:
        if hold.code not in _FLOWING and (hold.until is None or hold.until > until):
            return hold.detail
    return "Planned for a later day by the send limits and spacing of its mailbox" if at > until else ""
