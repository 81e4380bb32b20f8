"""The pages "Sending queues": all mailboxes, and one mailbox with its queue. Presents emails.sending.lane_view."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from emails.choices import BreakerState, MailboxStatus
from emails.models import Mailbox
from emails.pacing.limits import Usage
from emails.sending.lane_view import LaneView, read_lane, read_lanes
from sequences.interface.admin.base import scope_rows

LANES_PER_PAGE = 50
QUEUE_SHOWN = 100
# the circuit breaker in the words of mail
_SERVER_STATES = {BreakerState.CLOSED: "OK", BreakerState.OPEN: "Failing", BreakerState.HALF_OPEN: "Trying again"}


class LanePages:
    """Adds the pages to the admin of mailboxes."""

    admin_site: Any
    model: type[Mailbox]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("lanes/", view(self.lanes_view), name="emails_mailbox_lanes"),
            path("<int:object_id>/lane/", view(self.lane_view), name="emails_mailbox_lane"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def lanes_view(self, request: HttpRequest) -> HttpResponse:
        mailboxes = self._visible(request).order_by("address", "pk")
        page = Paginator(mailboxes, LANES_PER_PAGE).get_page(request.GET.get("p"))
        now = timezone.now()
        lanes = [present_lane(lane, now) for lane in read_lanes(list(page), now)]
        context = {
            **self.admin_site.each_context(request),
            "title": "Sending queues",
            "lanes": lanes,
            "page": page,
        }
        return TemplateResponse(request, "admin/emails/mailbox/lanes.html", context)

    def lane_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        mailbox = get_object_or_404(self._visible(request), pk=object_id)
        now = timezone.now()
        lane = read_lane(mailbox, now, QUEUE_SHOWN)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Sending queue of {mailbox.address}",
            "mailbox": mailbox,
            "lane": lane,
            "shown": present_lane(lane, now),
            "not_shown": max(0, lane.queue_length - len(lane.queue)),
        }
        return TemplateResponse(request, "admin/emails/mailbox/lane.html", context)

    def _visible(self, request: HttpRequest) -> Any:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        return scope_rows(Mailbox.objects.all(), request)


def present_lane(lane: LaneView, now: datetime) -> dict[str, Any]:
    """The cells of one lane. `slot_at` is None when send spacing allows a send now."""
    slot_at = lane.next_slot_at
    return {
        "lane": lane,
        "url": reverse("admin:emails_mailbox_lane", args=[lane.mailbox_id]),
        "state": lane.status.capitalize(),
        "state_variant": "success" if lane.status == MailboxStatus.ACTIVE else "danger",
        "breaker": _SERVER_STATES[lane.breaker.state],
        "breaker_variant": "success" if lane.breaker.state is BreakerState.CLOSED else "danger",
        "usages": [present_usage(usage) for usage in lane.usages],
        "slot_at": slot_at if slot_at is not None and slot_at > now else None,
        "hold": _first_hold(lane),
    }


def present_usage(usage: Usage) -> dict[str, Any]:
    """One cap with its usage in percent."""
    cap = usage.cap
    target = f" {cap.target}" if cap.scope == "recipient_domain" else ""
    scope = "Ramp-up" if cap.is_ramp else f"{cap.scope.label}{target}"
    return {
        "name": f"{scope}, first emails" if cap.first_touch_only else scope,
        "detail": usage.detail,
        "percent": min(100, round(100 * usage.used / cap.maximum)) if cap.maximum else 100,
        "is_full": usage.is_full,
        "frees_at": usage.frees_at,
    }


def _first_hold(lane: LaneView) -> str:
    """The most important hold on the whole lane; empty for none."""
    if lane.status != MailboxStatus.ACTIVE:
        return lane.status_reason
    if lane.breaker.state is not BreakerState.CLOSED:
        return lane.breaker_error or "The mail server is failing"
    if lane.held_by:
        return lane.held_by.partition(": ")[2] or lane.held_by
    if lane.is_inbox_stale:
        return "Follow-ups wait: the inbox has not been checked lately, and there may be a reply"
    return ""
