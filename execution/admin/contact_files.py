"""Imports and exports contacts as CSV in the admin: map the columns, check the result, then import.

The file is carried in the form from step to step; nothing is stored before the last one.
"""

from __future__ import annotations

import base64
import io
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from common.deadlocks import retry_deadlocks
from emails.facts.opted_out import suppress_opted_out
from execution.admin.finding.imported import keep_imported
from execution.admin.uploads import MOST_BYTES, pack_file, unpack_file
from execution.control.replan_calendar import Replanned, replan_contacts
from sequences.contacts.column_choices import propose_choices, remember_choices
from sequences.contacts.contact_importer import store_import
from sequences.contacts.csv_columns import KNOWN_COLUMNS, name_typed_column, read_columns
from sequences.contacts.csv_export import export_contacts
from sequences.contacts.csv_form import RESERVED, ContactsFile
from sequences.contacts.csv_import import ImportedContacts, import_contacts
from sequences.contacts.csv_reader import CellsFile, CsvFormError, UnreadableError
from sequences.contacts.stored_imports import is_large
from sequences.interface.admin.base import name_actor, scope_rows
from sequences.models import ContactImport, Workspace

ROWS_SHOWN = 5
_BYTES_PEEKED = 262_144
REJECTS_SHOWN = 50
_IMPORT = action(description="Import CSV", url_path="import", permissions=["add"], icon="upload_file")
_EXPORT = action(description="Export CSV", url_path="export", permissions=["view"], icon="download")


class FileForm(forms.Form):
    workspace = forms.ModelChoiceField(queryset=Workspace.objects.none(), widget=UnfoldAdminSelectWidget)
    file = forms.FileField(
        label="CSV file",
        widget=UnfoldAdminFileFieldWidget,
        help_text="UTF-8, with a header row and a column for the email address.",
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspaces = scope_rows(Workspace.objects.all(), request)
        self.fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]
        self.fields["workspace"].initial = workspaces.first()

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError("The file is larger than 10 MB. Split it, or use manage.py import_contacts.")
        return file


