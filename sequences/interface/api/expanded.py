"""How related rows look beside a row that was asked for with `?expand=`. Finding them is the view's business."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.interface.api.serializers import MERGE_FIELDS
from sequences.interface.api.strict import StrictSerializer


@extend_schema_field(MERGE_FIELDS)
class _FieldsField(serializers.DictField):
    pass


class _ExpandedContactSerializer(StrictSerializer):
    id = serializers.IntegerField()
    email = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    title = serializers.CharField()
    phone = serializers.CharField()
    timezone = serializers.CharField()
    account = serializers.IntegerField(source="account_id", allow_null=True)
    fields_ = _FieldsField()
    engagement_score = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `fields` is a word of the framework's own
        found = super().get_fields()
        return {name.rstrip("_"): field for name, field in found.items()}


class _ExpandedAccountSerializer(StrictSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    domain = serializers.CharField()
    timezone = serializers.CharField()


class _ExpandedSequenceSerializer(StrictSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.CharField()


class _ExpandedStepSerializer(StrictSerializer):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    type = serializers.CharField()
    name = serializers.CharField()


class _ExpandedMailboxSerializer(StrictSerializer):
    id = serializers.IntegerField()
    address = serializers.CharField()
    display_name = serializers.CharField()
    status = serializers.CharField()


class _ExpandedUserSerializer(StrictSerializer):
    id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class _ExpandedEnrollmentSerializer(StrictSerializer):
    id = serializers.IntegerField()
    sequence = serializers.IntegerField(source="sequence_id")
    status = serializers.CharField()
    next_step_at = serializers.DateTimeField(allow_null=True)
    auto_exit_reason = serializers.CharField()


class _ExpandedMessageSerializer(StrictSerializer):
    id = serializers.IntegerField()
    subject = serializers.CharField()
    status = serializers.CharField()
    sent_at = serializers.DateTimeField(allow_null=True)


class ExpandedSerializer(StrictSerializer):
    """The related rows that `?expand=` names, and no others; null where the row has none."""

    contact = _ExpandedContactSerializer(required=False, allow_null=True)
    account = _ExpandedAccountSerializer(required=False, allow_null=True)
    sequence = _ExpandedSequenceSerializer(required=False, allow_null=True)
    step = _ExpandedStepSerializer(required=False, allow_null=True)
    mailbox = _ExpandedMailboxSerializer(required=False, allow_null=True)
    owner = _ExpandedUserSerializer(required=False, allow_null=True)
    assignee = _ExpandedUserSerializer(required=False, allow_null=True)
    enrollment = _ExpandedEnrollmentSerializer(required=False, allow_null=True)
    message = _ExpandedMessageSerializer(required=False, allow_null=True)


class Expandable:
    """Before the base of a serializer whose view takes `?expand=`."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields: dict[str, Any] = super().get_fields()  # type: ignore[misc]
        return {**fields, "expanded": ExpandedSerializer(required=False, help_text="With `?expand=` only.")}
