"""`/api/contacts` and `/api/accounts`: read and written by every member, deleted by managers; contacts as CSV too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.addresses import normalize_for_search
from common.deadlocks import retry_deadlocks
from sequences.access.roles import is_manager, name_actor
from sequences.api.contact_imports import ContactImportSerializer
from sequences.contacts.contact_importer import store_import
from sequences.contacts.csv_export import export_contacts
from sequences.contacts.csv_import import ImportedContacts, import_contacts
from sequences.contacts.csv_reader import CsvFormError
from sequences.contacts.merge_field_search import having_merge_field
from sequences.contacts.operations import (
    InUseError,
    TakenError,
    change_row,
    create_row,
    delete_contact,
    validate_fields,
)
from sequences.contacts.queries import has_address, was_imported_by
from sequences.contacts.stored_imports import is_large
from sequences.contacts.upserts import AmbiguousError, UnnamedError, find_upserted
from sequences.interface.api.addresses import AddressField, WebsiteField
from sequences.interface.api.base import (
    CSV_OR_PROBLEM,
    BoundedSearch,
    IdFilter,
    ReadViewSet,
    TimeFilter,
    UpdatedFilter,
)
from sequences.interface.api.dry_run import is_dry_run, mark_dry_run
from sequences.interface.api.parameters import OwnWorkspaceField, only_workspace
from sequences.interface.api.parsers import FormParser
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.serializers import MERGE_FIELDS, TEXTS, RejectedRowSerializer
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Account, Contact
from sequences.models.people import LONGEST_EXTERNAL_ID, validate_external_id


class WorkspaceRowSerializer(StrictModelSerializer[Any]):
    """The workspace is named when it is made, and stays."""

    workspace = OwnWorkspaceField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        fields["workspace"].read_only = self.instance is not None
        return fields


class ExternalIdField(serializers.CharField):
    """An id of another system; runs of white space are one blank, as in files."""

    def to_internal_value(self, data: Any) -> str:
        text = " ".join(super().to_internal_value(data).split())
        try:
            validate_external_id(text)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from None
        return text


class ContactSerializer(WorkspaceRowSerializer):
    email = AddressField()
    external_id = ExternalIdField(
        required=False,
        allow_null=True,
        max_length=LONGEST_EXTERNAL_ID,
        help_text="The contact's id in another system, such as a CRM; one contact of a workspace has it.",
    )

    class Meta:
        model = Contact
        fields = [
            "id", "workspace", "account", "email", "external_id", "first_name", "last_name", "title", "phone",
            "timezone", "fields", "engagement_score", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "engagement_score", "created_at", "updated_at"]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        extend_schema_field(MERGE_FIELDS)(fields["fields"])  # type: ignore[type-var]
        if request := self.context.get("request"):
            fields["account"].queryset = Account.objects.for_user(request.user)  # type: ignore[attr-defined]
        return fields

    def validate_fields(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise serializers.ValidationError("It must be an object of merge fields.")
        if problem := validate_fields(value):
            raise serializers.ValidationError(f"{problem}.")
        return value


class UpsertContactSerializer(ContactSerializer):
    """A contact named by `email`, `external_id` or both. What is not given stays as it is; `fields` are added."""

    email = AddressField(required=False)


class AccountSerializer(WorkspaceRowSerializer):
    domain = WebsiteField(required=False, allow_blank=True)

    class Meta:
        model = Account
        fields = ["id", "workspace", "name", "domain", "timezone", "engagement_score", "created_at", "updated_at"]
        read_only_fields = ["id", "engagement_score", "created_at", "updated_at"]


class ContactFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    account = IdFilter(field_name="account_id")
    email = django_filters.CharFilter(method="filter_email", label="In upper or lower case.")
    external_id = django_filters.CharFilter(field_name="external_id", label="Exactly as it is stored.")
    domain = django_filters.CharFilter(method="filter_domain", label="Of the address.")
    timezone = django_filters.CharFilter(field_name="timezone")
    score_at_least = django_filters.NumberFilter(field_name="engagement_score", lookup_expr="gte")
    created_after = TimeFilter(field_name="created_at", lookup_expr="gt")
    merge_field_name = django_filters.CharFilter(method="filter_merge_field", label="A merge field that they have.")
    merge_field_value = django_filters.CharFilter(method="filter_merge_field", label="A part of its value.")
    contact_import = IdFilter(method="filter_import", label="The stored import that created or updated them.")

    def filter_import(self, rows: QuerySet[Contact], name: str, value: Decimal) -> QuerySet[Contact]:
        return rows.filter(was_imported_by(int(value)))

    def filter_merge_field(self, rows: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        given = [str(self.data.get(f"merge_field_{part}") or "") for part in ("name", "value")]
        # either of the two asks for both
        return rows if name == "merge_field_value" and given[0] else having_merge_field(rows, *given)

    def filter_email(self, rows: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        return rows.filter(has_address(value))

    def filter_domain(self, rows: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        domain = normalize_for_search(f"any@{value.strip().removeprefix('@')}").rpartition("@")[2]
        return rows.filter(email__endswith=f"@{domain}")


class AccountFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    domain = django_filters.CharFilter(field_name="domain", lookup_expr="iexact")
    name = django_filters.CharFilter(field_name="name", lookup_expr="icontains")


@extend_schema_field(TEXTS)
class _MappingField(serializers.JSONField):
    pass


class ImportContactsSerializer(StrictSerializer):
    workspace = OwnWorkspaceField()
    file = serializers.FileField(help_text="CSV in UTF-8 with a header row and a column email.")
    mapping = _MappingField(
        required=False,
        default=dict,
        help_text='What columns are read as, "" to leave one out: `{"E-Mail": "email", "Notes": ""}`.',
    )

    def validate_mapping(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
            raise serializers.ValidationError("It must be an object of texts.")
        return value


class ImportedContactsSerializer(StrictSerializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    rejected = RejectedRowSerializer(many=True)
    opted_out = serializers.IntegerField(
        required=False, help_text="Contacts that the file says must not be mailed: they are on the suppression list."
    )
    warnings = RejectedRowSerializer(
        many=True, required=False, help_text="Stored without a cell that was unusable, or must not be mailed."
    )


class WrittenViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, ReadViewSet):
    """Every member writes; managers and admins delete."""

    filter_backends = [*ReadViewSet.filter_backends, BoundedSearch]
    has_etags = True

    def perform_create(self, serializer: Any) -> None:
        values = serializer.validated_data
        workspace = values.pop("workspace", None) or only_workspace(self.request)
        self._check_account(values, workspace.pk)
        self._save(serializer, lambda: create_row(serializer.Meta.model, workspace, values))

    def perform_update(self, serializer: Any) -> None:
        values = serializer.validated_data
        self._check_account(values, serializer.instance.workspace_id)
        self._save(serializer, lambda: change_row(serializer.instance, values, timezone.now()))

    def perform_destroy(self, instance: Any) -> None:
        if not is_manager(self.request.user, instance.workspace_id):
            raise PermissionDenied("Only a manager or an admin can delete it.")
        try:
            self.delete_row(instance)
        except InUseError as error:
            raise ConflictError(f"Not possible: {error}.") from None

    def delete_row(self, row: Model) -> None:
        row.delete()

    def _check_account(self, values: dict[str, Any], workspace_id: int) -> None:
        account = values.get("account")
        if account is not None and account.workspace_id != workspace_id:
            raise ValidationError({"account": ["The workspace of the contact has no such account."]})

    def _save(self, serializer: Any, save: Any) -> None:
        try:
            serializer.instance = save()
        except TakenError as error:
            raise ValidationError({error.field: [str(error)]}) from None


class ContactViewSet(WrittenViewSet):
    """Contacts. Every member writes them; managers and admins delete those without enrollments."""

    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    search_fields = ("email", "first_name", "last_name", "account__name")
    ordering_fields = ("id", "email", "engagement_score", "created_at", "updated_at")

    def delete_row(self, row: Model) -> None:
        delete_contact(row)  # type: ignore[arg-type]

    @extend_schema(
        operation_id="contacts_upsert",
        request=UpsertContactSerializer,
        responses={200: ContactSerializer, 201: ContactSerializer},
    )
    def upsert(self, request: Request) -> Response:
        """Create the contact that `email` or `external_id` names, or change it: 201 or 200.

        What is not given stays as it is, and `fields` are added to those that are stored. Both given and naming two
        contacts, or a contact that has another external id: 409.
        """
        context = self.get_serializer_context()
        form = UpsertContactSerializer(data=request.data, partial=True, context=context)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.pop("workspace", None) or only_workspace(request)
        try:
            with find_upserted(workspace.pk, values.get("email"), values.get("external_id")) as found:
                if found is None:
                    serializer = ContactSerializer(data=request.data, context=context)
                    serializer.is_valid(raise_exception=True)
                    self.perform_create(serializer)
                else:
                    given = {name: request.data[name] for name in values}
                    if "fields" in values:
                        given["fields"] = {**found.fields, **values["fields"]}
                    serializer = ContactSerializer(found, data=given, partial=True, context=context)
                    serializer.is_valid(raise_exception=True)
                    if any(getattr(found, name) != value for name, value in serializer.validated_data.items()):
                        self.perform_update(serializer)
        except UnnamedError as error:
            raise ValidationError({"email": [f"{error}."]}) from None
        except AmbiguousError as error:
            raise ConflictError(f"{error}.") from None
        made = found is None
        return Response(serializer.data, status=status.HTTP_201_CREATED if made else status.HTTP_200_OK)

    @extend_schema(
        request={"multipart/form-data": ImportContactsSerializer},
        responses={200: ImportedContactsSerializer, 202: ContactImportSerializer},
    )
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[FormParser], rehearses_itself=True)
    def import_file(self, request: Request) -> Response:
        """Create and update contacts from a CSV file. Rows that cannot be used are answered with their reasons.

        A file of more than 1 MB or 2,000 lines is stored and imported by an executor: 202 and its `url`, where its
        progress is read. A dry run alike.
        """
        form = ImportContactsSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.get("workspace") or only_workspace(request)
        file, mapping, now = values["file"], values["mapping"], timezone.now()
        is_rehearsed = is_dry_run(request)

        @transaction.atomic
        def store() -> ImportedContacts:
            file.seek(0)
            imported = import_contacts(workspace.pk, file.name, file, now, mapping=mapping)
            self.note_imported(workspace.pk, imported)
            transaction.set_rollback(is_rehearsed)
            return imported

        try:
            if is_large(file):
                stored = store_import(
                    workspace, file.name, file, mapping=mapping, is_dry_run=is_rehearsed,
                    actor=name_actor(request.user), now=now,
                )  # fmt: skip
                answer = ContactImportSerializer(stored, context={"request": request}).data
                return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]})
            imported = retry_deadlocks(store)
        except CsvFormError as error:
            raise ValidationError({"file": [str(error)]}) from None
        response = Response(ImportedContactsSerializer(imported.present()).data)
        return mark_dry_run(response, self.blank_new) if is_rehearsed else response

    def note_imported(self, workspace_id: int, imported: ImportedContacts) -> None:
        """Hook: replan what depends on the imported contacts, and suppress those that opted out."""

    @extend_schema(filters=True, responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=False, methods=["get"], filterset_class=ContactFilter, renderer_classes=CSV_OR_PROBLEM)
    def export(self, request: Request) -> StreamingHttpResponse:
        """The list as CSV, in the form that can be imported."""
        rows: QuerySet[Contact] = self.filter_queryset(self.get_queryset())
        headers = {"Content-Disposition": 'attachment; filename="contacts.csv"'}
        return StreamingHttpResponse(export_contacts(rows), content_type="text/csv; charset=utf-8", headers=headers)


class AccountViewSet(WrittenViewSet):
    """Accounts that contacts belong to. Every member writes them; managers and admins delete them, contacts stay."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    search_fields = ("name", "domain")
    ordering_fields = ("id", "name", "engagement_score", "updated_at")
