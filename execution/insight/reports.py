"""Engagement by sequence, step, mailbox, owner and week: what became of the emails that were sent. Reads only.

One statement whatever the grouping. Every figure is about an email of the period: a reply counts for the step and the
mailbox of the email it answers, in the week in which that email was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from common.db import fetch_all
from execution.insight.variant_statistics import wilson_interval
from sequences.choices import Choice

# A zone is at most 14 hours away from UTC, and a confirmed email can be handed over days before it is known to be sent.
_MARGIN = timedelta(days=15)
LONGEST_DAYS = 731


class Group(Choice):
    """What the emails can be grouped by."""

    SEQUENCE = "sequence"
    STEP = "step"
    VARIANT = "variant"
    MAILBOX = "mailbox"
    OWNER = "owner"
    WEEK = "week"


FIGURES = ("sent", "delivered", "opened", "clicked", "replied", "positive", "bounced", "blocked", "opted_out")
RATES = {
    "open_rate": ("opened", "delivered"),
    "click_rate": ("clicked", "delivered"),
    "reply_rate": ("replied", "delivered"),
    "positive_rate": ("positive", "delivered"),
    "opt_out_rate": ("opted_out", "delivered"),
}
#: The bounds of the 95 % interval of `positive_rate`; rows of variants have them.
INTERVAL = ("positive_rate_low", "positive_rate_high")
DEFINITIONS = {
    "sent": "Emails of steps that a server accepted; answers to replies are not counted.",
    "delivered": "Sent, and neither bounced nor blocked since.",
    "opened": "Sent emails with an open by a person.",
    "clicked": "Sent emails with a click by a person.",
    "replied": "Sent emails that a person answered.",
    "positive": "Answered with interest, or with the address of someone else.",
    "bounced": "Refused because of the recipient, at once (then not sent) or later.",
    "blocked": "Refused after they were sent because of the sender: reputation, policy, spam.",
    "opted_out": "Sent emails after which the contact unsubscribed or complained.",
}
GROUP_COLUMNS: Mapping[Group, tuple[str, ...]] = {
    Group.SEQUENCE: ("sequence", "sequence_name"),
    Group.STEP: ("step", "step_number", "step_name"),
    Group.VARIANT: ("step", "step_number", "step_name", "variant"),
    Group.MAILBOX: ("mailbox", "mailbox_address"),
    Group.OWNER: ("owner", "owner_email"),
    Group.WEEK: ("week",),
}
_KEYS = {
    Group.SEQUENCE: ("sequence_id",),
    Group.STEP: ("sequence_id", "step_id"),
    Group.VARIANT: ("variant_step", "variant"),
    Group.MAILBOX: ("mailbox_id",),
    Group.OWNER: ("owner_id",),
    Group.WEEK: ("week",),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Ids of the only ones to count; None counts all."""

    sequence: int | None = None
    mailbox: int | None = None
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """`rows` have the columns of their groups, the figures, and the rates in percent (None without a delivered email).

    `totals` has figures and rates over all rows.
    """

    groups: tuple[Group, ...]
    start: date
    end: date
    rows: list[dict[str, Any]]
    totals: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        return [*_list_columns(self.groups), *FIGURES, *RATES, *(INTERVAL if Group.VARIANT in self.groups else ())]


