"""`/api/enroll-rules`: auto-enrollment rules, read by every member and written by managers."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth import get_user_model
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.models import Mailbox
from execution.api.logged import LoggedChanges
from execution.choices import ControlTarget
from execution.control.auto_enroll import RulePreview, preview_rule
from execution.control.enroll_filter import FILTERS, FilterError
from execution.control.enroll_rule_edit import InvalidRuleError, save_rule
from execution.control.enroll_rules import SkipCode
from sequences.access.roles import name_actor, require_manager, require_manager_of
from sequences.interface.api.base import IdFilter, ReadViewSet, YesNoFilter
from sequences.interface.api.named import NamedRowField, find_named
from sequences.interface.api.parameters import OwnWorkspaceField, only_workspace
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import EnrollRule, Sequence, Workspace
from sequences.models.enroll_rule import MOST_A_DAY

_SHOWN = 200
_FILTER: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"oneOf": [{"type": "string"}, {"type": "number"}]} for name in FILTERS},
    "additionalProperties": False,
    "example": {"domain": "prospect.com", "score_at_least": 20},
}


@extend_schema_field(_FILTER)
class FilterField(serializers.DictField):
    """The filters of `GET /api/contacts`, at least one that does not match every contact."""


class EnrollRuleSerializer(StrictModelSerializer[EnrollRule]):
    filter = FilterField(help_text="The filters of the list of contacts, all of which must hold.")
    sequence = NamedRowField(source="sequence_id")
    mailbox = NamedRowField(source="mailbox_id", required=False, allow_null=True)
    owner = NamedRowField(source="owner_id", required=False, allow_null=True)
    daily_maximum = serializers.IntegerField(
        min_value=1, max_value=MOST_A_DAY, help_text="Contacts a day, in the time zone of the workspace."
    )
    is_active = serializers.BooleanField(required=False, help_text="Whether the rule enrolls contacts. Default: true.")
    problem = serializers.CharField(read_only=True, help_text="Why it enrolled no contact last time; empty: nothing.")

    class Meta:
        model = EnrollRule
        fields = [
            "id", "workspace", "name", "filter", "sequence", "mailbox", "owner", "daily_maximum", "is_active",
            "problem", "made_by", "next_run_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "workspace", "problem", "made_by", "next_run_at", "created_at", "updated_at"]
        # the name is checked when it is stored
        validators: list[Any] = []


class NewEnrollRuleSerializer(EnrollRuleSerializer):
    workspace = OwnWorkspaceField()

    class Meta(EnrollRuleSerializer.Meta):
        read_only_fields = ["id", "problem", "made_by", "next_run_at", "created_at", "updated_at"]


class _EnteringSerializer(StrictSerializer):
    id = serializers.IntegerField()
    email = serializers.CharField()


class _PlannedDaySerializer(StrictSerializer):
    date = serializers.DateField()
    count = serializers.IntegerField()


class _SkippedGroupSerializer(StrictSerializer):
    code = serializers.ChoiceField(choices=SkipCode.choices())
    count = serializers.IntegerField()
    reason = serializers.CharField(help_text="Of the first of them.")


class RulePreviewSerializer(StrictSerializer):
    """What the rule would do if it ran now and no contact changed."""

    matching = serializers.IntegerField(help_text="Contacts that the filter matches.")
    enrolled_today = serializers.IntegerField(help_text="What the rule has enrolled today.")
    would_enroll_today = serializers.IntegerField()
    contacts = _EnteringSerializer(many=True, help_text=f"Those who would enter today, the first {_SHOWN}.")
    days = _PlannedDaySerializer(many=True, help_text="How many on each of the next days, today first.")
    skipped = _SkippedGroupSerializer(many=True, help_text="Contacts that a rule of enrolling keeps out.")
    problem = serializers.CharField(help_text="Why it would enroll no contact; empty: nothing.")
    is_complete = serializers.BooleanField(help_text="False: only the first contacts were checked.")


class EnrollRuleFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    sequence = IdFilter(field_name="sequence_id")
    is_active = YesNoFilter(field_name="is_active")


class EnrollRuleRows(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, ReadViewSet):
    """Rules that enroll the contacts matching a filter, day by day. Every member reads them; managers write."""

    queryset = EnrollRule.objects.select_related("workspace", "sequence", "mailbox", "owner")
    serializer_class = EnrollRuleSerializer
    filterset_class = EnrollRuleFilter
    ordering_fields = ("id", "name")

    def get_object(self) -> EnrollRule:
        row: EnrollRule = super().get_object()
        if self.action not in {"retrieve", "preview"}:
            require_manager_of(self.request.user, row.workspace_id)
        return row

    @extend_schema(request=NewEnrollRuleSerializer, responses={201: EnrollRuleSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A rule that is on runs within seconds, and then every few minutes until its maximum of the day."""
        require_manager(request.user)
        form = NewEnrollRuleSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        self.perform_create(form)
        return Response(EnrollRuleSerializer(form.instance).data, status=status.HTTP_201_CREATED)

    def perform_create(self, serializer: Any) -> None:
        values = serializer.validated_data
        workspace = values.pop("workspace", None) or only_workspace(self.request)
        require_manager_of(self.request.user, workspace.pk)
        made_by = name_actor(self.request.user)
        self._save(serializer, EnrollRule(workspace=workspace, made_by=made_by), workspace, values)

    def perform_update(self, serializer: Any) -> None:
        rule = serializer.instance
        self._save(serializer, rule, rule.workspace, serializer.validated_data)

    def _save(self, serializer: Any, rule: EnrollRule, workspace: Workspace, values: dict[str, Any]) -> None:
        try:
            save_rule(rule, _find_rows(workspace, values), timezone.now())
        except InvalidRuleError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        serializer.instance = rule

    @extend_schema(responses=RulePreviewSerializer)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        """Who would enter today, and how many on each of the next days. Also of a rule that is off. Changes nothing."""
        try:
            preview = preview_rule(self.get_object(), timezone.now())
        except FilterError as error:
            raise ValidationError({"filter": [f"{error}."]}) from None
        return Response(RulePreviewSerializer(_present_preview(preview)).data)


