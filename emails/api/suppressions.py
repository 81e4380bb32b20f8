"""`/api/suppressions`: addresses that must not be mailed. Every member adds; managers and admins remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.notify import notify_engine
from emails.api.suppression_imports import SuppressionImportSerializer
from emails.choices import SuppressionAction, SuppressionReason
from emails.facts.suppression_files import export_suppressions, import_suppressions, read_entry
from emails.facts.suppression_importer import store_suppression_import
from emails.facts.suppressions import Entry, remove_suppressions, suppress_entries
from emails.models import Suppression, SuppressionChange
from sequences.access.roles import is_manager, name_actor
from sequences.contacts.csv_reader import CsvFormError, RejectedRow
from sequences.contacts.erased import ERASED_REASON, find_erased
from sequences.contacts.stored_imports import is_large
from sequences.interface.api.base import CSV_OR_PROBLEM, IdFilter, InstantField, ReadViewSet, UpdatedFilter
from sequences.interface.api.dry_run import is_dry_run, mark_dry_run
from sequences.interface.api.parameters import (
    OwnWorkspaceField,
    only_workspace,
    read_query_and_body,
    takes_body,
    takes_parameters,
)
from sequences.interface.api.parsers import FormParser
from sequences.interface.api.serializers import RejectedRowSerializer
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer


class SuppressionSerializer(StrictModelSerializer[Suppression]):
    class Meta:
        model = Suppression
        fields = [
            "id",
            "workspace",
            "email",
            "domain",
            "reason",
            "note",
            "actor",
            "created_at",
            "expires_at",
            "updated_at",
        ]
        read_only_fields = fields


class _WorkspaceSerializer(StrictSerializer):
    workspace = OwnWorkspaceField()
    reason = serializers.ChoiceField(choices=SuppressionReason.choices(), default=SuppressionReason.MANUAL.value)


class AddSuppressionSerializer(_WorkspaceSerializer):
    """Either `email` or `domain`."""

    email = serializers.CharField(required=False, allow_blank=True, default="", max_length=254)
    domain = serializers.CharField(required=False, allow_blank=True, default="", max_length=253)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    expires_at = InstantField(required=False, allow_null=True, default=None)


class ImportSuppressionsSerializer(_WorkspaceSerializer):
    file = serializers.FileField(help_text="CSV with a column email or domain, and if wanted reason, note, expires.")


class RemoveSuppressionSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500, help_text="Stands in the history.")


class ImportedSuppressionsSerializer(StrictSerializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    known = serializers.IntegerField()
    rejected = RejectedRowSerializer(many=True)


class SuppressionChangeSerializer(StrictModelSerializer[SuppressionChange]):
    class Meta:
        model = SuppressionChange
        fields = ["id", "workspace", "email", "domain", "action", "reason", "note", "actor", "at"]
        read_only_fields = fields


class _LowerFilter(django_filters.CharFilter):
    """For what is stored in lower case."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter(qs, value.lower())
        return found


class _NamedFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    email = _LowerFilter(field_name="email")
    domain = _LowerFilter(field_name="domain")
    reason = django_filters.ChoiceFilter(choices=SuppressionReason.choices())


class SuppressionFilter(UpdatedFilter, _NamedFilter):
    pass


class SuppressionChangeFilter(_NamedFilter):
    action = django_filters.ChoiceFilter(choices=SuppressionAction.choices())


