"""The admin of suppressions: add by form or file, remove with a reason, export; and their history."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from unfold.decorators import action
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from emails.admin.rules import SuppressionBaseAdmin
from emails.choices import SuppressionReason
from emails.facts.suppression_files import (
    ImportedSuppressions,
    export_suppressions,
    import_suppressions,
    is_plain_list,
)
from emails.facts.suppression_importer import store_suppression_import
from emails.facts.suppressions import remove_suppressions
from emails.models import Suppression, SuppressionChange
from execution.admin.confirm import Action, ConfirmsActions, RequiredReasonForm, on_one, on_selected
from execution.admin.uploads import MOST_BYTES, pack_file, unpack_file
from execution.control.enrollments import Report
from sequences.access.admin_rights import MANAGERS
from sequences.contacts.csv_reader import REJECT_COLUMN, CellsFile, CsvFormError, write_line
from sequences.contacts.stored_imports import is_large
from sequences.interface.admin.base import FactsAdmin, by_choice, filter_by, name_actor, scope_rows, time_column
from sequences.models import Workspace

_SHOWN = 50
_MOST_REJECTS = 20_000
_IMPORT = action(description="Import CSV", url_path="import", permissions=["add"], icon="upload_file")
_EXPORT = action(description="Export CSV", url_path="export", permissions=["view"], icon="download")


def _remove(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    chosen = list(ids)
    remove_suppressions(chosen, actor=name_actor(request), now=timezone.now(), **answers)
    return Report(changed=chosen)


REMOVE = Action(
    "remove",
    "Remove",
    "Removed",
    "delete",
    "The address or domain can be mailed again. Ended enrollments stay ended. The removal is logged.",
    _remove,
    RequiredReasonForm,
    is_danger=True,
)


class ImportForm(forms.Form):
    """A file and its workspace. The result is shown before anything is stored."""

    workspace = forms.ModelChoiceField(queryset=Workspace.objects.none(), widget=UnfoldAdminSelectWidget)
    file = forms.FileField(
        label="CSV file",
        widget=UnfoldAdminFileFieldWidget,
        help_text="A column email or domain, optionally reason, note and expires; or one address per line.",
    )
    reason = forms.ChoiceField(
        choices=SuppressionReason.choices(), widget=UnfoldAdminSelectWidget, help_text="For rows without a reason."
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspaces = scope_rows(Workspace.objects.all(), request)
        self.fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]
        self.fields["workspace"].initial = workspaces.first()

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(
                "The file is larger than 10 MB. Split it, or use manage.py backfill_suppressions."
            )
        return file


@admin.register(Suppression)
class SuppressionAdmin(ConfirmsActions, SuppressionBaseAdmin):
    action_right = MANAGERS
    actions = ("remove_selected",)
    actions_list = ("import_file", "export_file")
    actions_detail = ("remove_one",)

    remove_selected, remove_one = on_selected(REMOVE), on_one(REMOVE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The action "Remove" asks for a reason instead.
        return False

    def _show_import(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_carried = "content" in request.POST
        files = None if is_carried else request.FILES or None
        form = ImportForm(request.POST or None, files, request=request, initial={"reason": "manual"})
        if is_carried:
            del form.fields["file"]
        is_stored = is_carried and "store" in request.POST
        context = self._import(form, request, is_stored=is_stored) if form.is_valid() else {}
        if stored := context.get("stored"):
            return redirect("admin:sequences_contactimport_change", stored.pk)
        if is_carried and not context:
            form = ImportForm(request=request, initial={"reason": "manual"})
        page = {**self.admin_site.each_context(request), "title": "Import suppressions", "form": form, **context}
        return TemplateResponse(request, "admin/import_suppressions.html", page)

    def _import(self, form: ImportForm, request: HttpRequest, *, is_stored: bool) -> dict[str, Any]:
        values = form.cleaned_data
        file, carried = values.get("file"), request.POST.get("content", "")
        name = file.name if file else request.POST.get("name", "suppressions.csv")
        try:
            content = file.read() if file else unpack_file(carried)
            if is_large(io.BytesIO(content)):
                return self._import_large(request, values, name, content)
            with transaction.atomic():
                imported = import_suppressions(
                    values["workspace"].pk,
                    name,
                    io.BytesIO(content),
                    actor=name_actor(request),
                    now=timezone.now(),
                    reason=SuppressionReason(values["reason"]),
                )
                transaction.set_rollback(not is_stored)
        except CsvFormError as error:
            if file:
                form.add_error("file", str(error))
            else:
                messages.error(request, capfirst(str(error)))
            return {}
        if is_stored:
            messages.success(request, f"Imported {name}: {imported.created:,} added, {imported.updated:,} extended.")
        return {
            "imported": imported,
            "is_stored": is_stored,
            "carried": _carry(values, name, content),
            "rejected": imported.rejected[:_SHOWN],
            "rejects_file": _write_rejects(imported) if imported.rejected else "",
        }

    def _import_large(self, request: HttpRequest, values: dict[str, Any], name: str, content: bytes) -> dict[str, Any]:
        """For an executor, once the import or its check is asked for. Raises `CsvFormError`."""
        if {"store", "check"}.isdisjoint(request.POST):
            is_plain_list(CellsFile(name, io.BytesIO(content)))
            return {"is_large": True, "name": name, "carried": _carry(values, name, content)}
        stored = store_suppression_import(
            values["workspace"], name, io.BytesIO(content), reason=SuppressionReason(values["reason"]),
            is_dry_run="store" not in request.POST, actor=name_actor(request), now=timezone.now(),
        )  # fmt: skip
        return {"stored": stored}

    def _send_export(self, request: HttpRequest) -> StreamingHttpResponse:
        headers = {"Content-Disposition": 'attachment; filename="suppressions.csv"'}
        rows = export_suppressions(self.get_queryset(request))
        return StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8", headers=headers)

    import_file = _IMPORT(_show_import)
    export_file = _EXPORT(_send_export)


def _carry(values: dict[str, Any], name: str, content: bytes) -> list[tuple[str, Any]]:
    """The hidden fields of the second step."""
    return [
        ("workspace", values["workspace"].pk), ("reason", values["reason"]), ("name", name),
        ("content", pack_file(content)),
    ]  # fmt: skip


def _write_rejects(imported: ImportedSuppressions) -> str:
    """The rejected rows as a file that a link can hold."""
    rows = imported.rejected[:_MOST_REJECTS]
    lines = [f"…,{REJECT_COLUMN}\r\n", *(write_line([*row.cells, f"row {row.row}: {row.reason}"]) for row in rows)]
    return base64.b64encode("".join(lines).encode()).decode()


@admin.register(SuppressionChange)
class SuppressionChangeAdmin(FactsAdmin):
    list_display = (time_column("at", "when"), "__str__", "reason", "note", "actor", "workspace")
    list_display_links = ("__str__",)
    list_filter = (*by_choice("action", "reason"), filter_by(Workspace, "workspace", "name"))
    list_select_related = ("workspace",)
    search_fields = ("email", "domain", "actor")
    paginator = InfinitePaginator
    hidden_fields = ("id", "stored_in")
