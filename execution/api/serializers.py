"""Forms and answers of the executor, its queue, enrollments, logs and dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from execution.choices import Resolution
from execution.control.enroll_rules import SkipCode
from execution.insight.explain import explain_enrollments
from execution.insight.queue import QueueFilter
from execution.models import DeadLetter, ExecutionLog, Worker
from sequences.choices import EnrollmentStatus, ExitReason, StepType
from sequences.interface.api.base import BIGGEST_ID, InstantField
from sequences.interface.api.expanded import Expandable
from sequences.interface.api.named import NamedRowField
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Enrollment, Step

MOST_CONTACTS = 10_000
_LONGEST_REASON = 500


class SuccessSerializer(StrictSerializer):
    success = serializers.BooleanField(default=True)


class ReasonSerializer(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=_LONGEST_REASON)


class WorkerSerializer(StrictModelSerializer[Worker]):
    class Meta:
        model = Worker
        fields = ["name", "kind", "started_at", "heartbeat_at", "last_processed_at", "decided", "delivered"]
        read_only_fields = fields


class ExecutorStatusSerializer(StrictSerializer):
    """Figures of the reader's own workspaces. `queueDepth` and `quarantined` stop counting at 10,001."""

    isRunning = serializers.BooleanField(source="is_running", help_text="Some worker was alive within the last minute.")
    queueDepth = serializers.IntegerField(source="queue_depth", help_text="Steps that are due and not yet executed.")
    lastProcessedAt = serializers.DateTimeField(source="last_processed_at", allow_null=True)
    isPaused = serializers.BooleanField(source="is_paused")
    pausedBy = serializers.SerializerMethodField()
    pausedReason = serializers.SerializerMethodField()
    processing = serializers.IntegerField(help_text="Emails that are being handed over right now.")
    completedLastHour = serializers.IntegerField(source="completed_last_hour", help_text="Steps executed.")
    errorsLastHour = serializers.IntegerField(source="errors_last_hour")
    oldestDueSeconds = serializers.IntegerField(source="oldest_due_seconds")
    delayP50Seconds = serializers.FloatField(source="delay_p50_seconds", allow_null=True)
    delayP95Seconds = serializers.FloatField(source="delay_p95_seconds", allow_null=True)
    quarantined = serializers.IntegerField()
    workers = WorkerSerializer(many=True)

    def get_pausedBy(self, status: Any) -> str | None:
        return status.paused_by or None

    def get_pausedReason(self, status: Any) -> str | None:
        return status.paused_reason or None


class QueueQuerySerializer(StrictSerializer):
    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=500)
    filter = serializers.ChoiceField(required=False, choices=[word.value for word in QueueFilter])


class _QueueItemSerializer(StrictSerializer):
    enrollment_id = serializers.IntegerField()
    contact = serializers.EmailField()
    sequence = serializers.CharField()
    next_step = serializers.CharField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(choices=EnrollmentStatus.choices())
    why = serializers.CharField()


class QueuePageSerializer(StrictSerializer):
    queue = _QueueItemSerializer(many=True)


class LogSerializer(StrictModelSerializer[ExecutionLog]):
    details = serializers.DictField()

    class Meta:
        model = ExecutionLog
        fields = ["at", "action", "status", "step_number", "step_type", "message", "error", "actor", "details"]
        read_only_fields = fields


class LogPageSerializer(StrictSerializer):
    logs = LogSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class _CurrentStepSerializer(StrictModelSerializer[Step]):
    type = serializers.CharField(help_text=f"{', '.join(StepType)}, or a word this release does not know.")

    class Meta:
        model = Step
        fields = ["id", "number", "type", "name"]
        read_only_fields = fields


class _HoldSerializer(StrictSerializer):
    code = serializers.CharField()
    detail = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True, help_text="The earliest time it clears; null: by a person.")


class WhyAnswerSerializer(StrictSerializer):
    """In the order in which they must clear."""

    why = _HoldSerializer(many=True)


class EnrollmentSerializer(Expandable, StrictModelSerializer[Enrollment]):
    """The context holds what explains each: `holds`, by enrollment id."""

    account = serializers.IntegerField(source="contact.account_id", allow_null=True)
    current_step = _CurrentStepSerializer(allow_null=True)
    current_step_number = serializers.IntegerField(source="current_step.number", default=None, allow_null=True)
    auto_exited = serializers.SerializerMethodField()
    auto_exit_reason = serializers.ChoiceField(choices=ExitReason.choices(), allow_blank=True)
    engagement_score = serializers.IntegerField(source="contact.engagement_score")
    why = serializers.SerializerMethodField()

    class Meta:
        model = Enrollment
        fields = [
            "id", "workspace", "sequence", "contact", "account", "mailbox", "owner", "status", "current_step",
            "current_step_number", "next_step_at", "pause_reason", "paused_by", "resume_at", "retry_count",
            "last_error", "emails_sent", "steps_completed", "auto_exited", "auto_exit_reason", "engagement_score",
            "enrolled_at", "completed_at", "updated_at", "rule", "why",
        ]  # fmt: skip
        read_only_fields = fields

    def get_auto_exited(self, enrollment: Enrollment) -> bool:
        return enrollment.auto_exit_reason != ""

    @extend_schema_field(_HoldSerializer(many=True))
    def get_why(self, enrollment: Enrollment) -> list[dict[str, Any]]:
        holds = self.context["holds"].get(enrollment.pk, ())
        return list(_HoldSerializer(holds, many=True).data)


