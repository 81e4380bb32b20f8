"""`/api/contact-imports`: how far stored imports of contacts have come, and the rows that they rejected."""

from __future__ import annotations

from typing import Any

import django_filters
from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from sequences.choices import ImportKind, ImportState
from sequences.contacts.csv_import import write_rejects
from sequences.contacts.stored_imports import list_rejects, list_warnings
from sequences.interface.api.base import CSV_OR_PROBLEM, IdFilter, ReadViewSet
from sequences.interface.api.serializers import RejectedRowSerializer
from sequences.interface.api.strict import StrictModelSerializer
from sequences.models import ContactImport

WARNINGS_SHOWN = 100


class StoredImportSerializer(StrictModelSerializer[ContactImport]):
    """Of every kind of import; `route` is its own."""

    route: str
    url = serializers.SerializerMethodField(help_text="Where its progress is read.")
    state = serializers.ChoiceField(choices=ImportState.choices(), read_only=True)
    rows = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Of the file; null until they are counted."
    )
    problem = serializers.CharField(read_only=True, help_text="Why it has failed, else empty.")

    class Meta:
        model = ContactImport
        fields = [
            "id", "url", "workspace", "file_name", "state", "problem", "is_dry_run", "rows", "done", "created",
            "updated", "rejected", "created_by", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_url(self, stored: ContactImport) -> str:
        return reverse(f"api:{self.route}-detail", args=[stored.pk])


class ContactImportSerializer(StoredImportSerializer):
    route = "contact-import"


class ContactImportDetailSerializer(ContactImportSerializer):
    warnings = serializers.SerializerMethodField()

    class Meta(ContactImportSerializer.Meta):
        fields = [*ContactImportSerializer.Meta.fields, "warnings"]
        read_only_fields = fields

    @extend_schema_field(RejectedRowSerializer(many=True))
    def get_warnings(self, stored: ContactImport) -> list[dict[str, Any]]:
        """The first 100 rows that were stored without a cell that was unusable."""
        return list_warnings(stored, WARNINGS_SHOWN)


class ContactImportFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    state = django_filters.ChoiceFilter(choices=ImportState.choices())


class StoredImportViewSet(ReadViewSet):
    """Reads one kind of import."""

    filterset_class = ContactImportFilter

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], renderer_classes=CSV_OR_PROBLEM)
    def rejects(self, request: Request, pk: str) -> StreamingHttpResponse:
        """The rejected rows with their reasons as CSV, to be corrected and imported again."""
        stored = self.get_object()
        headers = {"Content-Disposition": f'attachment; filename="rejects-{stored.pk}.csv"'}
        lines = write_rejects(stored.columns, list_rejects(stored))
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


class ContactImportViewSet(StoredImportViewSet):
    """Imports of contacts by files of more than 1 MB or 2,000 lines. Kept for 30 days after their end."""

    queryset = ContactImport.objects.filter(kind=ImportKind.CONTACTS.value).defer("content")
    serializer_class = ContactImportSerializer

    def get_serializer_class(self) -> Any:
        return ContactImportDetailSerializer if self.action == "retrieve" else super().get_serializer_class()