_ENGAGEMENT = """
WITH mails AS (
    SELECT m.id, m.status, m.mailbox_id, m.owner_id, m.step_id, e.sequence_id,
           nullif(m.variant, '') AS variant, CASE WHEN m.variant <> '' THEN m.step_id END AS variant_step,
           date_trunc('week', coalesce(m.sent_at, m.failed_at) AT TIME ZONE w.timezone)::date AS week
    FROM emails_emailmessage m
    JOIN sequences_workspace w ON w.id = m.workspace_id
    JOIN sequences_enrollment e ON e.id = m.enrollment_id
    WHERE m.workspace_id = ANY(%(workspaces)s::bigint[]) AND NOT m.is_answer
      AND (m.status = 'sent' AND m.handed_over_at BETWEEN %(earliest)s AND %(latest)s
           OR m.status = 'failed' AND m.error_class = 'recipient_permanent')
      AND (coalesce(m.sent_at, m.failed_at) AT TIME ZONE w.timezone)::date BETWEEN %(start)s AND %(end)s
      AND (%(sequence)s::bigint IS NULL OR e.sequence_id = %(sequence)s)
      AND (%(mailbox)s::bigint IS NULL OR m.mailbox_id = %(mailbox)s)
      AND (%(owner)s::bigint IS NULL OR m.owner_id = %(owner)s)
), facts AS (
    SELECT v.message_id,
           bool_or(v.type = 'opened' AND v.verdict = 'human') AS opened,
           bool_or(v.type = 'clicked' AND v.verdict = 'human') AS clicked,
           bool_or(v.type = 'replied') AS replied,
           bool_or(v.type = 'bounced' AND v.bounce_type <> 'blocked') AS bounced,
           bool_or(v.type = 'bounced' AND v.bounce_type = 'blocked') AS blocked,
           bool_or(v.type IN ('unsubscribed', 'complained')) AS opted_out
    FROM emails_emailevent v JOIN mails m ON m.id = v.message_id
    WHERE v.type IN ('opened', 'clicked', 'replied', 'bounced', 'unsubscribed', 'complained')
    GROUP BY v.message_id
), answers AS (
    SELECT r.message_id, bool_or(r.intent IN ('interested', 'referral')) AS positive
    FROM emails_reply r JOIN mails m ON m.id = r.message_id GROUP BY r.message_id
)
SELECT {keys}
       count(*) FILTER (WHERE m.status = 'sent') AS sent,
       count(*) FILTER (WHERE m.status = 'sent' AND NOT coalesce(f.bounced OR f.blocked, false)) AS delivered,
       count(*) FILTER (WHERE f.opened) AS opened,
       count(*) FILTER (WHERE f.clicked) AS clicked,
       count(*) FILTER (WHERE f.replied OR a.positive) AS replied,
       count(*) FILTER (WHERE a.positive) AS positive,
       count(*) FILTER (WHERE m.status = 'failed' OR f.bounced) AS bounced,
       count(*) FILTER (WHERE f.blocked) AS blocked,
       count(*) FILTER (WHERE f.opted_out) AS opted_out
FROM mails m LEFT JOIN facts f ON f.message_id = m.id LEFT JOIN answers a ON a.message_id = m.id
{grouping}
"""
_NAMED = """
SELECT g.*, {names}
FROM ({counted}) g
{joins}
ORDER BY {order}
"""
_NAMES = {
    Group.SEQUENCE: (
        "g.sequence_id AS sequence, s.name AS sequence_name",
        "LEFT JOIN sequences_sequence s ON s.id = g.sequence_id",
    ),
    Group.STEP: (
        "g.step_id AS step, t.number AS step_number, t.name AS step_name",
        "LEFT JOIN sequences_step t ON t.id = g.step_id",
    ),
    # the names of its step; of another group that has them, the same
    Group.VARIANT: (
        "g.variant, g.variant_step AS step, t.number AS step_number, t.name AS step_name",
        "LEFT JOIN sequences_step t ON t.id = g.variant_step",
    ),
    Group.MAILBOX: (
        "g.mailbox_id AS mailbox, b.address AS mailbox_address",
        "LEFT JOIN emails_mailbox b ON b.id = g.mailbox_id",
    ),
    Group.OWNER: ("g.owner_id AS owner, u.email AS owner_email", "LEFT JOIN auth_user u ON u.id = g.owner_id"),
    Group.WEEK: ("g.week AS week_of", ""),
}
_ORDERS = {
    Group.SEQUENCE: "s.name, g.sequence_id",
    Group.STEP: "g.sequence_id, t.number NULLS LAST, g.step_id",
    Group.VARIANT: "t.number NULLS LAST, g.variant_step, g.variant",
    Group.MAILBOX: "b.address, g.mailbox_id",
    Group.OWNER: "u.email NULLS LAST, g.owner_id",
    Group.WEEK: "g.week",
}


def report_engagement(
    workspace_ids: Sequence[int], groups: Sequence[Group], start: date, end: date, filters: Filters | None = None
) -> Report:
    """Emails sent from `start` to `end`, both days included, in each workspace's own zone.

    Weeks are named by their Monday. A step that was deleted since keeps its id and has no name.
    """
    chosen = filters or Filters()
    asked = {
        "workspaces": list(workspace_ids),
        "start": start,
        "end": end,
        "earliest": datetime.combine(start, time.min, UTC) - _MARGIN,
        "latest": datetime.combine(end, time.max, UTC) + _MARGIN,
        "sequence": chosen.sequence,
        "mailbox": chosen.mailbox,
        "owner": chosen.owner,
    }
    found = fetch_all(_statement(groups), asked)
    columns = _list_columns(groups)
    rows = [
        {**{column: _read(row, column) for column in columns}, **_with_rates({name: row[name] for name in FIGURES})}
        for row in found
    ]
    if Group.VARIANT in groups:
        rows = [_with_interval(row) for row in rows]
    totals = _with_rates({name: sum(row[name] for row in rows) for name in FIGURES})
    return Report(tuple(groups), start, end, rows, totals)


def _list_columns(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(column for group in groups for column in GROUP_COLUMNS[group]))


def _read(row: Mapping[str, Any], column: str) -> Any:
    return row["week_of"] if column == "week" else row[column]


def _statement(groups: Sequence[Group]) -> str:
    """Built of the fixed words above only."""
    by_step = Group.STEP in groups
    keys = list(dict.fromkeys(key for group in groups for key in _KEYS[group]))
    counted = _ENGAGEMENT.format(
        keys="".join(f"m.{key}, " for key in keys),
        grouping=f"GROUP BY {', '.join(f'm.{key}' for key in keys)}" if keys else "HAVING count(*) > 0",
    )
    if not groups:
        return counted
    return _NAMED.format(
        names=", ".join(
            "g.variant AS variant_key" if by_step and group is Group.VARIANT else _NAMES[group][0] for group in groups
        ),
        counted=counted,
        joins=" ".join(_NAMES[group][1] for group in groups if not (by_step and group is Group.VARIANT)),
        order=", ".join(filter(None, (_ORDERS[group] for group in groups))) or "g.sent",
    )


def _with_rates(figures: dict[str, int]) -> dict[str, Any]:
    rates = {name: _percent(figures[part], figures[whole]) for name, (part, whole) in RATES.items()}
    return {**figures, **rates}


def _with_interval(row: dict[str, Any]) -> dict[str, Any]:
    low, high = wilson_interval(row["positive"], row["delivered"])
    known = row["delivered"] > 0
    bounds = (round(100 * low, 2), round(100 * high, 2)) if known else (None, None)
    return {**row, **dict(zip(INTERVAL, bounds, strict=True))}


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
