"""The page "Forecast": what each mailbox sends on each of the next days. Presents execution.insight.forecast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from execution.insight.forecast import forecast_workspaces
from execution.insight.forecast_accuracy import ComparedDay, compare_forecasts, describe_errors
from execution.insight.sending_domains import read_sending_domains
from sequences.access.roles import workspace_ids_of


class ForecastPage:
    """Adds the page to the admin of mailboxes."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.forecast_view)
        return [path("forecast/", view, name="emails_mailbox_forecast"), *super().get_urls()]  # type: ignore[misc]

    def forecast_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        workspaces, now = workspace_ids_of(request.user), timezone.now()
        found, compared = forecast_workspaces(workspaces, now), compare_forecasts(workspaces, now)
        mailboxes = [list(days) for _, days in groupby(found.days, key=attrgetter("mailbox"))]
        context = {
            **self.admin_site.each_context(request),
            "title": "Forecast",
            "mailboxes": [(days[0], days, _past_days(compared, days[0].mailbox)) for days in mailboxes],
            "errors": describe_errors(compared),
            "assumptions": found.assumptions,
            "domains": read_sending_domains(workspaces, now),
        }
        return TemplateResponse(request, "admin/emails/mailbox/forecast.html", context)


def _past_days(compared: Sequence[ComparedDay], mailbox: int) -> list[tuple[date, int, dict[str, int | None]]]:
    """The days of one mailbox that are over, the latest first: what it sent, and by how far ahead the forecasts."""
    own = [day for day in compared if day.mailbox == mailbox]
    by_date = [(at, list(days)) for at, days in groupby(own, key=attrgetter("date"))]
    return [
        (
            at,
            days[0].sent,
            {
                "day": next((d.forecast for d in days if d.days_ahead == 1), None),
                "week": next((d.forecast for d in days if d.days_ahead == 7), None),
            },
        )
        for at, days in reversed(by_date)
    ]
