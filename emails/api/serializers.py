"""How mailboxes, lanes, messages and suppressions look. A mailbox's secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers

from emails.choices import BounceType, BreakerState, ErrorClass, LimitScope, LimitWindow
from emails.facts.engagement import read_engagement
from emails.hooks.views import list_hook_urls
from emails.mailbox.own_caps import OWN_CAPS, own_caps
from emails.mailbox.records import Status
from emails.models import EmailMessage, Mailbox
from sequences.interface.api.addresses import AddressField
from sequences.interface.api.expanded import Expandable
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Workspace

_MOST_NAMES = 30
_LONGEST_SECRET = 20_000
MAILBOX_STATE = [
    "status", "status_reason", "status_actor", "status_at", "inbox_read_at", "next_slot_at", "breaker_state",
    "breaker_until", "breaker_error",
]  # fmt: skip


class _CapField(serializers.IntegerField):
    """A cap of the mailbox itself. It is a row of its own; lists read it along (`with_own_caps`)."""

    def __init__(self, window: LimitWindow, **kwargs: Any) -> None:
        self._window = window
        super().__init__(required=False, allow_null=True, min_value=0, max_value=1_000_000, **kwargs)

    def get_attribute(self, instance: Mailbox) -> int | None:
        name = OWN_CAPS[self._window]
        if name not in vars(instance):
            vars(instance).update(Mailbox.objects.filter(pk=instance.pk).annotate(**own_caps()).values(name).get())
        cap: int | None = vars(instance).pop(name)
        return cap


class MailboxSerializer(StrictModelSerializer[Mailbox]):
    """`credentials` are written by name (`password`, `imap_password`, an ESP's own); null removes one."""

    workspace = serializers.PrimaryKeyRelatedField(queryset=Workspace.objects.none())
    owner = serializers.PrimaryKeyRelatedField(
        queryset=get_user_model().objects.none(), allow_null=True, required=False
    )
    address = AddressField()
    aliases = serializers.ListField(child=AddressField(), max_length=_MOST_NAMES, required=False)
    transport_options = serializers.DictField(required=False)
    credentials = serializers.DictField(
        child=serializers.CharField(
            allow_null=True, allow_blank=True, max_length=_LONGEST_SECRET, trim_whitespace=False
        ),
        write_only=True,
        required=False,
    )
    credential_names = serializers.SerializerMethodField(help_text="Which credentials are stored; never their values.")
    webhook_urls = serializers.SerializerMethodField(help_text="What the provider is given; empty for SMTP.")
    daily_limit = _CapField(LimitWindow.DAY, help_text="Messages in any 24 hours. Null: no cap of its own.")
    hourly_limit = _CapField(LimitWindow.HOUR, help_text="Messages in any hour. Null: no cap of its own.")

    class Meta:
        model = Mailbox
        fields = [
            "id", "workspace", "owner", "address", "display_name", "aliases", "timezone", "signature", "transport",
            "transport_options", "smtp_host", "smtp_port", "smtp_security", "smtp_username", "auth_method",
            "credentials", "credential_names", "connections", "inbound", "imap_host", "imap_port", "imap_security",
            "imap_username", "webhook_urls", "gap_seconds", "jitter_seconds", "ramp_enabled", "ramp_start", "ramp_step",
            "daily_limit", "hourly_limit", *MAILBOX_STATE, "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = [*MAILBOX_STATE, "created_at", "updated_at"]
        # the database names one address per workspace; saving says so in words
        validators: list[Any] = []
        extra_kwargs = {
            "smtp_port": {"min_value": 1, "max_value": 65_535},
            "imap_port": {"min_value": 1, "max_value": 65_535},
            "connections": {"min_value": 1, "max_value": 50},
            "gap_seconds": {"min_value": 0, "max_value": 86_400},
            "jitter_seconds": {"min_value": 0, "max_value": 86_400},
            "ramp_start": {"min_value": 1, "max_value": 1_000_000},
            "ramp_step": {"min_value": 1, "max_value": 1_000_000},
        }

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        request = self.context.get("request")
        if request is not None:
            workspaces = Workspace.objects.for_user(request.user)
            fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]
            members = get_user_model().objects.filter(memberships__workspace__in=workspaces).distinct()
            fields["owner"].queryset = members  # type: ignore[attr-defined]
        if self.instance is not None:
            fields["workspace"].read_only = True
            fields["address"].read_only = True
        return fields

    def get_credential_names(self, mailbox: Mailbox) -> list[str]:
        return sorted(mailbox.credentials or {})

    def get_webhook_urls(self, mailbox: Mailbox) -> dict[str, str]:
        return list_hook_urls(mailbox)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A cap that is null may be sent back as it was read; a cap that is set is changed, not removed."""
        for name in ("daily_limit", "hourly_limit"):
            if name in attrs and attrs[name] is None:
                if self.instance is None or self.fields[name].get_attribute(self.instance) is not None:
                    raise serializers.ValidationError({name: ["Give a number: every mailbox has this cap."]})
                del attrs[name]
        return attrs

    def validate_transport_options(self, value: dict[str, object]) -> dict[str, object]:
        if not isinstance(value.get("bounce_token", False), bool):
            raise serializers.ValidationError({"bounce_token": ["This is true or false."]})
        return value

    def validate_credentials(self, value: dict[str, str | None]) -> dict[str, str | None]:
        if len(value) > _MOST_NAMES:
            raise serializers.ValidationError(f"At most {_MOST_NAMES} credentials.")
        return value


class MailboxCreateSerializer(MailboxSerializer):
    """`workspace` is optional for members of a single one; without `owner` the mailbox is the user's own."""

    workspace = serializers.PrimaryKeyRelatedField(queryset=Workspace.objects.none(), required=False)


class LoginReportSerializer(StrictSerializer):
    """Null: works; a text: why not."""

    ok = serializers.BooleanField(source="is_ok")
    smtp_error = serializers.CharField(allow_null=True)
    imap_error = serializers.CharField(allow_null=True)
    imap_checked = serializers.BooleanField()


class SetupCheckSerializer(StrictSerializer):
    code = serializers.CharField(help_text="smtp_login, imap_login, mx, spf, dkim, dmarc, alignment, links.")
    status = serializers.ChoiceField(choices=[word.value for word in Status])
    detail = serializers.CharField(help_text="What to do.")
    found = serializers.CharField(help_text="The record, shortened.")


class MailboxSetupSerializer(StrictSerializer):
    checks = SetupCheckSerializer(many=True)


class _BreakerSerializer(StrictSerializer):
    state = serializers.ChoiceField(choices=BreakerState.choices(), source="breaker.state")
    failures = serializers.IntegerField(source="breaker.failures")
    until = serializers.DateTimeField(allow_null=True, source="breaker.until")
    error = serializers.CharField(source="breaker_error")


class _CapUsageSerializer(StrictSerializer):
    code = serializers.CharField(source="cap.code")
    scope = serializers.ChoiceField(choices=LimitScope.choices(), source="cap.scope")
    target = serializers.CharField(source="cap.target")
    window = serializers.ChoiceField(choices=LimitWindow.choices(), source="cap.window")
    first_touch_only = serializers.BooleanField(source="cap.first_touch_only")
    used = serializers.IntegerField()
    maximum = serializers.IntegerField(source="cap.maximum")
    frees_at = serializers.DateTimeField(allow_null=True)


class _QueuedMessageSerializer(StrictSerializer):
    message = serializers.IntegerField(source="id")
    enrollment = serializers.IntegerField(source="enrollment_id")
    recipient = serializers.EmailField()
    priority = serializers.IntegerField()
    is_first_touch = serializers.BooleanField()
    due_at = serializers.DateTimeField()
    queued_at = serializers.DateTimeField()
    planned_at = serializers.DateTimeField(allow_null=True, help_text="When it leaves if nothing else comes.")
    held_by = serializers.CharField()


class LaneSerializer(StrictSerializer):
    """One mailbox's queue, usage against each cap, next slot and breaker. `queue_length` stops counting at 10,000."""

    mailbox = serializers.IntegerField(source="mailbox_id")
    address = serializers.EmailField()
    status = serializers.CharField()
    status_reason = serializers.CharField()
    breaker = _BreakerSerializer(source="*")
    next_slot_at = serializers.DateTimeField(allow_null=True)
    held_by = serializers.CharField()
    held_until = serializers.DateTimeField(allow_null=True)
    inbox_read_at = serializers.DateTimeField(allow_null=True)
    is_inbox_stale = serializers.BooleanField()
    leased_by = serializers.CharField()
    queue_length = serializers.IntegerField()
    in_hand = serializers.IntegerField()
    unknown = serializers.IntegerField()
    usage = _CapUsageSerializer(many=True, source="usages")
    queue = _QueuedMessageSerializer(many=True)


class _MessagesSerializer(serializers.ListSerializer[Any]):
    """Reads the engagement of all its messages at once."""

    def to_representation(self, data: Any) -> list[Any]:
        messages = list(data)
        found = read_engagement([message.pk for message in messages])
        self.child.engagement = found  # type: ignore[union-attr]
        return super().to_representation(messages)


class MessageSerializer(Expandable, StrictModelSerializer[EmailMessage]):
    """`subject`, `text` and `html` are what was rendered at the hand-over; empty before. Opens and clicks of people.

    Of an email that waits for an approval they are what leaves if it is approved now, and `approval_hash` names it.
    """

    engagement: dict[int, dict[str, Any]] | None = None
    delivered_at = serializers.DateTimeField(allow_null=True, read_only=True, help_text="Confirmed by the provider.")
    first_opened_at = serializers.DateTimeField(allow_null=True, read_only=True)
    opens = serializers.IntegerField(read_only=True)
    first_clicked_at = serializers.DateTimeField(allow_null=True, read_only=True)
    clicks = serializers.IntegerField(read_only=True)
    replied_at = serializers.DateTimeField(allow_null=True, read_only=True)
    bounced_at = serializers.DateTimeField(allow_null=True, read_only=True, help_text="The last time.")
    bounce_type = serializers.ChoiceField(choices=BounceType.choices(), allow_blank=True, read_only=True)
    complained_at = serializers.DateTimeField(allow_null=True, read_only=True)
    unsubscribed_at = serializers.DateTimeField(allow_null=True, read_only=True)

    error_class = serializers.ChoiceField(choices=ErrorClass.choices(), allow_blank=True, read_only=True)
    awaiting_approval = serializers.BooleanField(source="awaits_approval", read_only=True, default=False)
    approval_hash = serializers.CharField(
        read_only=True, default="", help_text="To approve with, of an email that waits for an approval."
    )
    approval_error = serializers.CharField(read_only=True, default="", help_text="Why it cannot be sent as it is.")
    approved_by = serializers.SerializerMethodField()
    approved_at = serializers.DateTimeField(
        source="approval.approved_at", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = EmailMessage
        fields = [
            "id", "workspace", "enrollment", "step", "visit", "mailbox", "contact", "owner", "recipient", "status",
            "message_id", "in_reply_to", "provider_message_id", "priority", "is_first_touch", "due_at", "queued_at",
            "send_after_at", "held_by", "attempts", "handed_over_at", "sent_at", "unknown_at", "failed_at",
            "withheld_reason", "error_class", "error_code", "error", "resolution", "resolved_by", "resolved_at",
            "variant", "subject", "text", "html", "updated_at",
            "delivered_at", "first_opened_at", "opens", "first_clicked_at", "clicks", "replied_at", "bounced_at",
            "bounce_type", "complained_at", "unsubscribed_at",
            "awaiting_approval", "approval_hash", "approval_error", "approved_by", "approved_at",
        ]  # fmt: skip
        read_only_fields = fields
        list_serializer_class = _MessagesSerializer

    def get_approved_by(self, message: EmailMessage) -> str:
        return message.approval.approved_by if hasattr(message, "approval") else ""

    def to_representation(self, instance: EmailMessage) -> dict[str, Any]:
        found = read_engagement([instance.pk]) if self.engagement is None else self.engagement
        for name, value in found[instance.pk].items():
            setattr(instance, name, value)
        return super().to_representation(instance)
