"""Forms of the actions on enrollments, one or many; answers of the timeline and of bulk calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from execution.api.sequence_answers import PreviewStepSerializer
from execution.api.serializers import MOST_CONTACTS, ReasonSerializer
from execution.control.bulk import MOST_IDS, BulkReport
from sequences.interface.api.base import BIGGEST_ID, InstantField
from sequences.interface.api.strict import StrictSerializer

BULK_ACTIONS = ("pause", "resume", "skip-step", "exit", "retry", "snooze")


def _require_future(value: datetime | None) -> datetime | None:
    if value is not None and value <= timezone.now():
        raise serializers.ValidationError("It must lie in the future.")
    return value


class PauseSerializer(ReasonSerializer):
    resume_at = InstantField(required=False, allow_null=True, default=None)

    def validate_resume_at(self, value: datetime | None) -> datetime | None:
        return _require_future(value)


class SnoozeSerializer(ReasonSerializer):
    until = InstantField()

    def validate_until(self, value: datetime) -> datetime | None:
        return _require_future(value)


class MoveSerializer(ReasonSerializer):
    step = serializers.IntegerField(
        source="step_id", min_value=1, max_value=BIGGEST_ID, help_text="The id of a step of its sequence."
    )


class BulkSerializer(PauseSerializer):
    """Either `ids` or `filter`, which takes the filters of the list and must name at least one."""

    action = serializers.ChoiceField(choices=BULK_ACTIONS)
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID),
        required=False,
        allow_empty=False,
        max_length=MOST_CONTACTS,
    )
    filter = serializers.DictField(required=False, allow_empty=False)
    until = InstantField(required=False, help_text="For `snooze`.")

    def validate_until(self, value: datetime) -> datetime | None:
        return _require_future(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError("Name enrollments by `ids`, or by the filters of the list in `filter`.")
        if attrs["action"] == "snooze" and "until" not in attrs:
            raise serializers.ValidationError({"until": ["A snooze needs the time when it ends."]})
        return attrs


class RefusalCountSerializer(StrictSerializer):
    reason = serializers.CharField()
    count = serializers.IntegerField()
    ids = serializers.ListField(child=serializers.IntegerField())


class BulkAnswerSerializer(StrictSerializer):
    is_dry_run = serializers.BooleanField()
    matched = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="Were in the wanted state already.")
    refused = RefusalCountSerializer(many=True)
    changed_ids = serializers.ListField(child=serializers.IntegerField())
    unchanged_ids = serializers.ListField(child=serializers.IntegerField())
    has_all_ids = serializers.BooleanField(
        help_text=f"False beyond {MOST_IDS:,} matches: the counts are of all, the ids of the first {MOST_IDS:,}."
    )


class TimelineEntrySerializer(StrictSerializer):
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="The log's action, or the event's type.")
    icon = serializers.CharField(source="mark.icon")
    title = serializers.CharField()
    text = serializers.CharField()
    error = serializers.CharField()
    actor = serializers.CharField()
    is_minor = serializers.BooleanField(help_text="Caused by a machine, or only a wait.")
    message = serializers.IntegerField(
        source="message_id", allow_null=True, help_text="The id of the email it belongs to."
    )


class TimelineSerializer(StrictSerializer):
    """`entries` are the newest 200; the rest stands in the logs."""

    entries = TimelineEntrySerializer(many=True)
    ahead = PreviewStepSerializer(many=True)


def present_bulk(report: BulkReport, *, is_dry_run: bool) -> dict[str, Any]:
    return {
        "is_dry_run": is_dry_run,
        "matched": report.matched,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "refused": [
            {"reason": reason, "count": count, "ids": report.refused_ids.get(reason, [])}
            for reason, count in report.refused.most_common()
        ],
        "changed_ids": report.changed_ids,
        "unchanged_ids": report.unchanged_ids,
        "has_all_ids": report.has_all_ids,
    }
