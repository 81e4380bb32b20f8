"""`/api/reports/engagement`: what became of the emails that were sent, as JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.models import Mailbox
from execution.insight.reports import (
    DEFINITIONS,
    FIGURES,
    INTERVAL,
    LONGEST_DAYS,
    RATES,
    Filters,
    Group,
    Report,
    report_engagement,
)
from sequences.access.roles import workspace_ids_of
from sequences.contacts.csv_reader import write_line
from sequences.interface.api.base import CSV_OR_PROBLEM, StrictView
from sequences.interface.api.named import NamedRowField, find_named
from sequences.interface.api.parameters import takes_parameters
from sequences.interface.api.strict import StrictSerializer
from sequences.models import Membership, Sequence, Workspace

DEFAULT_DAYS = 90
_GROUPS = ", ".join(Group)


@extend_schema_field({"type": "string", "description": f"Separated by commas: {_GROUPS}.", "example": "sequence,week"})
class _GroupsField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> tuple[Group, ...]:
        words = [word.strip() for word in str(data).split(",")] if data else []
        if unknown := [word for word in words if word not in set(Group)]:
            raise serializers.ValidationError(f"{unknown[0]!r} is not known. Group by {_GROUPS}.")
        if len(set(words)) < len(words):
            raise serializers.ValidationError("Name each group once.")
        return tuple(Group(word) for word in words)

    def to_representation(self, value: Any) -> Any:
        return value


class EngagementQuerySerializer(StrictSerializer):
    group_by = _GroupsField(required=False, help_text=f"Separated by commas: {_GROUPS}. Without: one row.")
    to = serializers.DateField(required=False, help_text="The last day, included; default: today.")
    workspace = serializers.IntegerField(required=False, min_value=1)
    sequence = NamedRowField(required=False)
    mailbox = NamedRowField(required=False)
    owner = NamedRowField(required=False)
    format = serializers.ChoiceField(required=False, choices=["json", "csv"], help_text="Or by the header Accept.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        first = serializers.DateField(
            required=False, help_text=f"The first day, in each workspace's zone; default: {DEFAULT_DAYS} days before."
        )
        return {"from": first, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("group_by", ())
        end: date = attrs.setdefault("to", max(timezone.now().date(), attrs.get("from", date.min)))
        start: date = attrs.setdefault("from", end - timedelta(days=DEFAULT_DAYS))
        if start > end:
            raise serializers.ValidationError({"from": ["It lies after `to`."]})
        if (end - start).days >= LONGEST_DAYS:
            raise serializers.ValidationError({"from": [f"A report covers at most {LONGEST_DAYS} days."]})
        return attrs


class EngagementRowSerializer(StrictSerializer):
    """The columns of the groups that were asked for come first."""

    sequence = serializers.IntegerField(required=False)
    sequence_name = serializers.CharField(required=False)
    step = serializers.IntegerField(required=False, allow_null=True)
    step_number = serializers.IntegerField(required=False, allow_null=True, help_text="Null: the step was deleted.")
    step_name = serializers.CharField(required=False, allow_null=True)
    variant = serializers.CharField(required=False, allow_null=True)
    mailbox = serializers.IntegerField(required=False)
    mailbox_address = serializers.CharField(required=False)
    owner = serializers.IntegerField(required=False, allow_null=True)
    owner_email = serializers.CharField(required=False, allow_null=True)
    week = serializers.DateField(required=False, help_text="Its Monday.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        figures = {name: serializers.IntegerField(help_text=DEFINITIONS[name]) for name in FIGURES}
        return {**super().get_fields(), **figures, **_rate_fields(), **_interval_fields()}


class EngagementTotalsSerializer(StrictSerializer):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**{name: serializers.IntegerField(help_text=DEFINITIONS[name]) for name in FIGURES}, **_rate_fields()}


class EngagementReportSerializer(StrictSerializer):
    group_by = serializers.ListField(child=serializers.ChoiceField(choices=Group.choices()))
    to = serializers.DateField()
    results = EngagementRowSerializer(many=True)
    totals = EngagementTotalsSerializer()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": serializers.DateField(), **super().get_fields()}


def _rate_fields() -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    texts = {name: f"{part} in percent of {whole}; null: none {whole}." for name, (part, whole) in RATES.items()}
    return {name: serializers.FloatField(allow_null=True, help_text=text) for name, text in texts.items()}


def _interval_fields() -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    text = "Of variants only: a bound of the 95 % interval of positive_rate (Wilson); null: none delivered."
    return {name: serializers.FloatField(required=False, allow_null=True, help_text=text) for name in INTERVAL}


class ReportViewSet(StrictView):
    """Figures over many emails, for every member of their workspaces."""

    renderer_classes = CSV_OR_PROBLEM

    @takes_parameters(EngagementQuerySerializer)
    @extend_schema(
        responses={(200, "application/json"): EngagementReportSerializer, (200, "text/csv"): OpenApiTypes.STR}
    )
    @action(detail=False, methods=["get"])
    def engagement(self, request: Request) -> Response | StreamingHttpResponse:
        """Emails of the period by sequence, step, variant, mailbox, owner, week. As CSV: `?format=csv` or `Accept`."""
        form = EngagementQuerySerializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        report = report_engagement(
            _find_workspaces(request, asked.get("workspace")),
            asked["group_by"],
            asked["from"],
            asked["to"],
            _find_filters(request, asked),
        )
        if asked.get("format", "csv" if request.accepted_media_type == "text/csv" else "json") == "csv":
            return StreamingHttpResponse(
                write_report(report),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": 'attachment; filename="engagement.csv"'},
            )
        shown = {"group_by": report.groups, "to": report.end, "results": report.rows, "totals": report.totals}
        return Response({"from": report.start, **shown})


def write_report(report: Report) -> Iterator[str]:
    """CSV with a header row; dates in ISO 8601, rates in percent, empty where there is none."""
    yield write_line(report.columns)
    for row in report.rows:
        yield write_line("" if row[column] is None else str(row[column]) for column in report.columns)


def _find_workspaces(request: Request, wanted: int | None) -> list[int]:
    own = workspace_ids_of(request.user)
    if wanted is None:
        return own
    if wanted not in own:
        raise ValidationError({"workspace": ["There is no such workspace."]})
    return [wanted]


def _find_filters(request: Request, asked: dict[str, Any]) -> Filters:
    workspaces = Workspace.objects.for_user(request.user).order_by().values("pk")
    members = Membership.objects.filter(workspace__in=workspaces).values("user")
    scopes: dict[str, QuerySet[Any]] = {
        "sequence": Sequence.objects.for_user(request.user),
        "mailbox": Mailbox.objects.for_user(request.user),
        "owner": get_user_model()._default_manager.filter(pk__in=members),
    }
    found: dict[str, int] = {}
    for kind, rows in scopes.items():
        if kind in asked:
            row = find_named(rows, kind, asked[kind])
            if row is None:
                raise ValidationError({kind: [f"There is no such {kind}."]})
            found[kind] = row.pk
    return Filters(**found)