class MappingForm(forms.Form):
    """The contact field for each column of the file."""

    def __init__(self, *args: Any, columns: list[str], workspace_id: int, rows: list[list[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        proposed = propose_choices(workspace_id, columns)
        for place, (column, read_as) in enumerate(zip(columns, read_columns(columns), strict=True)):
            own = name_typed_column(read_as.name, read_as.type)
            choices = [("", "Do not import"), *((known, _label(known)) for known in KNOWN_COLUMNS)]
            choices += [
                (name, f"Merge field {name.partition(':')[0]}")
                for name in dict.fromkeys((own, proposed[column]))
                if name and name not in KNOWN_COLUMNS and name not in RESERVED
            ]
            field = forms.ChoiceField(
                label=column or f"column {place + 1}",
                choices=choices,
                initial=proposed[column],
                required=False,
                widget=UnfoldAdminSelectWidget,
            )
            field.examples = [row[place] for row in rows if place < len(row) and row[place].strip()]  # type: ignore[attr-defined]
            self.fields[f"column_{place}"] = field
        self._columns = columns

    @property
    def mapping(self) -> dict[str, str]:
        values = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return {
            column: values.get(f"column_{place}", self.fields[f"column_{place}"].initial)
            for place, column in enumerate(self._columns)
        }


def _label(known: str) -> str:
    labels = {"timezone": "Time zone", "external_id": "External ID", "domain": "Domain or website"}
    return labels.get(known) or known.replace("_", " ").capitalize()


class ContactFiles:
    """Adds the import and export buttons and their pages to the admin of contacts."""

    admin_site: Any

    def _show_import(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        is_mapped = "content" in request.POST
        form = FileForm(request.POST or None, None if is_mapped else request.FILES or None, request=request)
        if is_mapped:
            del form.fields["file"]
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            name = request.POST.get("name", "contacts.csv") if is_mapped else form.cleaned_data["file"].name
            try:
                content = unpack_file(request.POST["content"]) if is_mapped else form.cleaned_data["file"].read()
                found = self._map(request, form.cleaned_data["workspace"], name, content, is_mapped=is_mapped)
                if isinstance(found, ContactImport):
                    return redirect("admin:sequences_contactimport_change", found.pk)
                context |= found
            except CsvFormError as error:
                form.add_error(None, str(error))
        page = {**self.admin_site.each_context(request), "title": "Import contacts", **context}
        return TemplateResponse(request, "admin/sequences/contact/import.html", page)

    def _map(
        self, request: HttpRequest, workspace: Workspace, name: str, content: bytes, *, is_mapped: bool
    ) -> dict[str, Any] | ContactImport:
        # the user chooses the column of the address
        cells = CellsFile(name, io.BytesIO(content))
        columns = cells.columns
        # of the beginning only: a file may begin with millions of blank rows
        rows = CellsFile(name, io.BytesIO(content[:_BYTES_PEEKED])).peek(ROWS_SHOWN)
        mapping_form = MappingForm(
            request.POST if is_mapped else None, columns=columns, workspace_id=workspace.pk, rows=rows
        )
        is_stored = "store" in request.POST and mapping_form.is_valid()
        context: dict[str, Any] = {
            "mapping_form": mapping_form,
            "workspace": workspace,
            "name": name,
            "content": pack_file(content),
            "columns": columns,
            "rows": rows,
            "is_stored": is_stored,
        }
        if is_large(io.BytesIO(content)):
            return self._map_large(request, context, content, is_mapped=is_mapped)

        @transaction.atomic
        def store() -> tuple[ImportedContacts, Replanned]:
            imported = import_contacts(
                workspace.pk, name, io.BytesIO(content), timezone.now(), mapping=mapping_form.mapping
            )
            replanned = replan_contacts(imported.old_zones, actor=name_actor(request), now=timezone.now())
            suppress_opted_out(workspace.pk, imported.opted_out, name_actor(request), timezone.now())
            remember_choices(workspace.pk, mapping_form.mapping)
            transaction.set_rollback(not is_stored)
            return imported, replanned

        try:
            imported, replanned = retry_deadlocks(store)
        except UnreadableError:
            raise
        except CsvFormError as error:
            return {**context, "problem": str(error), "is_stored": False}
        if is_stored:
            keep_imported(request, imported.contact_ids)
            messages.success(request, f"Imported {name}: {imported.created:,} created, {imported.updated:,} updated.")
            if imported.opted_out:
                number = len(imported.opted_out)
                messages.info(request, f"{number:,} of the file must not be mailed: they are on the suppression list.")
            if replanned.planned:
                messages.info(request, str(replanned))
        rejects = _encode_rejects(imported)
        return {
            **context,
            "imported": imported,
            "rejected": imported.rejected[:REJECTS_SHOWN],
            "rejects_file": rejects,
            "warnings": imported.warnings[:REJECTS_SHOWN],
        }

    def _map_large(
        self, request: HttpRequest, context: dict[str, Any], content: bytes, *, is_mapped: bool
    ) -> dict[str, Any] | ContactImport:
        """For an executor: only the header is read here. The import or its check once one of them is asked for."""
        form = context["mapping_form"]
        context |= {"is_large": True, "is_stored": False}
        is_asked = is_mapped and form.is_valid() and not {"store", "check"}.isdisjoint(request.POST)
        try:
            if is_asked:
                if "store" in request.POST:
                    remember_choices(context["workspace"].pk, form.mapping)
                return store_import(
                    context["workspace"], context["name"], io.BytesIO(content), mapping=form.mapping,
                    is_dry_run="store" not in request.POST, actor=name_actor(request), now=timezone.now(),
                )  # fmt: skip
            ContactsFile(context["name"], io.BytesIO(content), form.mapping)
        except CsvFormError as error:
            return {**context, "problem": str(error)}
        return context

    def _send_export(self, request: HttpRequest) -> StreamingHttpResponse:
        headers = {"Content-Disposition": 'attachment; filename="contacts.csv"'}
        lines = export_contacts(self.get_queryset(request))  # type: ignore[attr-defined]
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    import_file = _IMPORT(_show_import)
    export_file = _EXPORT(_send_export)


def _encode_rejects(imported: ImportedContacts) -> str:
    if not imported.rejected:
        return ""
    return base64.b64encode("".join(imported.rejects_file()).encode()).decode()
