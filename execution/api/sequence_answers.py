"""Forms and answers of a sequence beside writing it: problems, preview, figures, history, YAML."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from execution.models import ControlLog
from sequences.interface.api.base import BIGGEST_ID, InstantField
from sequences.interface.api.parameters import OwnWorkspaceField
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.yaml.nodes import MAX_BYTES


class SequenceValidationSerializer(StrictSerializer):
    class _DraftProblemSerializer(StrictSerializer):
        step_number = serializers.IntegerField(allow_null=True)
        field = serializers.CharField()
        message = serializers.CharField()
        severity = serializers.ChoiceField(choices=["error", "warning"])

    valid = serializers.BooleanField(help_text="No problem forbids activation.")
    problems = _DraftProblemSerializer(many=True)


class PreviewFormSerializer(StrictSerializer):
    contact = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)
    email = serializers.CharField(required=False, max_length=254, help_text="Instead of the contact's id.")
    start_at = InstantField(required=False, help_text="As if enrolled then; default: now.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("email" in attrs):
            raise serializers.ValidationError("Name the contact by its id in `contact`, or by address in `email`.")
        return attrs


class PreviewStepSerializer(StrictSerializer):
    number = serializers.IntegerField()
    type = serializers.CharField()
    name = serializers.CharField()
    earliest_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    branch = serializers.CharField(
        help_text="The answers of splits that lead to it; empty when all enrollments reach it."
    )
    variant = serializers.CharField(
        allow_null=True, help_text="The variant that the contact gets; null: the step has none."
    )


class PreviewSerializer(StrictSerializer):
    timezone = serializers.CharField(source="zone.name")
    zone_source = serializers.CharField(source="zone.source")
    steps = PreviewStepSerializer(many=True)
    goal = serializers.CharField(help_text="What ends the sequence before any of its steps, in words; empty: nothing.")


class StatsSerializer(StrictSerializer):
    """`people`: enrollments by status; `exits` by reason. A step has its enrollments (`standing`) and email figures."""

    class StepStatsSerializer(StrictSerializer):
        id = serializers.IntegerField()
        number = serializers.IntegerField()
        type = serializers.CharField()
        name = serializers.CharField()
        standing = serializers.IntegerField()
        sent = serializers.IntegerField()
        failed = serializers.IntegerField()
        opened = serializers.IntegerField()
        clicked = serializers.IntegerField()
        replied = serializers.IntegerField()
        bounced = serializers.IntegerField()
        unsubscribed = serializers.IntegerField()

    people = serializers.DictField(child=serializers.IntegerField())
    exits = serializers.DictField(child=serializers.IntegerField())
    steps = StepStatsSerializer(many=True)


class ControlLogSerializer(StrictModelSerializer[ControlLog]):
    changes = serializers.ListField(
        child=serializers.DictField(), help_text='Of an edit: `{"what", "field", "before", "after"}`.'
    )

    class Meta:
        model = ControlLog
        fields = ["id", "at", "action", "actor", "reason", "changes"]
        read_only_fields = fields


class ImportSequenceSerializer(StrictSerializer):
    """The YAML as a `file`, or as text in `yaml`."""

    workspace = OwnWorkspaceField()
    file = serializers.FileField(required=False)
    yaml = serializers.CharField(required=False, max_length=MAX_BYTES, trim_whitespace=False)
    activate = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("yaml" in attrs):
            raise serializers.ValidationError("Give the sequence as a `file`, or as text in `yaml`.")
        return attrs


class DuplicateSerializer(StrictSerializer):
    name = serializers.CharField(required=False, max_length=200, help_text="Default: the name with “copy” behind it.")
