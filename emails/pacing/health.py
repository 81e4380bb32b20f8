"""The health of a mailbox: the share of its last messages that bounced or were refused for their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.db import fetch_all

LAST_MESSAGES = 200
MINIMUM_MESSAGES = 30
PAUSES_AT_PERCENT = 3.0
WARNS_AT_PERCENT = 1.5


@dataclass(frozen=True, slots=True)
class Health:
    """`bounced` of the last `messages`; below the minimum nothing is concluded."""

    messages: int
    bounced: int

    @property
    def percent(self) -> float:
        return 100 * self.bounced / self.messages if self.messages else 0.0

    @property
    def is_broken(self) -> bool:
        return self.messages >= MINIMUM_MESSAGES and self.percent >= PAUSES_AT_PERCENT

    @property
    def is_warning(self) -> bool:
        return self.messages >= MINIMUM_MESSAGES and self.percent >= WARNS_AT_PERCENT


_HEALTH = """
SELECT b.id, h.messages, h.bounced
FROM emails_mailbox b CROSS JOIN LATERAL (
    SELECT count(*) AS messages,
           count(*) FILTER (WHERE error_class IN ('recipient_permanent', 'content') OR EXISTS (
               SELECT 1 FROM emails_emailevent v
               WHERE v.message_id = m.id
                 AND (v.type = 'complained' OR (v.type = 'bounced' AND v.bounce_type <> 'soft'))
           )) AS bounced
    FROM (
        SELECT id, error_class FROM emails_emailmessage
        WHERE mailbox_id = b.id AND handed_over_at IS NOT NULL
          AND (status = 'sent' OR (status = 'failed' AND error_class IN ('recipient_permanent', 'content')))
          AND handed_over_at > coalesce(CASE WHEN b.status = 'active' THEN b.status_at END, '-infinity')
        ORDER BY handed_over_at DESC LIMIT %(last)s
    ) m
) h
WHERE b.id = ANY(%(mailboxes)s::bigint[])
"""


def measure_health(mailbox_id: int) -> Health:
    """Over the last 200 messages since a user last activated the mailbox."""
    return measure_healths([mailbox_id])[mailbox_id]


def measure_healths(mailbox_ids: Sequence[int]) -> dict[int, Health]:
    """The same of several mailboxes, by id."""
    rows = fetch_all(_HEALTH, {"mailboxes": list(mailbox_ids), "last": LAST_MESSAGES})
    return {row["id"]: Health(row["messages"], row["bounced"]) for row in rows}
