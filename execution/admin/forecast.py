"""The page "Forecast": what each mailbox sends on each of the next days. Presents execution.insight.forecast."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from execution.insight.forecast import forecast_workspaces
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
        found = forecast_workspaces(workspace_ids_of(request.user), timezone.now())
        mailboxes = [list(days) for _, days in groupby(found.days, key=attrgetter("mailbox"))]
        context = {
            **self.admin_site.each_context(request),
            "title": "Forecast",
            "mailboxes": [(days[0], days) for days in mailboxes],
            "assumptions": found.assumptions,
        }
        return TemplateResponse(request, "admin/emails/mailbox/forecast.html", context)