class EnrollmentAnswerSerializer(StrictSerializer):
    enrollment = EnrollmentSerializer()


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": 500}, {"type": "boolean"}]})
class AgainField(serializers.CharField):
    """A reason as text; `true` where the reason stands beside it; `false` and empty: no rule is overridden."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, allow_blank=True, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is True:
            return True
        if data is not serializers.empty and not isinstance(data, str | bool | None):
            self.fail("invalid")
        return super().run_validation("" if data is False else data)


class EnrollSerializer(StrictSerializer):
    """Exactly one of `contacts` (ids) and `emails`. Rows are named by id, or by name or address.

    The owner defaults to the mailbox's owner, else to the user."""

    sequence = NamedRowField()
    contacts = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID),
        required=False,
        allow_empty=False,
        max_length=MOST_CONTACTS,
    )
    emails = serializers.ListField(
        child=serializers.CharField(max_length=254), required=False, allow_empty=False, max_length=MOST_CONTACTS
    )
    mailbox = NamedRowField(required=False, allow_null=True)
    pool = NamedRowField(
        required=False,
        allow_null=True,
        help_text="A mailbox pool, instead of `mailbox`: each enrollment gets one of its mailboxes for life.",
    )
    owner = NamedRowField(required=False, allow_null=True)
    start_at = InstantField(required=False, allow_null=True)
    again = AgainField(
        required=False,
        help_text="The reason for enrolling contacts that a rule keeps out; true takes it from `reason`. For managers.",
    )
    reason = serializers.CharField(required=False, max_length=500, help_text="The reason when `again` is true.")
    allow_incomplete = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Enroll contacts that lack a merge field; each is held at the step that needs it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contacts" in attrs) == ("emails" in attrs):
            raise serializers.ValidationError("Name contacts by their ids in `contacts`, or by address in `emails`.")
        if attrs.get("mailbox") is not None and attrs.get("pool") is not None:
            raise serializers.ValidationError({"pool": ["Name a mailbox or a pool, not both."]})
        reason = attrs.pop("reason", "")
        if attrs.get("again") is True:
            if not reason:
                raise serializers.ValidationError({"again": ["Say why: give the reason as text."]})
            attrs["again"] = reason
        elif reason:
            raise serializers.ValidationError({"reason": ["It is only used when `again` is true."]})
        return attrs


class _MissingFieldSerializer(StrictSerializer):
    step = serializers.IntegerField(help_text="The step's number.")
    part = serializers.ChoiceField(choices=["subject", "body"])
    field = serializers.CharField(help_text="The merge field that has no value and no fallback.")
    variant = serializers.CharField(required=False, help_text="Of an email that has some.")


class _SkippedContactSerializer(StrictSerializer):
    contact = serializers.CharField(help_text="Its address; its id where it is not a contact of the workspace.")
    code = serializers.ChoiceField(choices=SkipCode.choices())
    reason = serializers.CharField(help_text="What kept it out, and what would allow it.")
    override = serializers.ChoiceField(
        choices=["again", "allow_incomplete"], allow_null=True, help_text="The option that would allow it; null: none."
    )
    missing = _MissingFieldSerializer(
        many=True, required=False, help_text="For `incomplete`: every field that is missing."
    )


class ForecastSerializer(StrictSerializer):
    """When their emails will have left, by every cap and window and with all that is to be sent already."""

    people = serializers.IntegerField()
    on_time = serializers.IntegerField(help_text="Get theirs on the day they are due.")
    last_first_touch_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last of the first emails is sent; null: no email, or not within a year."
    )
    last_step_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last step of all is done; null: not within a year."
    )
    text = serializers.CharField(source="__str__")


class EnrollAnswerSerializer(StrictSerializer):
    enrolled = serializers.ListField(child=serializers.IntegerField(), help_text="The ids of the new enrollments.")
    skipped = _SkippedContactSerializer(many=True)


class EnrollPreviewSerializer(EnrollAnswerSerializer):
    would_enroll = serializers.ListField(child=serializers.IntegerField(), help_text="The ids of the contacts.")
    forecast = ForecastSerializer(allow_null=True, help_text="Null where no contact would be enrolled.")


class DeadLetterSerializer(StrictModelSerializer[DeadLetter]):
    facts = serializers.DictField()
    resolution = serializers.ChoiceField(choices=Resolution.choices(), allow_blank=True, read_only=True)

    class Meta:
        model = DeadLetter
        fields = [
            "id", "workspace", "enrollment", "step", "error_class", "error", "error_trace", "attempts", "facts",
            "created_at", "resolution", "resolved_by", "resolved_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class ResolveSerializer(ReasonSerializer):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `as` is a word of Python's own
        return {"as": serializers.ChoiceField(choices=["sent", "resend"]), **super().get_fields()}


def present_enrollments(enrollments: Sequence[Enrollment], now: datetime) -> list[dict[str, Any]]:
    """Each with what holds it, in a fixed number of statements."""
    holds = explain_enrollments([enrollment.pk for enrollment in enrollments], now)
    return list(EnrollmentSerializer(enrollments, many=True, context={"holds": holds}).data)
