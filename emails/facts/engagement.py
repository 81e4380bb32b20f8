"""What became of emails after they were sent, from the facts that are stored of them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from common.db import Row, fetch_all
from emails.choices import EventType, Verdict
from emails.models import EmailEvent

# Openings and clicks of machines are stored, and are no engagement.
_OF_HUMANS = (EventType.OPENED, EventType.CLICKED)
_READ = """
SELECT m.id,
       min(v.occurred_at) FILTER (WHERE v.type = 'delivered') AS delivered_at,
       min(v.occurred_at) FILTER (WHERE v.type = 'opened' AND v.verdict = 'human') AS first_opened_at,
       count(v.id) FILTER (WHERE v.type = 'opened' AND v.verdict = 'human') AS opens,
       min(v.occurred_at) FILTER (WHERE v.type = 'clicked' AND v.verdict = 'human') AS first_clicked_at,
       count(v.id) FILTER (WHERE v.type = 'clicked' AND v.verdict = 'human') AS clicks,
       min(v.occurred_at) FILTER (WHERE v.type = 'replied') AS replied_at,
       max(v.occurred_at) FILTER (WHERE v.type = 'bounced') AS bounced_at,
       coalesce((array_agg(v.bounce_type ORDER BY v.occurred_at DESC, v.id DESC)
                 FILTER (WHERE v.type = 'bounced'))[1], '') AS bounce_type,
       min(v.occurred_at) FILTER (WHERE v.type = 'complained') AS complained_at,
       min(v.occurred_at) FILTER (WHERE v.type = 'unsubscribed') AS unsubscribed_at
FROM unnest(%(ids)s::bigint[]) AS m(id) LEFT JOIN emails_emailevent v ON v.message_id = m.id
GROUP BY m.id
"""


def read_engagement(message_ids: Sequence[int]) -> dict[int, Row]:
    """By id of the message, every one of them, in one statement. `bounced_at` and `bounce_type` are of the last one."""
    rows = fetch_all(_READ, {"ids": list(message_ids)}) if message_ids else []
    return {row.pop("id"): row for row in rows}


def has_event(kind: EventType) -> Q:
    """That a message has a fact of this kind; opens and clicks of people only."""
    found = EmailEvent.objects.filter(message=OuterRef("pk"), type=kind.value)
    if kind in _OF_HUMANS:
        found = found.filter(verdict=Verdict.HUMAN.value)
    return Q(Exists(found))
