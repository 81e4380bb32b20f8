"""`/api/dead-letters`: why enrollments are quarantined, alike ones together, and the two ways out, one or many."""

from __future__ import annotations

from typing import Any, Literal

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.enrollment_forms import BulkAnswerSerializer, present_bulk
from execution.api.serializers import MOST_CONTACTS, DeadLetterSerializer, ReasonSerializer
from execution.choices import Resolution
from execution.control.bulk import act_on_all
from execution.control.dead_letters import find_similar, list_groups, resolve_letters
from execution.models import DeadLetter
from sequences.access.roles import filter_actable, name_actor, require_right, workspace_ids_of
from sequences.interface.api.base import BIGGEST_ID, IdFilter, ReadViewSet, UpdatedFilter, YesNoFilter
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.named import NamedRowFilter
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictSerializer
from sequences.models import Enrollment


class DeadLetterFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    enrollment = IdFilter(field_name="enrollment_id")
    sequence = NamedRowFilter("enrollment__sequence")
    error_class = django_filters.CharFilter(field_name="error_class")
    resolution = django_filters.ChoiceFilter(choices=Resolution.choices())
    is_open = YesNoFilter(method="filter_open", label="Not resolved yet.")
    similar_to = IdFilter(method="filter_similar", label="Open ones of the same kind as this one.")

    def filter_open(self, rows: QuerySet[DeadLetter], name: str, value: bool) -> QuerySet[DeadLetter]:
        return rows.filter(resolved_at__isnull=value)

    def filter_similar(self, rows: QuerySet[DeadLetter], name: str, value: int) -> QuerySet[DeadLetter]:
        return rows.filter(pk__in=find_similar(int(value)))


class DeadLetterGroupSerializer(StrictSerializer):
    """Open dead letters of one kind: the same class of error at the same step with the same words."""

    error_class = serializers.CharField()
    error = serializers.CharField(help_text="Of the newest one.")
    count = serializers.IntegerField()
    oldest_at = serializers.DateTimeField()
    newest_at = serializers.DateTimeField()
    example = serializers.IntegerField(help_text="The newest one's id; `?similar_to=` lists the group.")
    sequence = serializers.CharField()
    step_number = serializers.IntegerField(allow_null=True)


class DeadLetterGroupsSerializer(StrictSerializer):
    groups = DeadLetterGroupSerializer(many=True)


class ResolveLettersSerializer(ReasonSerializer):
    """Either `ids`, or `similar_to`: the open ones of the same kind as that one."""

    action = serializers.ChoiceField(choices=["replay", "discard"])
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID),
        required=False,
        allow_empty=False,
        max_length=MOST_CONTACTS,
    )
    similar_to = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("similar_to" in attrs):
            raise serializers.ValidationError("Name dead letters by `ids`, or one of their kind in `similar_to`.")
        return attrs


class DeadLetterViewSet(ReadViewSet):
    """Why enrollments are quarantined, and how that was resolved."""

    queryset = DeadLetter.objects.all()
    serializer_class = DeadLetterSerializer
    filterset_class = DeadLetterFilter
    ordering_fields = ("id", "created_at", "updated_at")

    @extend_schema(responses=DeadLetterGroupsSerializer)
    @action(detail=False, methods=["get"], filter_backends=[], pagination_class=None)
    def groups(self, request: Request) -> Response:
        """What is open, alike ones together, the most frequent first."""
        return Response(DeadLetterGroupsSerializer({"groups": list_groups(workspace_ids_of(request.user))}).data)

    @extend_schema(request=ReasonSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Release the enrollment and try its step at once. 409 when it was resolved before."""
        return self._resolve("replay")

    @extend_schema(request=ReasonSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: str) -> Response:
        """The enrollment exits for good. 409 when it was resolved before."""
        return self._resolve("discard")

    @extend_schema(request=ResolveLettersSerializer, responses=BulkAnswerSerializer)
    @action(detail=False, methods=["post"], filter_backends=[])
    def bulk(self, request: Request) -> Response:
        """Replay or discard all that are named, or all of a kind. What belongs to others is refused."""
        form = ResolveLettersSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values, is_dry = form.validated_data, is_dry_run(request)
        rows = self.get_queryset()
        if "similar_to" in values and not rows.filter(pk=values["similar_to"]).exists():
            raise ValidationError({"similar_to": ["There is no such dead letter."]})
        chosen = values["ids"] if "ids" in values else find_similar(values["similar_to"])
        own = filter_actable(Enrollment.objects.for_user(request.user), request.user)
        answer, actor, now = values["action"], name_actor(request.user), timezone.now()
        report = act_on_all(
            rows.filter(pk__in=chosen),
            rows.filter(enrollment__in=own),
            lambda ids: resolve_letters(ids, answer, actor=actor, now=now, reason=values["reason"]),
            dry_run=is_dry,
        )
        return Response(BulkAnswerSerializer(present_bulk(report, is_dry_run=is_dry)).data)

    def _resolve(self, answer: Literal["replay", "discard"]) -> Response:
        letter = self.get_object()
        owner_id = letter.enrollment.owner_id
        require_right(self.request.user, letter.workspace_id, owner_id, is_shared_without_owner=True)
        form = ReasonSerializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        actor, reason = name_actor(self.request.user), form.validated_data["reason"]
        report = resolve_letters([letter.pk], answer, actor=actor, now=timezone.now(), reason=reason)
        if letter.pk in report.refused:
            raise ConflictError(f"Not possible: {report.refused[letter.pk]}.")
        letter.refresh_from_db()
        return Response(DeadLetterSerializer(letter).data)
