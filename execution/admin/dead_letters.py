"""The list "Needs review": quarantined enrollments with their errors, to replay or discard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from execution.admin.actions import DISCARD, REPLAY
from execution.admin.confirm import SUBJECTS_SHOWN, ConfirmsActions, on_one, on_selected
from execution.control.dead_letters import Group, find_similar, list_groups
from execution.models import DeadLetter
from sequences.access.admin_rights import Right
from sequences.access.roles import workspace_ids_of
from sequences.choices import label_of
from sequences.interface.admin.base import FactsAdmin, by_choice, label_column, time_column
from sequences.interface.admin.quick_filters import HasQuickFilters, QuickFilter
from sequences.interface.admin.times import show_breakable


class OpenFilter(DropdownFilter):
    """Without a choice the open ones, unless a resolution is chosen."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved"), ("all", "All, also resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "resolved":
                return queryset.filter(resolved_at__isnull=False)
            case "all":
                return queryset
            case None if request.GET.get("resolution__exact"):
                return queryset
            case _:
                return queryset.filter(resolved_at__isnull=True)


class KindFilter(DropdownFilter):
    """Groups open dead letters with the same cause, the most frequent first."""

    title = "kind"
    parameter_name = "similar_to"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(group.example), _name_group(group)) for group in list_groups(workspace_ids_of(request.user))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(pk__in=find_similar(int(value))) if value and value.isdecimal() else queryset


def _name_group(group: Group) -> str:
    place = f"{group.sequence}, step {group.step_number}" if group.step_number else group.sequence
    return f"{group.count:,} × {group.error[:70]} ({place})"


@admin.register(DeadLetter)
class DeadLetterAdmin(HasQuickFilters, ConfirmsActions, FactsAdmin):
    right = Right("enrollment__owner_id", is_shared=True)
    quick_filters = (
        QuickFilter("Open"),
        QuickFilter("Resolved", (("state", "resolved"),)),
        QuickFilter("All", (("state", "all"),)),
    )
    list_title = "Needs review"
    empty_text = "Enrollments appear here when a step fails and retrying does not help."
    list_display = (
        "show_contact", "show_error", "attempts", time_column("created_at", "failed"), "show_resolution", "resolved_by",
    )  # fmt: skip
    list_fullwidth = True
    list_display_links = ("show_contact",)
    list_filter = (OpenFilter, KindFilter, *by_choice("resolution"))
    list_select_related = ("enrollment__contact", "enrollment__sequence")
    search_fields = ("enrollment__contact__email", "error")
    leading_fields = ("show_contact", "enrollment", "step", "error_class", "error", "show_trace")
    hidden_fields = ("id", "error_trace")
    actions = ("replay_selected", "discard_selected")
    actions_detail = ("replay_one", "discard_one")

    replay_selected, replay_one = on_selected(REPLAY), on_one(REPLAY)
    discard_selected, discard_one = on_selected(DISCARD), on_one(DISCARD)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("enrollment__contact", "enrollment__sequence", "step")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        if row is None or row.resolved_at is not None:
            return []
        return super().get_actions_detail(request, object_id)  # type: ignore[no-any-return]

    def name_subjects(self, queryset: QuerySet[Any]) -> Iterable[str]:
        return [f"{row.enrollment.contact.email}: {row}" for row in queryset[:SUBJECTS_SHOWN]]

    @admin.display(description="contact", ordering="enrollment__contact__email")
    def show_contact(self, row: DeadLetter) -> SafeString:
        email, sequence = show_breakable(row.enrollment.contact.email), row.enrollment.sequence.name
        return format_html('{} <span class="se-second">in {}</span>', email, sequence)

    @admin.display(description="error", ordering="error")
    def show_error(self, row: DeadLetter) -> SafeString:
        return format_html('{} <span class="se-second">{}</span>', row.error, label_of(row.error_class))

    @admin.display(description="traceback")
    def show_trace(self, row: DeadLetter) -> SafeString | str:
        return format_html('<pre class="se-code">{}</pre>', row.error_trace) if row.error_trace else "–"

    @label_column("resolution", {"": "danger"}, ordering="resolution")
    def show_resolution(self, row: DeadLetter) -> tuple[str, str]:
        return row.resolution, row.get_resolution_display() if row.resolution else "Open"
