"""The admin of stored imports: their progress, what they rejected, and a link to what they imported."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action

from sequences.access.admin_rights import MEMBERS
from sequences.choices import ImportKind, ImportState
from sequences.contacts.csv_import import write_rejects
from sequences.contacts.queries import was_imported_by
from sequences.contacts.stored_imports import list_rejects, list_warnings
from sequences.interface.admin.base import FactsAdmin, by_choice, filter_by, label_column, scope_rows, time_column
from sequences.models import ContactImport, Workspace

_WARNINGS_SHOWN = 50
_IMPORTS_OFFERED = 20
_REJECTS = action(description="Rejected rows as CSV", url_path="rejects", permissions=["view"], icon="download")
_COLOURS = {state.label: colour for state, colour in ((ImportState.DONE, "success"), (ImportState.FAILED, "danger"))}


class ImportFilter(DropdownFilter):
    """Of contacts: those that a stored import created or updated; the newest imports are offered."""

    title = "import"
    parameter_name = "contact_import"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        imports = ContactImport.objects.filter(kind=ImportKind.CONTACTS.value, is_dry_run=False)
        rows = scope_rows(imports, request).order_by("-pk")
        shown = rows.values_list("pk", "file_name", "created_at")[:_IMPORTS_OFFERED]
        return [(str(pk), f"{name}, {at:%Y-%m-%d %H:%M} UTC") for pk, name, at in shown]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(was_imported_by(int(value))) if value and value.isdecimal() else queryset


@admin.register(ContactImport)
class ContactImportAdmin(FactsAdmin):
    right = MEMBERS
    list_title = "Imports"
    empty_text = "Files of more than 1 MB or 2,000 lines appear here when they are imported."
    list_display = (
        "file_name", "kind", "show_state", "show_progress", "created", "updated", "rejected", "created_by",
        time_column("created_at", "uploaded"), "workspace",
    )  # fmt: skip
    list_filter = (filter_by(Workspace, "workspace", "name"), *by_choice("kind", "state"))
    list_select_related = ("workspace",)
    search_fields = ("file_name", "created_by")
    ordering = ("-pk",)
    hidden_fields = ("content", "columns", "mapping", "lease", "leased_until", "served_at", "attempts")
    actions_detail = ("send_rejects",)
    change_form_outer_before_template = "admin/sequences/contactimport/progress.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).defer("content")
        return rows

    @label_column("state", _COLOURS, ordering="state")
    def show_state(self, stored: ContactImport) -> str:
        return ImportState(stored.state).label

    @admin.display(description="rows")
    def show_progress(self, stored: ContactImport) -> str:
        return f"{stored.done:,} of {stored.rows:,}" if stored.rows is not None else "not counted yet"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        stored = self.find_row(request, object_id)
        context = {"stored": stored, "warnings": list_warnings(stored, _WARNINGS_SHOWN)}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})  # type: ignore[no-any-return]

    def _send_rejects(self, request: HttpRequest, object_id: str) -> HttpResponse | StreamingHttpResponse:
        stored = self.find_row(request, object_id)
        headers = {"Content-Disposition": f'attachment; filename="rejects-{stored.pk}.csv"'}
        lines = write_rejects(stored.columns, list_rejects(stored))
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    send_rejects = _REJECTS(_send_rejects)
