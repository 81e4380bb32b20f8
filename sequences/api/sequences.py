"""The reading side of `/api/sequences`: serializers, filters, list; execution.api.sequences writes them."""

from __future__ import annotations

import django_filters
from django.db.models import Prefetch
from rest_framework import serializers

from sequences.authoring.drafts import SEQUENCE_FIELDS
from sequences.authoring.step_fields import STEP_FIELDS
from sequences.choices import ConditionType, SequenceStatus
from sequences.interface.api.base import IdFilter, ReadViewSet
from sequences.interface.api.serializers import ClockField
from sequences.interface.api.strict import StrictModelSerializer
from sequences.models import Sequence, Step


class StepSerializer(StrictModelSerializer[Step]):
    type = serializers.CharField(read_only=True, help_text="It may be one that this release does not know.")
    send_time = ClockField(read_only=True, allow_null=True)
    condition_type = serializers.ChoiceField(choices=ConditionType.choices(), allow_blank=True, read_only=True)

    class Meta:
        model = Step
        fields = ["id", "number", "type", *(field.column for field in STEP_FIELDS)]
        read_only_fields = fields


class SequenceSerializer(StrictModelSerializer[Sequence]):
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Sequence
        fields = [
            "id", "workspace", *SEQUENCE_FIELDS, "status", "pause_reason", "paused_by",
            "steps", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class SequenceFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    status = django_filters.ChoiceFilter(choices=SequenceStatus.choices())
    name = django_filters.CharFilter(field_name="name", lookup_expr="icontains")


class SequenceViewSet(ReadViewSet):
    """Sequences with their steps, in order."""

    queryset = Sequence.objects.prefetch_related(Prefetch("steps", Step.objects.order_by("number")))
    serializer_class = SequenceSerializer
    filterset_class = SequenceFilter
    ordering_fields = ("id", "name", "priority", "created_at", "updated_at")
