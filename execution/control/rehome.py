"""Move enrollments that have had no email from one mailbox to the others of a pool.

Who has had something, or may have, stays: a thread has one sender. Must not touch a message that is being sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from emails.models import Mailbox, MailboxPool
from emails.sending.lanes import wait_for_checks, wake_lanes
from execution.choices import LogAction
from execution.control.bulk import BulkReport
from execution.control.enroll_pool import PoolSender, find_pool_senders
from execution.control.enroll_statement import lock_enrolling
from execution.control.enrollments import Report
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from execution.forecasting.choosing import choose_mailboxes
from sequences.enrollment_sql import LIVE, lock_where

IN_THREAD = "it has had an email from this mailbox: it waits for the mailbox, or exit it"
IN_HAND = "its email is being sent, or it is not known whether it left: it stays until that is resolved"

# Enrolled by another pool: that pool moves them.
_OF_MAILBOX = f"""
e.workspace_id = %(workspace)s AND e.mailbox_id = %(mailbox)s AND e.status IN {LIVE}
AND (e.pool_id = %(pool)s OR e.pool_id IS NULL)
"""
_FACTS = """
SELECT e.id, e.workspace_id, e.owner_id, e.current_step_id, s.number, s.type, h.is_in_hand,
       e.emails_sent > 0 OR coalesce(h.has_left, false) AS has_had
FROM sequences_enrollment e
LEFT JOIN sequences_step s ON s.id = e.current_step_id
CROSS JOIN LATERAL (
    SELECT bool_or(m.status IN ('sending', 'unknown')) AS is_in_hand,
           bool_or(m.status = 'sent' OR cardinality(m.earlier_handed_over_at) > 0) AS has_left
    FROM emails_emailmessage m WHERE m.enrollment_id = e.id) h
WHERE e.id = ANY(%(ids)s::bigint[])
ORDER BY e.id
"""
_MOVE = """
UPDATE sequences_enrollment e SET mailbox_id = r.mailbox, owner_id = r.owner, pool_id = %(pool)s
FROM unnest(%(ids)s::bigint[], %(mailboxes)s::bigint[], %(owners)s::int[]) AS r(id, mailbox, owner)
WHERE e.id = r.id AND e.mailbox_id = %(mailbox)s
"""
# None of them has left: the Message-ID may follow the new address. What failed here is no failure of the new mailbox.
_MOVE_MESSAGES = """
UPDATE emails_emailmessage m
SET mailbox_id = b.id, owner_id = e.owner_id, held_by = '', send_after_at = %(now)s, handed_over_at = NULL,
    message_id = split_part(m.message_id, '@', 1) || '@' || split_part(b.address, '@', 2) || '>'
FROM sequences_enrollment e JOIN emails_mailbox b ON b.id = e.mailbox_id
WHERE e.id = ANY(%(ids)s::bigint[]) AND m.enrollment_id = e.id AND m.step_id = e.current_step_id AND m.visit = e.visit
  AND m.status IN ('queued', 'failed', 'withheld') AND NOT m.is_answer
"""


class RehomeError(ValueError):
    """Nothing can be moved; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rehomed:
    """`report` by enrollment; `to`: how many each mailbox got, in the order of their addresses."""

    report: BulkReport
    to: tuple[tuple[Mailbox, int], ...]

    @property
    def stay(self) -> list[tuple[str, int]]:
        """How many keep the old mailbox, by reason."""
        return self.report.refused.most_common()


@transaction.atomic
def rehome(pool: MailboxPool, mailbox: Mailbox, *, actor: str, now: datetime, reason: str = "") -> Rehomed:
    """Give those of `mailbox` another mailbox of the pool each, chosen as when they are enrolled. Raises `RehomeError`.

    Those that other pools enrolled are left alone. An owner who owned the old mailbox is replaced by that of the new
    one, where it has one. A dry run is the same call in a transaction that is rolled back. A fixed number of
    statements.
    """
    lock_enrolling(pool.workspace_id)
    named = {"workspace": pool.workspace_id, "mailbox": mailbox.pk, "pool": pool.pk}
    ids = lock_where(_OF_MAILBOX, named)
    if not ids and not pool.mailboxes.filter(pk=mailbox.pk).exists():
        raise RehomeError(
            f"{mailbox.address} is not in the pool {pool.name!r} and has no enrollments of it: name another"
        )
    # a final check that has begun has marked its messages now, and the next one sees what is committed here
    wait_for_checks([mailbox.pk])
    rows = {row["id"]: row for row in fetch_all(_FACTS, {"ids": ids})}
    refused = {pk: IN_HAND if row["is_in_hand"] else IN_THREAD for pk, row in rows.items() if _stays(row)}
    movable = [pk for pk in rows if pk not in refused]
    report = BulkReport()
    if not movable:
        report.add(ids, rows.keys(), Report(refused=refused))
        return Rehomed(report, ())
    senders = find_pool_senders(pool, None, None, needs_owner=False, leaving_out=mailbox.pk)
    if not senders:
        raise RehomeError(
            f"the pool {pool.name!r} has no other mailbox that can send: add an active one, or resume one of its own"
        )
    by_id = {sender.mailbox.pk: sender for sender in senders}
    chosen = choose_mailboxes(pool.workspace_id, movable, [sender.forecast for sender in senders], now)
    given = {pk: by_id[chosen[pk]] for pk in movable}
    execute(
        _MOVE,
        {
            **named,
            "ids": movable,
            "mailboxes": [sender.mailbox.pk for sender in given.values()],
            "owners": [_owner(rows[pk]["owner_id"], mailbox, sender) for pk, sender in given.items()],
        },
    )
    execute(_MOVE_MESSAGES, {"ids": movable, "now": now})
    _log(rows, given, mailbox, pool, actor, reason, now)
    wake_lanes([sender.mailbox.pk for sender in given.values()], now)
    notify_engine()
    report.add(ids, rows.keys(), Report(changed=movable, refused=refused))
    counts = Counter(sender.mailbox.pk for sender in given.values())
    to = sorted((by_id[pk].mailbox for pk in counts), key=lambda one: one.address)
    return Rehomed(report, tuple((one, counts[one.pk]) for one in to))


def _stays(row: Row) -> bool:
    return bool(row["is_in_hand"] or row["has_had"])


def _owner(owner_id: int | None, old: Mailbox, new: PoolSender) -> int | None:
    return new.mailbox.owner_id if owner_id == old.owner_id and new.mailbox.owner_id else owner_id


def _log(
    rows: dict[int, Row],
    given: dict[int, PoolSender],
    old: Mailbox,
    pool: MailboxPool,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    lines = []
    for pk, sender in given.items():
        row, new = rows[pk], sender.mailbox.address
        text = f"moved from {old.address} to {new}" + (f": {reason}" if reason else "")
        details = {"from": old.address, "mailbox": new, "pool": pool.name}
        line = LogLine(LogAction.REHOMED, text, actor=actor, details=details)
        lines.append(LogRow(pool.workspace_id, pk, row["current_step_id"], row["number"], row["type"] or "", line))
    write_logs(lines, now)
