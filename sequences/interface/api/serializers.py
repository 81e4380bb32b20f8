"""How sequences, steps and the rejected rows of a file look."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.choices import ConditionType
from sequences.models import Sequence, Step


@extend_schema_field({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d(\.\d{1,6})?)?$", "example": "09:30:00"})
class ClockField(serializers.TimeField):
    """A time of day in whichever zone holds. OpenAPI's format `time` would have to name one (RFC 3339)."""


class StepSerializer(serializers.ModelSerializer[Step]):
    type = serializers.CharField(read_only=True, help_text="It may be one that this release does not know.")
    send_time = ClockField(read_only=True, allow_null=True)
    condition_type = serializers.ChoiceField(choices=ConditionType.choices(), allow_blank=True, read_only=True)

    class Meta:
        model = Step
        fields = [
            "id", "number", "type", "name", "delay_days", "delay_hours", "delay_minutes", "skip_weekends", "send_time",
            "subject", "body", "task_type", "task_priority", "instructions", "wait_for_completion", "condition_type",
            "condition_config", "if_true_goto", "if_false_goto",
        ]  # fmt: skip
        read_only_fields = fields


class SequenceSerializer(serializers.ModelSerializer[Sequence]):
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Sequence
        fields = [
            "id", "workspace", "name", "description", "status", "pause_reason", "paused_by", "window", "priority",
            "track_opens", "track_clicks",
            "steps", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class RejectedRowSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="As a spreadsheet counts: the header is row 1.")
    reason = serializers.CharField()
