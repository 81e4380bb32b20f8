"""The admin of outgoing webhooks: subscriptions and their deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminURLInputWidget

from execution.admin.confirm import Action, ConfirmsActions, EmptyForm, on_one, on_selected
from execution.choices import DeliveryState
from execution.control.enrollments import Report
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.events import ALL, EVENTS
from execution.webhooks_out.operations import (
    InvalidWebhookError,
    change_subscription,
    ping,
    redeliver,
    subscribe,
    unsubscribe,
    validate_subscription,
)
from sequences.access.admin_rights import ADMINS
from sequences.interface.admin.base import (
    FactsAdmin,
    OneWorkspaceForm,
    WorkspaceAdmin,
    by_choice,
    filter_by,
    label_column,
    name_actor,
    time_column,
)

_COLOURS = {
    DeliveryState.PENDING.value: "info",
    DeliveryState.DELIVERED.value: "success",
    DeliveryState.FAILED.value: "danger",
}


class SubscriptionForm(OneWorkspaceForm):
    url = forms.URLField(
        label="URL", max_length=500, assume_scheme="https", widget=UnfoldAdminURLInputWidget,
        help_text="Events are posted to this address, signed. Failed deliveries are retried for 24 hours.",
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        choices=[(ALL, "All events"), *((event, event) for event in EVENTS)], widget=UnfoldAdminSelectMultipleWidget
    )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors:
            try:
                validate_subscription(self.cleaned_data)
            except InvalidWebhookError as error:
                self.add_error(error.field, str(error))
        return cleaned


def _ping(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    now = timezone.now()
    for row in WebhookSubscription.objects.filter(pk__in=ids):
        ping(row, now)
    return Report(changed=list(ids))


def _redeliver(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return redeliver(ids, timezone.now())


PING = Action(
    "ping", "Send a test", "Queued a test for", "send", "Sends a ping. The result appears under its deliveries.",
    _ping, EmptyForm,
)  # fmt: skip
REDELIVER = Action(
    "redeliver", "Redeliver", "Queued again:", "refresh", "Delivers it again now, with retries for 24 hours.",
    _redeliver, EmptyForm,
)  # fmt: skip


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(ConfirmsActions, WorkspaceAdmin):
    right = ADMINS
    form: Any = SubscriptionForm
    list_display = (
        "url", "show_events", "is_active", "show_deliveries", "workspace", time_column("created_at", "since"),
    )  # fmt: skip
    list_select_related = ("workspace",)
    search_fields = ("url",)
    fields = ("workspace", "url", "events", "is_active")
    actions = ("ping_selected",)
    actions_detail = ("ping_one",)
    takes_along = (WebhookDelivery,)

    ping_selected, ping_one = on_selected(PING), on_one(PING)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in ("url", "events", "is_active")}
        if change:
            change_subscription(obj, values, actor=name_actor(request), now=timezone.now())
            return
        made = subscribe(form.cleaned_data["workspace"], values, actor=name_actor(request), now=timezone.now())
        obj.pk = made.pk
        messages.warning(request, f"Copy the signing secret now, it is shown only once: {made.secret['secret']}")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        unsubscribe(obj, actor=name_actor(request), now=timezone.now())

    @admin.display(description="deliveries")
    def show_deliveries(self, row: WebhookSubscription) -> SafeString:
        url = reverse("admin:execution_webhookdelivery_changelist")
        return format_html('<a class="se-link" href="{}?subscription={}">Show</a>', url, row.pk)

    @admin.display(description="events")
    def show_events(self, row: WebhookSubscription) -> str:
        return ", ".join(row.events)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ConfirmsActions, FactsAdmin):
    action_right = ADMINS
    list_display = (
        "event",
        "subscription",
        "show_state",
        "attempts",
        "status_code",
        time_column("created_at", "since"),
    )
    list_filter = (*by_choice("state"), filter_by(WebhookSubscription, "subscription", "url"))
    list_select_related = ("subscription",)
    paginator = InfinitePaginator
    hidden_fields = ("lease_token", "leased_until")
    actions = ("redeliver_selected",)
    actions_detail = ("redeliver_one",)

    redeliver_selected, redeliver_one = on_selected(REDELIVER), on_one(REDELIVER)

    @label_column("state", _COLOURS, ordering="state")
    def show_state(self, row: WebhookDelivery) -> tuple[str, str]:
        return row.state, row.get_state_display()
