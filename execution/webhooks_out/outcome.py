"""What an answer means: for its delivery the next attempt, for its subscription a pause or the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import transaction

from common.db import Row, execute
from common.text import storable_text
from execution.choices import ControlAction, ControlTarget
from execution.engine.logs import log_control
from execution.models import WebhookSubscription
from execution.webhooks_out.posting import Answer

GONE = 410
OFF_AFTER = timedelta(days=3)
"""A subscriber that has accepted nothing for so long, although it was called, is switched off."""
LONGEST_RETRY_AFTER = timedelta(hours=6)
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)
_ACTOR = "engine"

_WORKS = """
UPDATE execution_webhooksubscription SET failing_since = NULL, held_until = NULL
WHERE id = %(id)s AND (failing_since IS NOT NULL OR held_until IS NOT NULL)
"""
_FAILS = """
UPDATE execution_webhooksubscription
SET failing_since = coalesce(failing_since, %(now)s), held_until = greatest(held_until, %(held)s)
WHERE id = %(id)s
"""
_OFF = """
UPDATE execution_webhooksubscription
SET is_active = false, disabled_at = %(now)s, disabled_reason = %(reason)s
WHERE id = %(id)s AND is_active AND (%(gone)s OR failing_since <= %(off_before)s)
"""


def next_state(row: Row, answer: Answer, now: datetime) -> dict[str, Any]:
    """The columns of a delivery after an attempt. `row`: of its claim."""
    text = storable_text(answer.text)[:500]
    result = {"state": "pending", "next": None, "code": answer.status_code, "response": text, "delivered": None}
    if answer.is_accepted:
        return result | {"state": "delivered", "delivered": now}
    if answer.status_code == GONE:
        return result | {"state": "failed"}
    pause = min(_FIRST_PAUSE * 2 ** min(row["attempts"] - 1, 20), _LONGEST_PAUSE)
    next_at = now + max(pause, read_retry_after(answer, now))
    return result | ({"next": next_at} if next_at < row["give_up_at"] else {"state": "failed"})


def record_health(subscription_id: int, answer: Answer, now: datetime) -> None:
    """Note on the subscription that it works or fails; switch it off when it is gone or has failed for days."""
    if answer.is_accepted:
        execute(_WORKS, {"id": subscription_id})
        return
    asked = read_retry_after(answer, now)
    execute(_FAILS, {"id": subscription_id, "now": now, "held": now + asked if asked else None})
    is_gone = answer.status_code == GONE
    last = f"status {answer.status_code}" if answer.status_code else storable_text(answer.text)
    reason = (
        "The endpoint answered 410 Gone: it wants no more events."
        if is_gone
        else f"The endpoint has accepted nothing for {OFF_AFTER.days} days; the last answer: {last}"[:300]
    )
    with transaction.atomic():
        values = {"id": subscription_id, "now": now, "reason": reason, "gone": is_gone, "off_before": now - OFF_AFTER}
        if execute(_OFF, values):
            row = WebhookSubscription.objects.get(pk=subscription_id)
            change = {"what": "webhook", "field": "is_active", "before": True, "after": False}
            log_control(ControlTarget.WEBHOOK, row, ControlAction.EDITED, _ACTOR, reason, now, [change])


def read_retry_after(answer: Answer, now: datetime) -> timedelta:
    """What `Retry-After` (RFC 9110, section 10.2.3: seconds or a date) asks for, six hours at most; else nothing."""
    text = answer.retry_after.strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text[:10])
    else:
        try:
            at = parsedate_to_datetime(text)
        except (TypeError, ValueError, OverflowError):
            return timedelta()
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_RETRY_AFTER.total_seconds()))
