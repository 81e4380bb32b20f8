"""Serializer fields and answers that several endpoints share."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.interface.api.strict import StrictSerializer


@extend_schema_field({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d(\.\d{1,6})?)?$", "example": "09:30:00"})
class ClockField(serializers.TimeField):
    """A time of day in whichever zone holds. OpenAPI's format `time` would have to name one (RFC 3339)."""


class RejectedRowSerializer(StrictSerializer):
    row = serializers.IntegerField(help_text="As a spreadsheet counts: the header is row 1.")
    reason = serializers.CharField()
