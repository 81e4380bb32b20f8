"""What a manager finds on the first page: the rates of the last weeks, and which users need help. Reads only.

Each part is one statement, and nothing is counted without a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.db import Row, fetch_all

WEEKS = 4
_EMAILS_COUNTED = 100_000
_ROWS_SHOWN = 8
# A reply or a task that waits longer is late.
_LATE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rates:
    """The emails of steps sent in the last weeks, of one sequence, owner, mailbox or week.

    `id` is that of the row, None for a week and for emails without an owner. `delivered` are the sent that did not
    bounce; a reply counts once for its email, and is positive when it is classified as interested or a referral.
    """

    name: str
    id: int | None
    sent: int
    delivered: int
    replied: int
    positive: int
    opted_out: int

    @property
    def reply_rate(self) -> float | None:
        """Replies in percent of delivered emails; None without one."""
        return _percent(self.replied, self.delivered)

    @property
    def positive_rate(self) -> float | None:
        return _percent(self.positive, self.delivered)

    @property
    def opt_out_rate(self) -> float | None:
        return _percent(self.opted_out, self.delivered)


@dataclass(frozen=True, slots=True)
class NeedsHelp:
    """What waits for one user: replies and tasks for more than a day, quarantined enrollments, stopped mailboxes."""

    user_id: int | None
    name: str
    replies: int
    tasks: int
    quarantined: int
    mailboxes: int


@dataclass(frozen=True, slots=True)
class Team:
    """`weeks` are the newest first; the other lists begin with the most emails, at most 8 rows each."""

    sequences: tuple[Rates, ...]
    owners: tuple[Rates, ...]
    mailboxes: tuple[Rates, ...]
    weeks: tuple[Rates, ...]
    help: tuple[NeedsHelp, ...]


_RATES = """
WITH mails AS (
    SELECT m.id, m.mailbox_id, m.owner_id, e.sequence_id,
           date_trunc('week', m.handed_over_at AT TIME ZONE %(zone)s)::date AS week
    FROM (SELECT x.* FROM emails_emailmessage x
          WHERE x.workspace_id = ANY(%(workspaces)s::bigint[]) AND x.status IN ('sending', 'sent', 'unknown')
            AND x.handed_over_at > %(since)s AND x.handed_over_at <= %(now)s
          ORDER BY x.handed_over_at DESC LIMIT %(emails)s) m
    JOIN sequences_enrollment e ON e.id = m.enrollment_id
    WHERE m.status = 'sent' AND NOT m.is_answer
), events AS (
    SELECT v.message_id, bool_or(v.type = 'replied') AS replied, bool_or(v.type = 'bounced') AS bounced,
           bool_or(v.type IN ('unsubscribed', 'complained')) AS opted_out
    FROM emails_emailevent v
    WHERE v.recorded_at > %(since)s AND v.workspace_id = ANY(%(workspaces)s::bigint[])
      AND v.type IN ('replied', 'bounced', 'unsubscribed', 'complained')
    GROUP BY v.message_id
), answers AS (
    SELECT r.message_id, bool_or(r.intent IN ('interested', 'referral')) AS positive FROM emails_reply r
    WHERE r.workspace_id = ANY(%(workspaces)s::bigint[]) AND r.received_at > %(since)s GROUP BY r.message_id
), rates AS (
    SELECT grouping(m.sequence_id) AS no_sequence, grouping(m.owner_id) AS no_owner,
           grouping(m.mailbox_id) AS no_mailbox, m.sequence_id, m.owner_id, m.mailbox_id, m.week, count(*) AS sent,
           count(*) FILTER (WHERE NOT coalesce(v.bounced, false)) AS delivered,
           count(*) FILTER (WHERE v.replied) AS replied, count(*) FILTER (WHERE a.positive) AS positive,
           count(*) FILTER (WHERE v.opted_out) AS opted_out
    FROM mails m LEFT JOIN events v ON v.message_id = m.id LEFT JOIN answers a ON a.message_id = m.id
    GROUP BY GROUPING SETS ((m.sequence_id), (m.owner_id), (m.mailbox_id), (m.week))
)
SELECT r.*, s.name AS sequence, b.address,
       coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email) AS owner
