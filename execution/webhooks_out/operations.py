"""Actions of users on webhooks: subscribe, change, rotate, test, redeliver, replay.

Must not call an endpoint: delivering does.
"""

from __future__ import annotations

import uuid
from collections import Counter
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
from execution.webhooks_out.fan_out import GIVES_UP_AFTER, queue_again
from execution.webhooks_out.posting import RefusedAddressError, validate_endpoint
from execution.webhooks_out.signing import is_standard, make_secret, rotate
from sequences.models import Workspace

MOST_REPLAYED = 100_000
SECRET_FORM = "It must be whsec_ and the Base64 of 24 to 64 bytes; leave it out to have one created."
_SECRET_CHANGED = {"what": "webhook", "field": "secret", "before": "(secret)", "after": "(secret)"}


class InvalidWebhookError(ValueError):
    """Invalid input: `field` names the field, the text says what to do."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


class SwitchedOffError(Exception):
    """The subscription is switched off: nothing is delivered to it."""


def subscribe(workspace: Workspace, values: Mapping[str, Any], *, actor: str, now: datetime) -> WebhookSubscription:
    """It receives events from now on. Without a secret one is created. Raises `InvalidWebhookError`."""
    validate_subscription(values)
    row = WebhookSubscription(workspace=workspace, created_by=actor, created_at=now, scanned_at=now)
    with transaction.atomic():
        stored = _store(row, {**values, "secret": values.get("secret") or make_secret()})
        log_control(ControlTarget.WEBHOOK, stored, ControlAction.CREATED, actor, "", now)
    return stored


def change_subscription(
    row: WebhookSubscription, values: Mapping[str, Any], *, actor: str, now: datetime
) -> WebhookSubscription:
    """Change only the given values. Raises `InvalidWebhookError`."""
    validate_subscription(values)
    with transaction.atomic():
        stored: WebhookSubscription = WebhookSubscription.objects.select_for_update(no_key=True).get(pk=row.pk)
        names = ("url", "events", "is_active")
        before = {name: getattr(stored, name) for name in names}
        _store(stored, values)
        changes = [
            {"what": "webhook", "field": name, "before": before[name], "after": getattr(stored, name)}
            for name in names
            if before[name] != getattr(stored, name)
        ]
        if "secret" in values:
            changes.append(_SECRET_CHANGED)
        log_control(ControlTarget.WEBHOOK, stored, ControlAction.EDITED, actor, "", now, changes)
    return stored


def rotate_secret(row: WebhookSubscription, *, actor: str, now: datetime) -> str:
    """The new secret. The one before it signs too for 24 hours."""
    with transaction.atomic():
        stored = WebhookSubscription.objects.select_for_update(no_key=True).get(pk=row.pk)
        stored.secret = rotate(stored.secret or {}, now)
        stored.save(update_fields=["secret"])
        log_control(
            ControlTarget.WEBHOOK, stored, ControlAction.EDITED, actor, "the secret was rotated", now, [_SECRET_CHANGED]
        )
    return str(stored.secret["secret"])


def unsubscribe(row: WebhookSubscription, *, actor: str, now: datetime) -> None:
    """Delete it with its deliveries: it receives nothing more."""
    with transaction.atomic():
        # a transaction that queues deliveries for it holds its row; they are deleted too
        WebhookSubscription.objects.select_for_update().filter(pk=row.pk).first()
        log_control(ControlTarget.WEBHOOK, row, ControlAction.DELETED, actor, "", now)
        row.delete()


def ping(subscription: WebhookSubscription, now: datetime) -> WebhookDelivery:
    """Queue a test delivery."""
    fact = f"ping:{uuid.uuid4()}"
    payload = {
        "id": fact,
        "type": PING,
        "event": PING,
        "workspace": subscription.workspace_id,
        "occurred_at": instant_text(now),
    }
    return WebhookDelivery.objects.create(
        workspace_id=subscription.workspace_id,
        subscription=subscription,
        fact=fact,
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


def replay(
    row: WebhookSubscription, since: datetime, until: datetime | None, events: Sequence[str] | None, now: datetime
) -> Counter[str]:
    """Deliver what happened from `since` to `until` (now) again, of some of its events or all: how many of each.

    Raises `InvalidWebhookError` for a period that is not in the past or too long, and for events it does not receive;
    `SwitchedOffError`.
    """
    if not row.is_active:
        raise SwitchedOffError
    if since >= now:
        raise InvalidWebhookError("since", "It lies in the future: name a time that has passed.")
    if until is not None and until <= since:
        raise InvalidWebhookError("until", "It must be after since.")
    if events is not None and ALL not in row.events and (others := set(events) - set(row.events)):
        raise InvalidWebhookError("events", f"It does not receive {min(others)!r}, only: {', '.join(row.events)}.")
    chosen = row.events if events is None else events
    if not chosen:
        raise InvalidWebhookError("events", "Name at least one event, or leave it out for all.")
    with transaction.atomic():
        WebhookSubscription.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
        queued = queue_again(row, chosen, since, min(until or now, now), MOST_REPLAYED + 1, now)
        if queued.total() > MOST_REPLAYED:
            raise InvalidWebhookError("since", f"More than {MOST_REPLAYED:,} events: choose a shorter period.")
    return queued


def validate_subscription(values: Mapping[str, Any]) -> None:
    """Raises `InvalidWebhookError` for an endpoint that may not be called, unknown events and a wrong secret."""
    if "url" in values:
        try:
            validate_endpoint(values["url"], members_dialler())
        except RefusedAddressError as error:
            raise InvalidWebhookError("url", f"{error}.") from None
    if "secret" in values and not is_standard(values["secret"]):
        raise InvalidWebhookError("secret", SECRET_FORM)
    if "events" in values:
        if not values["events"]:
            raise InvalidWebhookError("events", f"Name at least one event, or {ALL} for all.")
        if unknown := set(values["events"]) - {ALL, *EVENTS}:
            raise InvalidWebhookError("events", f"{min(unknown)!r} is not one of: {ALL}, {', '.join(EVENTS)}.")


def _store(row: WebhookSubscription, values: Mapping[str, Any]) -> WebhookSubscription:
    for name in ("url", "is_active"):
        if name in values:
            setattr(row, name, values[name])
    if "events" in values:
        row.events = sorted(set(values["events"]))
    if "secret" in values:
        row.secret = {"secret": values["secret"]}
    if "is_active" in values:
        # a user has decided: the count of failures starts from zero
        row.failing_since = row.held_until = row.disabled_at = None
        row.disabled_reason = ""
    row.save()
    return row
