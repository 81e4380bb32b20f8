"""The list of what other systems reported about contacts. Read-only."""

from __future__ import annotations

from django.contrib import admin
from unfold.paginator import InfinitePaginator

from emails.models import ExternalEvent
from sequences.interface.admin.base import FactsAdmin, filter_by, time_column
from sequences.models import Workspace


@admin.register(ExternalEvent)
class ExternalEventAdmin(FactsAdmin):
    list_display = (time_column("occurred_at", "when"), "type", "contact", "event_key", "actor", "workspace")
    list_display_links = ("type",)
    list_filter = (filter_by(Workspace, "workspace", "name"),)
    list_select_related = ("workspace", "contact")
    search_fields = ("type", "event_key", "contact__email")
    paginator = InfinitePaginator
    hidden_fields = ("id", "stored_in")