FROM rates r LEFT JOIN sequences_sequence s ON s.id = r.sequence_id LEFT JOIN emails_mailbox b ON b.id = r.mailbox_id
LEFT JOIN auth_user u ON u.id = r.owner_id
ORDER BY r.week DESC NULLS LAST, r.sent DESC, r.sequence_id, r.owner_id, r.mailbox_id
"""
_HELP = """
SELECT h.owner_id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email) AS name,
       count(*) FILTER (WHERE h.what = 'reply') AS replies, count(*) FILTER (WHERE h.what = 'task') AS tasks,
       count(*) FILTER (WHERE h.what = 'quarantined') AS quarantined,
       count(*) FILTER (WHERE h.what = 'mailbox') AS mailboxes
FROM (
    (SELECT 'reply' AS what, coalesce(e.owner_id, b.owner_id) AS owner_id FROM emails_reply r
     LEFT JOIN sequences_enrollment e ON e.id = r.enrollment_id LEFT JOIN emails_mailbox b ON b.id = r.mailbox_id
     WHERE r.workspace_id = ANY(%(workspaces)s::bigint[]) AND NOT r.is_handled AND r.intent <> 'opt_out'
       AND r.received_at < %(late)s LIMIT %(most)s)
    UNION ALL
    (SELECT 'task', t.assignee_id FROM tasks_app_task t
     WHERE t.workspace_id = ANY(%(workspaces)s::bigint[]) AND t.status = 'open' AND t.due_at < %(late)s LIMIT %(most)s)
    UNION ALL
    (SELECT 'quarantined', e.owner_id FROM sequences_enrollment e
     WHERE e.workspace_id = ANY(%(workspaces)s::bigint[]) AND e.status = 'quarantined' LIMIT %(most)s)
    UNION ALL
    (SELECT 'mailbox', b.owner_id FROM emails_mailbox b
     WHERE b.workspace_id = ANY(%(workspaces)s::bigint[]) AND b.status <> 'active' LIMIT %(most)s)
) h LEFT JOIN auth_user u ON u.id = h.owner_id
GROUP BY h.owner_id, u.first_name, u.last_name, u.email
ORDER BY count(*) DESC, h.owner_id LIMIT %(shown)s
"""
_MOST = 10_000


def read_team(workspace_ids: Sequence[int], now: datetime, zone: str) -> Team:
    """The last four weeks, in `zone` (an IANA name) where weeks begin on Mondays, and who needs help now."""
    today = now.astimezone(ZoneInfo(zone)).date()
    oldest = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    since = datetime.combine(oldest, time.min, tzinfo=ZoneInfo(zone))
    asked = {"workspaces": list(workspace_ids), "now": now, "since": since, "zone": zone, "emails": _EMAILS_COUNTED}
    rows = fetch_all(_RATES, asked)
    late = {"late": now - _LATE_AFTER, "most": _MOST, "shown": _ROWS_SHOWN}
    return Team(
        sequences=_of(rows, "no_sequence", "sequence", "sequence_id"),
        owners=_of(rows, "no_owner", "owner", "owner_id"),
        mailboxes=_of(rows, "no_mailbox", "address", "mailbox_id"),
        weeks=tuple(
            _rates(f"{row['week']:%d %b} – {row['week'] + timedelta(days=6):%d %b}", None, row)
            for row in rows
            if row["week"] is not None
        ),
        help=tuple(_needs_help(row) for row in fetch_all(_HELP, {"workspaces": list(workspace_ids), **late})),
    )


def _of(rows: Sequence[Row], absent: str, name: str, key: str) -> tuple[Rates, ...]:
    return tuple(_rates(row[name] or "No owner", row[key], row) for row in rows if not row[absent])[:_ROWS_SHOWN]


def _rates(name: str, key: int | None, row: Row) -> Rates:
    numbers = {field: row[field] for field in ("sent", "delivered", "replied", "positive", "opted_out")}
    return Rates(name=name, id=key, **numbers)


def _needs_help(row: Row) -> NeedsHelp:
    return NeedsHelp(
        user_id=row["owner_id"],
        name=row["name"] or "No owner",
        replies=row["replies"],
        tasks=row["tasks"],
        quarantined=row["quarantined"],
        mailboxes=row["mailboxes"],
    )


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
