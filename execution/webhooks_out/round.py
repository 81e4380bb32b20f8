"""Webhooks: new facts become deliveries, due deliveries are posted. Any number of processes may do both at once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from execution.models import WebhookSubscription
from execution.webhooks_out.delivering import deliver_pending
from execution.webhooks_out.fan_out import fan_out


def queue_webhooks(now: datetime) -> int:
    """Queue the facts that subscriptions have not received. Returns how many deliveries are new."""
    if not WebhookSubscription.objects.filter(is_active=True).exists():
        return 0
    with transaction.atomic():
        return fan_out(now)


def deliver_webhooks(now: datetime) -> int:
    """Queue and post some of what is due. Returns how many deliveries were tried; 0: nothing is due."""
    queue_webhooks(now)
    return deliver_pending(now)
