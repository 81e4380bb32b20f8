"""Serializer fields and answers that several endpoints share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.interface.api.strict import StrictSerializer


@extend_schema_field({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d(\.\d{1,6})?)?$", "example": "09:30:00"})
class ClockField(serializers.TimeField):
    """A time of day in whichever zone holds. OpenAPI's format `time` would have to name one (RFC 3339)."""


# Objects with keys of their own, so that generated clients have a type for them.
MERGE_FIELDS: dict[str, Any] = {"type": "object", "additionalProperties": {}}
TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_WINDOW: dict[str, Any] = {
    "type": "object",
    "properties": {"timezone": {"type": "string", "description": "contact, or an IANA name."}},
    "additionalProperties": {
        "type": "array",
        "items": {"type": "string", "description": "HH:MM-HH:MM; 24:00 is allowed, and it may cross midnight."},
    },
    "example": {"timezone": "contact", "mon-fri": ["09:00-17:00"]},
}
_CONDITION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "wait_hours": {"type": "number", "description": "How long a signal is awaited."},
        "field": {"type": "string", "description": "Of the contact, or the name of a merge field."},
        "operator": {"type": "string"},
        "value": {"description": "What it is compared with."},
    },
    "additionalProperties": False,
    "example": {"wait_hours": 48},
}


@extend_schema_field(_WINDOW)
class WindowField(serializers.DictField):
    """Days, such as `mon-fri`, with their ranges of clock times, and `timezone`."""


@extend_schema_field(_CONDITION)
class ConditionConfigField(serializers.DictField):
    """What a conditional split compares, and how long it waits."""


class RejectedRowSerializer(StrictSerializer):
    row = serializers.IntegerField(help_text="As a spreadsheet counts: the header is row 1.")
    reason = serializers.CharField()
