"""Serializer fields and answers that several endpoints share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.content.variants import MAX_KEY, MAX_VARIANTS, MAX_WEIGHT, Variant, VariantError, read_variants
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


_VARIANTS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "key": {"type": "string", "maxLength": MAX_KEY, "description": "Its name, unique in the step."},
            "weight": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_WEIGHT,
                "description": "Its share of the contacts, in proportion to the others; 0: switched off.",
            },
            "subject": {"type": "string", "description": "Liquid. Empty: a reply in the same thread."},
            "body": {"type": "string", "description": "Liquid in Markdown or HTML, by the format of the step."},
        },
        "required": ["key", "weight", "body"],
        "additionalProperties": False,
    },
    "maxItems": MAX_VARIANTS,
    "example": [
        {"key": "A", "weight": 1, "subject": "Quick question", "body": "Hello"},
        {"key": "B", "weight": 1, "subject": "An idea for you", "body": "Hi"},
    ],
}


@extend_schema_field(_VARIANTS)
class VariantsField(serializers.Field[Any, Any, Any, Any]):
    """The texts of an email step that are compared; an empty list: subject and body of the step are sent."""

    def to_internal_value(self, data: Any) -> tuple[Variant, ...]:
        try:
            return read_variants(data)
        except VariantError as error:
            raise serializers.ValidationError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None

    def to_representation(self, value: Any) -> Any:
        return value


class RejectedRowSerializer(StrictSerializer):
    row = serializers.IntegerField(help_text="As a spreadsheet counts: the header is row 1.")
    reason = serializers.CharField()
