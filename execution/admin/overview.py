"""The admin's first page, by role: the own day, the team's rates and who needs help, the engine's figures and charts.

Presents `execution.insight.home`, `team` and `overview`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from execution.admin.approvals import show_to_approve
from execution.admin.onboarding import list_onboarding
from execution.insight.home import read_day
from execution.insight.overview import Hour, Overview, read_overview
from execution.insight.progress import Part
from execution.insight.queue import COUNTED_AT_MOST, read_state
from execution.insight.team import read_team
from sequences.access.admin_rights import manages_any_of
from sequences.access.roles import is_operator, managed_workspaces, workspace_ids_of
from sequences.models import Workspace

_LATE = timedelta(minutes=5)
_WORKSPACES_SHOWN = 5
_CHART_HEIGHT, _BAR_WIDTH, _BAR_STEP = 96, 14, 18
_PARTS = {
    Part.LANES: "sending queues",
    Part.INBOXES: "inboxes",
    Part.WEBHOOKS: "webhooks",
    Part.LOOPS: "executor",
    Part.WORKERS: "heartbeat",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One figure. `tone`: empty, warning or danger."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Age:
    """How long the oldest of one part of the product has been due."""

    label: str
    value: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a chart, in pixels from the left and from the bottom. `label` is its tooltip."""

    x: int
    y: float
    height: float
    label: str


def fill_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page: the sections of the reader's role."""
    now = timezone.now()
    ids = workspace_ids_of(request.user)
    for_operator, is_managing = is_operator(request.user), manages_any_of(request)
    context |= {"title": "Home", "chart_height": _CHART_HEIGHT, "bar_width": _BAR_WIDTH}
    if for_operator or is_managing:
        overview = read_overview(ids, now, for_operator=for_operator)
        context |= {"state": overview.status, **_present_engine(overview, request.user)}
    else:
        context["state"] = read_state(now)
    if is_managing:
        managed = list(managed_workspaces(request.user).order_by("pk").values_list("pk", flat=True))
        context["team"] = read_team(managed, now, timezone.get_current_timezone_name())
    if ids:
        until = timezone.localtime(now).replace(hour=23, minute=59, second=59, microsecond=0)
        context["to_approve"] = show_to_approve(request)
        context["day"] = read_day(request.user.pk or 0, ids, now, until)
    own = Workspace.objects.for_user(request.user)
    context |= {
        "paused_workspaces": own.exclude(sending_paused_at=None).order_by("name"),
        "managed_workspaces": managed_workspaces(request.user).order_by("name")[:_WORKSPACES_SHOWN],
    }
    return context | {"onboarding": list_onboarding(request), "is_alone": not ids and not for_operator}


def _present_engine(overview: Overview, reader: Any) -> dict[str, Any]:
    most_sent = max((hour.sent for hour in overview.hours), default=0)
    delays = [hour.delay_p95_seconds for hour in overview.hours if hour.delay_p95_seconds is not None]
    return {
        "overview": overview,
        "cards": _cards(overview, reader),
        "ages": [
            Age(label, _age(timedelta(seconds=overview.progress.ages[part])), overview.progress.is_late(part))
            for part, label in _PARTS.items()
        ],
        "sent_bars": _bars(overview.hours, "sent"),
        "delay_bars": _bars(overview.hours, "delay_p95_seconds"),
        "chart_width": _BAR_STEP * len(overview.hours),
        # five along the axis: a day ago, and every six hours until now
        "clocks": [*(f"{timezone.localtime(hour.at):%H:%M}" for hour in overview.hours[::6]), "now"],
        # None where there is nothing to draw
        "most_sent": f"{most_sent:,}" if most_sent else None,
        "longest_delay": _seconds(max(delays)) if delays else None,
    }


def _cards(overview: Overview, reader: Any) -> list[Card]:
    """With links to the pages that the reader can open."""
    status = overview.status
    queue = reverse("admin:sequences_enrollment_changelist")
    overdue, failing = f"{queue}?needs=overdue", f"{queue}?needs=errors"
    if not reader.has_perm("sequences.view_enrollment"):
        overdue = failing = ""
    oldest = timedelta(seconds=status.oldest_due_seconds)
    is_late = oldest > _LATE
    is_slow = (status.delay_p95_seconds or 0) > _LATE.total_seconds()
    due_note = _describe_oldest(oldest) if status.queue_depth else "nothing is due"
    letters = reverse("admin:execution_deadletter_changelist") if reader.has_perm("execution.view_deadletter") else ""
    errors, held = status.errors_last_hour, status.quarantined
    return [
        Card(
            "Queue depth",
            _bounded(status.queue_depth),
            due_note,
            "warning" if is_late else "",
            overdue,
        ),
        Card("Processing", f"{status.processing:,}", "emails being sent"),
        Card("Completed (last hour)", f"{status.completed_last_hour:,}", "steps"),
        Card(
            "Errors (last hour)",
            f"{errors:,}",
            "in the log",
            "danger" if errors else "",
            failing,
        ),
        Card("Needs review", _bounded(held), "quarantined enrollments", "danger" if held else "", letters),
        Card(
            "Processing delay (p95)",
            _seconds(status.delay_p95_seconds),
            f"last hour; median {_seconds(status.delay_p50_seconds)}",
            "warning" if is_slow else "",
        ),
    ]


def _bars(hours: tuple[Hour, ...], field: str) -> list[Bar]:
    values = [getattr(hour, field) or 0 for hour in hours]
    most = max(values, default=0) or 1
    bars = []
    for number, (hour, value) in enumerate(zip(hours, values, strict=True)):
        height = max(_CHART_HEIGHT * value / most, 1.0 if value else 0.0)
        emails = "1 email" if value == 1 else f"{value:,} emails"
        text = emails if field == "sent" else f"p95 {_seconds(getattr(hour, field))}"
        bars.append(
            Bar(
                number * _BAR_STEP,
                _CHART_HEIGHT - height,
                height,
                f"{timezone.localtime(hour.at):%a %d %b %H:%M}: {text}",
            )
        )
    return bars


def _bounded(number: int) -> str:
    return f"{COUNTED_AT_MOST:,}+" if number > COUNTED_AT_MOST else f"{number:,}"


def _describe_oldest(oldest: timedelta) -> str:
    return f"oldest due {_age(oldest)} ago" if oldest >= timedelta(seconds=1) else "due now"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 1_000:.0f} ms"
    return f"{value:.1f} s" if value < 10 else _age(timedelta(seconds=value))


def _age(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
