"""The recheck of marked messages between two SMTP transactions of a chunk. Takes no lock and marks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.db import fetch_all
from emails.facts.stop_facts import load_stop_facts
from emails.facts.stops import find_exit_reason
from emails.models import EXECUTOR_RUNS, status_of
from emails.sending.final_check import find_row_rest
from emails.sending.goals import add_met_goals, read_goal
from sequences.models.workspace import workspace_sends

_MARKED = f"""
SELECT m.id AS message_id, e.id, e.workspace_id, e.contact_id, e.enrolled_at, e.resumed_at, s.status AS sequence_status,
       m.recipient AS email, c.account_id, a.domain AS account_domain, w.account_reply_policy,
       w.account_reply_delay_days, s.on_reply, s.goal::text AS goal
FROM emails_emailmessage m
JOIN sequences_enrollment e ON e.id = m.enrollment_id AND e.status = 'active'
JOIN sequences_sequence s ON s.id = e.sequence_id AND s.status = 'active'
JOIN sequences_contact c ON c.id = e.contact_id
JOIN sequences_workspace w ON w.id = e.workspace_id
JOIN emails_mailbox b ON b.id = m.mailbox_id AND b.status = 'active'
LEFT JOIN sequences_account a ON a.id = c.account_id
WHERE m.id = ANY(%(messages)s::bigint[]) AND {status_of("m")} = 'sending' AND NOT m.is_answer
  AND {EXECUTOR_RUNS} AND {workspace_sends("m.workspace_id")}
"""
# A transaction that stores a stop fact sets `wake_at`, and the enrollment of a marked message has none: while it is
# NULL, nothing was stored. Suppressions are looked up, since one may be of an address that the contact had before.
_UNCHANGED = f"""
SELECT m.id AS message_id, (m.is_answer OR e.wake_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM emails_suppression x
                       WHERE x.workspace_id = m.workspace_id AND x.email = lower(m.recipient) AND x.email <> '')
       AND NOT EXISTS (SELECT 1 FROM emails_suppression x
                       WHERE x.workspace_id = m.workspace_id AND x.domain = m.recipient_domain AND x.domain <> '')
       AS is_unchanged
FROM emails_emailmessage m
JOIN sequences_enrollment e ON e.id = m.enrollment_id AND (m.is_answer OR e.status = 'active')
JOIN sequences_sequence s ON s.id = e.sequence_id AND (m.is_answer OR s.status = 'active')
JOIN emails_mailbox b ON b.id = m.mailbox_id AND b.status = 'active'
WHERE m.id = ANY(%(messages)s::bigint[]) AND {status_of("m")} = 'sending' AND m.lease_token = %(token)s
  AND {EXECUTOR_RUNS} AND {workspace_sends("m.workspace_id")}
"""


def recheck(token: UUID, message_ids: Sequence[int], now: datetime) -> set[int]:
    """The messages that may still be sent: no fact stored since the mark stops them.

    `token`: of the lease under which they were marked. What another worker has marked since is not ours to send.
    """
    found = fetch_all(_UNCHANGED, {"token": token, "messages": list(message_ids)})
    unchanged = {row["message_id"] for row in found if row["is_unchanged"]}
    if len(unchanged) == len(found):
        return unchanged
    rows = fetch_all(_MARKED, {"messages": [row["message_id"] for row in found if not row["is_unchanged"]]})
    facts = load_stop_facts(rows) if rows else {}
    stops = add_met_goals(facts, {row["id"]: read_goal(row["goal"]) for row in rows})
    for row in rows:
        reason = find_exit_reason(
            stops[row["id"]][0], row["account_reply_policy"], row["sequence_status"], row["on_reply"]
        )
        if reason is None and find_row_rest(row, stops[row["id"]][1], now) is None:
            unchanged.add(row["message_id"])
    return unchanged
