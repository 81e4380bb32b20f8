"""Actions of users on webhooks: subscribe, change, test, redeliver. Must not call an endpoint: delivering does."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from common.dialler import members_dialler
from common.text import instant_text
from execution.choices import ControlAction, ControlTarget, DeliveryState
from execution.control.enrollments import Report
from execution.engine.logs import log_control
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.events import ALL, EVENTS, PING
from execution.webhooks_out.fan_out import GIVES_UP_AFTER
from execution.webhooks_out.posting import RefusedAddressError, validate_endpoint
from execution.webhooks_out.signing import make_secret
from sequences.models import Workspace


class InvalidWebhookError(ValueError):
    """Invalid input: `field` names the field, the text says what to do."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


def subscribe(workspace: Workspace, values: Mapping[str, Any], *, actor: str, now: datetime) -> WebhookSubscription:
    """It receives events from now on. Without a secret one is created. Raises `InvalidWebhookError`."""
    row = WebhookSubscription(workspace=workspace, created_by=actor, created_at=now, scanned_at=now)
    with transaction.atomic():
        stored = _store(row, {**values, "secret": values.get("secret") or make_secret()})
        log_control(ControlTarget.WEBHOOK, stored, ControlAction.CREATED, actor, "", now)
    return stored


def change_subscription(
    row: WebhookSubscription, values: Mapping[str, Any], *, actor: str, now: datetime
) -> WebhookSubscription:
    """Change only the given values. Raises `InvalidWebhookError`."""
    with transaction.atomic():
        before = WebhookSubscription.objects.select_for_update(no_key=True).get(pk=row.pk)
        stored = _store(row, values)
        changes = [
            {"what": "webhook", "field": name, "before": getattr(before, name), "after": getattr(stored, name)}
            for name in ("url", "events", "is_active")
            if getattr(before, name) != getattr(stored, name)
        ]
        if "secret" in values:
            changes.append({"what": "webhook", "field": "secret", "before": "(secret)", "after": "(secret)"})
        log_control(ControlTarget.WEBHOOK, stored, ControlAction.EDITED, actor, "", now, changes)
    return stored


def unsubscribe(row: WebhookSubscription, *, actor: str, now: datetime) -> None:
    """Delete it with its deliveries: it receives nothing more."""
    with transaction.atomic():
        # a transaction that queues deliveries for it holds its row; they are deleted too
        WebhookSubscription.objects.select_for_update().filter(pk=row.pk).first()
        log_control(ControlTarget.WEBHOOK, row, ControlAction.DELETED, actor, "", now)
        row.delete()


def ping(subscription: WebhookSubscription, now: datetime) -> WebhookDelivery:
    """Queue a test delivery."""
    payload = {
        "event": PING,
        "workspace": subscription.workspace_id,
        "occurred_at": instant_text(now),
    }
    return WebhookDelivery.objects.create(
        workspace_id=subscription.workspace_id,
        subscription=subscription,
        fact=f"ping:{uuid.uuid4()}",
        event=PING,
        payload=payload,
        next_attempt_at=now,
        give_up_at=now + GIVES_UP_AFTER,
        created_at=now,
    )


def redeliver(ids: Sequence[int], now: datetime) -> Report:
    """Deliver these again, at once and for another 24 hours, whatever their state."""
    changed = list(WebhookDelivery.objects.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    WebhookDelivery.objects.filter(pk__in=changed).update(
        state=DeliveryState.PENDING.value,
        attempts=0,
        next_attempt_at=now,
        give_up_at=now + GIVES_UP_AFTER,
        lease_token=None,
        leased_until=None,
        delivered_at=None,
    )
    return Report(changed=changed)


def validate_subscription(values: Mapping[str, Any]) -> None:
    """Raises `InvalidWebhookError` for an endpoint that may not be called and for unknown events."""
    if "url" in values:
        try:
            validate_endpoint(values["url"], members_dialler())
        except RefusedAddressError as error:
            raise InvalidWebhookError("url", f"{error}.") from None
    if "events" in values:
        if not values["events"]:
            raise InvalidWebhookError("events", f"Name at least one event, or {ALL} for all.")
        if unknown := set(values["events"]) - {ALL, *EVENTS}:
            raise InvalidWebhookError("events", f"{min(unknown)!r} is not one of: {ALL}, {', '.join(EVENTS)}.")


def _store(row: WebhookSubscription, values: Mapping[str, Any]) -> WebhookSubscription:
    validate_subscription(values)
    for name in ("url", "is_active"):
        if name in values:
            setattr(row, name, values[name])
    if "events" in values:
        row.events = sorted(set(values["events"]))
    if "secret" in values:
        row.secret = {"secret": values["secret"]}
    row.save()
    return row
