"""One round of webhooks: new facts become deliveries, due deliveries are posted. Any number may run at once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from execution.models import WebhookSubscription
from execution.webhooks_out.delivering import deliver_pending
from execution.webhooks_out.fan_out import fan_out


def deliver_webhooks(now: datetime) -> int:
    """Return how many deliveries were tried; 0: nothing is due."""
    if not WebhookSubscription.objects.filter(is_active=True).exists():
        return 0
    with transaction.atomic():
        fan_out(now)
    return deliver_pending(now)
