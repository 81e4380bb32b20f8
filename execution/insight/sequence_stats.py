"""Statistics of a sequence: where its enrollments are, and what each step's emails led to. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.db import fetch_all
from sequences.enrollment_sql import LIVE

_PEOPLE = """
SELECT status, auto_exit_reason, count(*) AS people FROM sequences_enrollment
WHERE sequence_id = %(sequence)s GROUP BY status, auto_exit_reason
"""
# Facts count once per email; of opens and clicks only those of humans; a reply that opts out does not count.
_STEPS = f"""
SELECT t.id, t.number, t.type, t.name, coalesce(standing.people, 0) AS standing,
       coalesce(mails.sent, 0) AS sent, coalesce(mails.failed, 0) AS failed, coalesce(mails.opened, 0) AS opened,
       coalesce(mails.clicked, 0) AS clicked, coalesce(mails.replied, 0) AS replied,
       coalesce(mails.bounced, 0) AS bounced, coalesce(mails.unsubscribed, 0) AS unsubscribed
FROM sequences_step t
LEFT JOIN (
    SELECT current_step_id, count(*) AS people FROM sequences_enrollment
    WHERE sequence_id = %(sequence)s AND status IN {LIVE} GROUP BY current_step_id
) standing ON standing.current_step_id = t.id
LEFT JOIN (
    SELECT m.step_id, count(*) FILTER (WHERE m.status = 'sent') AS sent,
           count(*) FILTER (WHERE m.status = 'failed') AS failed, count(v.opened) AS opened,
           count(v.clicked) AS clicked, count(v.replied) FILTER (WHERE v.unsubscribed IS NULL) AS replied,
           count(v.bounced) AS bounced,
           count(v.unsubscribed) AS unsubscribed
    FROM sequences_enrollment e
    JOIN emails_emailmessage m ON m.enrollment_id = e.id
    LEFT JOIN LATERAL (
        SELECT max(1) FILTER (WHERE x.type = 'opened' AND x.verdict = 'human') AS opened,
               max(1) FILTER (WHERE x.type = 'clicked' AND x.verdict = 'human') AS clicked,
               max(1) FILTER (WHERE x.type = 'replied') AS replied,
               max(1) FILTER (WHERE x.type = 'bounced') AS bounced,
               max(1) FILTER (WHERE x.type = 'unsubscribed') AS unsubscribed
        FROM emails_emailevent x WHERE x.message_id = m.id
    ) v ON m.status = 'sent'
    WHERE e.sequence_id = %(sequence)s
    GROUP BY m.step_id
) mails ON mails.step_id = t.id
WHERE t.sequence_id = %(sequence)s
ORDER BY t.number
"""


@dataclass(frozen=True, slots=True)
class SequenceStats:
    """`people` by status, `exits` by reason; `steps` in their order, each with counts of enrollments and of emails."""

    people: dict[str, int]
    exits: dict[str, int]
    steps: list[dict[str, Any]]


def read_stats(sequence_id: int) -> SequenceStats:
    people: dict[str, int] = {}
    exits: dict[str, int] = {}
    for row in fetch_all(_PEOPLE, {"sequence": sequence_id}):
        people[row["status"]] = people.get(row["status"], 0) + row["people"]
        if row["auto_exit_reason"]:
            exits[row["auto_exit_reason"]] = exits.get(row["auto_exit_reason"], 0) + row["people"]
    return SequenceStats(people, exits, fetch_all(_STEPS, {"sequence": sequence_id}))