class EnrollRuleViewSet(LoggedChanges, EnrollRuleRows):
    __doc__ = EnrollRuleRows.__doc__
    log_target = ControlTarget.ENROLL_RULE


def _present_preview(preview: RulePreview) -> dict[str, Any]:
    return {
        "matching": preview.matching,
        "enrolled_today": preview.enrolled_today,
        "would_enroll_today": len(preview.today),
        "contacts": [{"id": contact.pk, "email": contact.email} for contact in preview.today[:_SHOWN]],
        "days": [{"date": day.date, "count": day.count} for day in preview.days],
        "skipped": [
            {"code": group.code.value, "count": group.count, "reason": group.examples[0].reason}
            for group in preview.skipped
        ],
        "problem": preview.problem,
        "is_complete": preview.is_complete,
    }


def _find_rows(workspace: Workspace, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the rows that they name. Raises `ValidationError`."""
    sources: dict[str, Any] = {
        "sequence": Sequence.objects.filter(workspace=workspace),
        "mailbox": Mailbox.objects.filter(workspace=workspace),
        "owner": get_user_model().objects.filter(memberships__workspace=workspace),
    }
    found = {name: value for name, value in values.items() if name.removesuffix("_id") not in sources}
    for kind, rows in sources.items():
        if f"{kind}_id" not in values:
            continue
        named = values[f"{kind}_id"]
        found[kind] = None if named is None else find_named(rows, kind, named)
        if named is not None and found[kind] is None:
            what = "member" if kind == "owner" else kind
            raise ValidationError({kind: [f"The workspace of the rule has no such {what}."]})
    return found