class SuppressionViewSet(ReadViewSet):
    """Addresses and domains that must not be mailed. Every member adds; managers and admins remove."""

    queryset = Suppression.objects.all()
    serializer_class = SuppressionSerializer
    filterset_class = SuppressionFilter
    ordering_fields = ("id", "created_at", "updated_at")

    @extend_schema(request=AddSuppressionSerializer, responses={200: SuppressionSerializer, 201: SuppressionSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Suppress one address or domain. 200: it was suppressed already, for as long or longer."""
        form = AddSuppressionSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.get("workspace") or only_workspace(request)
        entry = _read(values)
        now = timezone.now()
        if entry.email and find_erased(workspace.pk, [entry.email]):
            raise ValidationError({"email": [f"It {ERASED_REASON}."]})
        with transaction.atomic():
            stored = suppress_entries(workspace.pk, [entry], actor=name_actor(request.user), now=now)
            notify_engine()
        row = Suppression.objects.for_user(request.user).get(
            workspace=workspace, email=entry.email, domain=entry.domain
        )
        code = status.HTTP_201_CREATED if stored.added else status.HTTP_200_OK
        return Response(SuppressionSerializer(row).data, status=code)

    @takes_body
    @takes_parameters(OpenApiParameter("reason", str, description="Why, where a body cannot be sent."))
    @extend_schema(
        request=RemoveSuppressionSerializer,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        """Remove it from the list, with a `reason`. Enrollments that it ended stay ended."""
        row = self.get_object()
        if not is_manager(request.user, row.workspace_id):
            raise PermissionDenied("Only a manager or an admin removes an entry of this list.")
        form = RemoveSuppressionSerializer(data=read_query_and_body(request))
        form.is_valid(raise_exception=True)
        remove_suppressions(
            [row.pk],
            actor=name_actor(request.user),
            reason=form.validated_data["reason"],
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        request={"multipart/form-data": ImportSuppressionsSerializer},
        responses={200: ImportedSuppressionsSerializer, 202: SuppressionImportSerializer},
    )
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[FormParser], rehearses_itself=True)
    def import_file(self, request: Request) -> Response:
        """Suppress what a CSV file lists. Rows that cannot be used are answered with their reasons.

        A file of more than 1 MB or 2,000 lines is stored and imported by an executor: 202 and its `url`, where its
        progress is read. A dry run alike.
        """
        form = ImportSuppressionsSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.get("workspace") or only_workspace(request)
        file, reason, is_rehearsed = values["file"], SuppressionReason(values["reason"]), is_dry_run(request)
        actor, now = name_actor(request.user), timezone.now()
        try:
            if is_large(file):
                stored = store_suppression_import(
                    workspace, file.name, file, reason=reason, is_dry_run=is_rehearsed, actor=actor, now=now
                )
                answer = SuppressionImportSerializer(stored, context={"request": request}).data
                return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]})
            with transaction.atomic():
                imported = import_suppressions(workspace.pk, file.name, file, actor=actor, now=now, reason=reason)
                transaction.set_rollback(is_rehearsed)
        except CsvFormError as error:
            raise ValidationError({"file": [str(error)]}) from None
        response = Response(ImportedSuppressionsSerializer(imported.present()).data)
        return mark_dry_run(response, self.blank_new) if is_rehearsed else response

    @extend_schema(filters=True, responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=False, methods=["get"], filterset_class=SuppressionFilter, renderer_classes=CSV_OR_PROBLEM)
    def export(self, request: Request) -> StreamingHttpResponse:
        """The list as CSV, in the form that can be imported."""
        rows: QuerySet[Suppression] = self.filter_queryset(self.get_queryset())
        headers = {"Content-Disposition": 'attachment; filename="suppressions.csv"'}
        return StreamingHttpResponse(export_suppressions(rows), content_type="text/csv; charset=utf-8", headers=headers)


class SuppressionChangeViewSet(ReadViewSet):
    """Entries added to the list and removed from it, with time, actor and reason."""

    queryset = SuppressionChange.objects.all()
    serializer_class = SuppressionChangeSerializer
    filterset_class = SuppressionChangeFilter


def _read(values: Mapping[str, Any]) -> Entry:
    cells = {name: str(values.get(name) or "") for name in ("email", "domain", "reason", "note")}
    if values["expires_at"]:
        cells["expires"] = values["expires_at"].isoformat()
    found = read_entry(cells, 0, (), SuppressionReason(values["reason"]), timezone.now())
    if isinstance(found, RejectedRow):
        raise ValidationError({_find_field(cells, found): [found.reason]})
    return found


def _find_field(cells: Mapping[str, str], rejected: RejectedRow) -> str:
    if rejected.reason.startswith("expires"):
        return "expires_at"
    return "domain" if cells["domain"] and not cells["email"] else "email"
