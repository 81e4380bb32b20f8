"""Which queued emails wait for an approval: one rule for the final check, the lists, `why` and the forecast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from common.db import execute
from emails.choices import MessageStatus
from emails.models import EmailMessage
from sequences.choices import LIVE_STATUSES, SequenceStatus

#: An approval counts for so long: who approved an email did so for these days.
APPROVAL_DAYS = 14
#: What waits for longer raises an alert.
ALERT_AFTER = timedelta(days=2)
APPROVAL_LASTS = timedelta(days=APPROVAL_DAYS)

#: SQL: the email of message `m` (step `t`, sequence `s`, approval `ap`, both joined) needs an approval it has not.
IS_AWAITING = f"""(s.requires_approval AND NOT m.is_answer AND (
    ap.approved_at IS NULL OR ap.outdated_at IS NOT NULL OR ap.approved_at < %(now)s - interval '{APPROVAL_DAYS} days'
    OR ap.step_hash IS DISTINCT FROM t.content_hash OR ap.mailbox_id IS DISTINCT FROM m.mailbox_id
    OR lower(ap.recipient) IS DISTINCT FROM lower(m.recipient)))"""

_OUTDATE = "UPDATE emails_approval SET outdated_at = %(now)s WHERE message_id = ANY(%(ids)s) AND outdated_at IS NULL"
_WITHDRAW = """
UPDATE emails_approval SET approved_at = NULL, approved_by = '', digest = '',
    outdated_at = coalesce(outdated_at, %(now)s)
WHERE message_id = ANY(%(ids)s)
"""
_BLANK = """
UPDATE emails_emailmessage SET subject = '', text = '', html = ''
WHERE id = ANY(%(ids)s) AND handed_over_at IS NULL AND earlier_handed_over_at = '{}'
"""


def is_awaiting(now: datetime) -> Q:
    """`IS_AWAITING` of messages, of those that are queued by live enrollments of active sequences."""
    none = Q(approval__approved_at=None) | Q(approval__outdated_at__isnull=False)
    expired = Q(approval__approved_at__lt=now - APPROVAL_LASTS)
    changed = (
        Q(approval__step_hash__isnull=True)
        | ~Q(approval__step_hash=F("step__content_hash"))
        | ~Q(approval__mailbox_id=F("mailbox_id"))
        | ~Q(approval__recipient__iexact=F("recipient"))
    )
    return Q(
        none | expired | changed,
        status=MessageStatus.QUEUED.value,
        is_answer=False,
        enrollment__sequence__requires_approval=True,
        enrollment__status__in=[status.value for status in LIVE_STATUSES],
        enrollment__sequence__status__in=[SequenceStatus.ACTIVE.value, SequenceStatus.PAUSED.value],
    )


def filter_awaiting(messages: QuerySet[EmailMessage], now: datetime) -> QuerySet[Any]:
    return messages.filter(is_awaiting(now))


def outdate_approvals(message_ids: Sequence[int], now: datetime) -> None:
    """These emails differ from what was approved: the next final check takes them back."""
    if message_ids:
        execute(_OUTDATE, {"ids": list(message_ids), "now": now})


def withdraw_approvals(message_ids: Sequence[int], now: datetime) -> None:
    """These emails wait for an approval again."""
    if message_ids:
        execute(_WITHDRAW, {"ids": list(message_ids), "now": now})
        execute(_BLANK, {"ids": list(message_ids)})
