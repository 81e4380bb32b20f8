"""The admin of outgoing webhooks: subscriptions and their deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
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

from execution.admin.confirm import Action, ActionForm, ConfirmsActions, EmptyForm, ReaderTimeField, on_one, on_selected
from execution.choices import DeliveryState
from execution.control.enrollments import Report
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.events import ALL, EVENTS
from execution.webhooks_out.operations import (
    InvalidWebhookError,
    SwitchedOffError,
    change_subscription,
    ping,
    redeliver,
    replay,
    rotate_secret,
    subscribe,
    unsubscribe,
    validate_subscription,
)
from execution.webhooks_out.outcome import OFF_AFTER
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
from sequences.interface.admin.times import show_time

_COLOURS = {
    DeliveryState.PENDING.value: "info",
    DeliveryState.DELIVERED.value: "success",
    DeliveryState.FAILED.value: "danger",
}


_STATE_COLOURS = {"active": "success", "failing": "warning", "off": "danger"}


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


class ReplayForm(ActionForm):
    since = ReaderTimeField()
    until = ReaderTimeField(required=False, note="Leave empty for now.")
    events = forms.MultipleChoiceField(
        choices=[(event, event) for event in EVENTS], required=False, widget=UnfoldAdminSelectMultipleWidget,
        help_text="Leave empty for all that the webhook receives.",
    )  # fmt: skip

    def clean_since(self) -> datetime:
        since: datetime = self.cleaned_data["since"]
        if since >= timezone.now():
            raise forms.ValidationError("This time lies in the future: choose one that has passed.")
        return since


def _rotate(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    for row in WebhookSubscription.objects.filter(pk__in=ids):
        secret = rotate_secret(row, actor=name_actor(request), now=timezone.now())
        messages.warning(request, f"Copy the new signing secret now, it is shown only once: {secret}")
    return Report(changed=list(ids))


def _replay(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    report = Report()
    for row in WebhookSubscription.objects.filter(pk__in=ids):
        try:
            queued = replay(row, answers["since"], answers["until"], answers["events"] or None, timezone.now())
        except InvalidWebhookError as error:
            report.refused[row.pk] = str(error)
        except SwitchedOffError:
            report.refused[row.pk] = "it is switched off: switch it on first"
        else:
            report.changed.append(row.pk)
            messages.info(request, f"Events that are delivered again: {queued.total():,}.")
    return report


ROTATE = Action(
    "rotate_secret", "Rotate the secret", "Rotated the secret of", "key",
    "Creates a new signing secret and shows it once. The current one signs too for 24 hours.", _rotate, EmptyForm,
)  # fmt: skip
REPLAY = Action(
    "replay", "Replay", "Replayed events to", "replay",
    "Delivers what was recorded in a period again, also what was delivered. A repetition has the same id.",
    _replay, ReplayForm,
)  # fmt: skip
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
        "url", "show_events", "show_state", "show_deliveries", "workspace", time_column("created_at", "since"),
    )  # fmt: skip
    list_select_related = ("workspace",)
    search_fields = ("url",)
    fields = ("workspace", "url", "events", "is_active", "show_why")
    actions = ("ping_selected",)
    readonly_fields = ("show_why",)
    actions_detail = ("ping_one", "rotate_secret_one", "replay_one")
    takes_along = (WebhookDelivery,)

    ping_selected, ping_one = on_selected(PING), on_one(PING)
    rotate_secret_one, replay_one = on_one(ROTATE), on_one(REPLAY)

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

    @label_column("state", _STATE_COLOURS, ordering="is_active")
    def show_state(self, row: WebhookSubscription) -> tuple[str, str]:
        state = "off" if not row.is_active else "failing" if row.failing_since else "active"
        return state, state.title()

    @admin.display(description="State")
    def show_why(self, row: WebhookSubscription) -> str:
        if row.disabled_at:
            return format_html("Switched off {}: {}", show_time(row.disabled_at), row.disabled_reason)
        if row.pk and not row.is_active:
            return "Switched off by a user."
        if row.failing_since:
            since = show_time(row.failing_since)
            return format_html("Failing since {}; switched off after {} days.", since, OFF_AFTER.days)
        return "Active."

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
