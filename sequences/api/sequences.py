"""The reading side of `/api/sequences`: serializers, filters, list; execution.api.sequences writes them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.authoring.drafts import SEQUENCE_FIELDS
from sequences.authoring.goals import MATCHES
from sequences.authoring.step_fields import STEP_FIELDS
from sequences.choices import ConditionType, Operator, SequenceStatus
from sequences.interface.api.base import IdFilter, ReadViewSet, UpdatedFilter
from sequences.interface.api.serializers import ClockField, ConditionConfigField, VariantsField, WindowField
from sequences.interface.api.strict import StrictModelSerializer
from sequences.models import Sequence, Step
from sequences.time.window import TimingError, parse_window, window_to_raw

_GOAL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "description": "The type of an external event."},
        "score": {"type": "integer", "minimum": 1, "maximum": 100, "description": "The engagement score, at least."},
        "field": {"type": "string", "description": "A field of the contact, compared as branches do."},
        "operator": {"type": "string", "enum": [each.value for each in Operator], "default": "equals"},
        "value": {"description": "What the field is compared with."},
        "match": {"type": "string", "enum": list(MATCHES), "default": "any", "description": "Of several conditions."},
    },
    "additionalProperties": False,
    "example": {"event": "meeting_booked"},
}


@extend_schema_field(_GOAL)
class GoalField(serializers.DictField):
    """What must hold of a contact for the sequence to be over for them; empty: no goal."""


class StepSerializer(StrictModelSerializer[Step]):
    type = serializers.CharField(read_only=True, help_text="It may be one that this release does not know.")
    send_time = ClockField(read_only=True, allow_null=True)
    condition_config = ConditionConfigField(read_only=True)
    variants = VariantsField(read_only=True)
    condition_type = serializers.ChoiceField(choices=ConditionType.choices(), allow_blank=True, read_only=True)

    class Meta:
        model = Step
        fields = ["id", "number", "type", *(field.column for field in STEP_FIELDS)]
        read_only_fields = fields


class SequenceSerializer(StrictModelSerializer[Sequence]):
    window = WindowField(read_only=True, help_text="Default: Monday to Friday 09:00-17:00.")
    goal = GoalField(read_only=True, help_text="Ends the sequence for contacts who meet it. Empty: no goal.")
    steps = StepSerializer(many=True, read_only=True)
    effective_window = serializers.SerializerMethodField(help_text="The window that applies, defaults filled in.")

    class Meta:
        model = Sequence
        fields = [
            "id", "workspace", *SEQUENCE_FIELDS, "status", "owner", "pause_reason", "paused_by",
            "effective_window", "steps", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(WindowField(allow_null=True))
    def get_effective_window(self, sequence: Sequence) -> dict[str, object] | None:
        """None: the stored window cannot be read; validation says why."""
        try:
            return window_to_raw(parse_window(sequence.window))
        except TimingError:
            return None


class SequenceFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    owner = IdFilter(field_name="owner_id")
    status = django_filters.ChoiceFilter(choices=SequenceStatus.choices())
    name = django_filters.CharFilter(field_name="name", lookup_expr="icontains")


class SequenceViewSet(ReadViewSet):
    """Sequences with their steps, in order."""

    queryset = Sequence.objects.prefetch_related(Prefetch("steps", Step.objects.order_by("number")))
    serializer_class = SequenceSerializer
    has_etags = True
    filterset_class = SequenceFilter
    ordering_fields = ("id", "name", "priority", "created_at", "updated_at")
