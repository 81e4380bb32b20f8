"""Tables of the engine (logs, dead letters, workers, alerts), of outgoing webhooks and of the API's logins."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils.text import Truncator
from knox.models import AbstractAuthToken

from common.encryption import SecretsField
from common.transaction_ids import CurrentTransactionId
from emails.models import Mailbox
from execution.choices import ControlAction, ControlTarget, DeliveryState, LogAction, LogStatus, Resolution
from sequences.choices import label_of
from sequences.models import Enrollment, Step, Workspace
from sequences.models.scope import WorkspaceQuerySet

PREFIX_SHOWN = 8


class ExecutionLog(models.Model):
    """Append-only: every state change of an enrollment, its actor and its reason."""

    # Only the enrollment's foreign key is checked by the database; see EmailMessage.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="logs", db_index=False)
    step = models.ForeignKey(
        Step, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    step_number = models.PositiveIntegerField(null=True)
    step_type = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=24, choices=LogAction.choices())
    status = models.CharField(max_length=16, choices=LogStatus.choices(), default=LogStatus.OK.value)
    message = models.TextField(blank=True)
    error = models.TextField(blank=True)
    actor = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    stored_in = models.BigIntegerField(null=True, editable=False, db_default=CurrentTransactionId())

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["enrollment", "-at", "-id"], name="log_enrollment"),
            BrinIndex(fields=["at"], name="log_at", autosummarize=True),
            models.Index("workspace", Coalesce("stored_in", 0), "id", name="log_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.action} at {self.at:%Y-%m-%d %H:%M:%S}"


class DeadLetter(models.Model):
    """Why an enrollment is quarantined. At most one open row each."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="dead_letters")
    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="dead_letters")
    step = models.ForeignKey(Step, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    error_class = models.CharField(max_length=64)
    error = models.TextField()
    error_trace = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    resolution = models.CharField(max_length=16, choices=Resolution.choices(), blank=True)
    resolved_by = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Kept by the database.")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = "failed enrollment"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment"], name="dead_letter_open_once", condition=Q(resolved_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | ~Q(resolution=""), name="dead_letter_resolved_how"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="dead_letter_created"),
            models.Index(fields=["workspace", "updated_at", "id"], name="dead_letter_updated"),
        ]

    def __str__(self) -> str:
        return f"{label_of(self.error_class)}: {Truncator(self.error).chars(80)}"


class Worker(models.Model):
    """A running process and when it was last alive. `turns`: when each of its loops had its last turn (ISO 8601)."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=32)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True)
    last_processed_at = models.DateTimeField(null=True)
    decided = models.PositiveBigIntegerField(default=0)
    delivered = models.PositiveBigIntegerField(default=0)
    turns = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    clock_offset_seconds = models.FloatField(null=True, help_text="How far its clock is ahead of the database's.")
    unconfirmed_timeline = models.IntegerField(
        null=True, help_text="Of a failover, until it has found all that it sent before."
    )

    class Meta:
        ordering = ["-heartbeat_at"]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """A condition that needs a user's attention: one open row for each key, until the condition has cleared.

    `number`: how many things it concerns now, `notified_number` when it was last sent; `news`: what was new then.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, related_name="alerts")
    key = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    remedy = models.TextField(blank=True)
    link = models.CharField(max_length=500, blank=True)
    recipients = ArrayField(models.EmailField(max_length=254), null=True, help_text="The users whose it is.")
    number = models.PositiveIntegerField(default=1, db_default=1, help_text="How many things it concerns.")
    notified_number = models.PositiveIntegerField(default=0, db_default=0)
    news = models.CharField(max_length=200, blank=True, default="", db_default="")
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    notified_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="alert_open_once", condition=Q(cleared_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.title


class ControlLog(models.Model):
    """Append-only: what a user did to a sequence, mailbox, contact, account, webhook or the executor, and why.

    `changes` of an edit: a list of `{"what", "field", "before", "after"}`.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, related_name="control_logs")
    target = models.CharField(max_length=16, choices=ControlTarget.choices())
    target_id = models.BigIntegerField(null=True)
    label = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=16, choices=ControlAction.choices())
    reason = models.CharField(max_length=500, blank=True)
    changes = models.JSONField(default=list, blank=True, db_default=[])
    actor = models.CharField(max_length=200)
    at = models.DateTimeField()
    stored_in = models.BigIntegerField(null=True, editable=False, db_default=CurrentTransactionId())

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["target", "target_id", "-at"], name="control_log_target"),
            models.Index("workspace", Coalesce("stored_in", 0), "id", name="control_log_feed"),
            BrinIndex(fields=["at"], name="control_log_at", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.label or self.target} {self.action} by {self.actor}"


class WebhookSubscription(models.Model):
    """An endpoint that receives a workspace's events. `scanned_at`: facts recorded before it have been queued.

    `failing_since`: the first failure after what it last accepted; `held_until`: it asked not to be called before;
    `disabled_at` and `disabled_reason`: when and why the engine switched it off.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=40), help_text="Names of events; `*` for all.")
    secret = SecretsField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    scanned_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, default="", db_default="", editable=False)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event for one subscription, tried until it is accepted or 24 hours old. `fact` identifies its source row."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    subscription = models.ForeignKey(WebhookSubscription, on_delete=models.CASCADE, related_name="deliveries")
    fact = models.CharField(max_length=64)
    event = models.CharField(max_length=40)
    payload = models.JSONField()
    state = models.CharField(max_length=16, choices=DeliveryState.choices(), default=DeliveryState.PENDING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    give_up_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    response = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["subscription", "fact"], name="webhook_fact_once")]
        indexes = [
            models.Index(fields=["subscription", "next_attempt_at"], name="webhook_due", condition=Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.subscription_id}"


class ApiKey(AbstractAuthToken):
    """The login of a script. Only a digest of the key is stored; deleting the row revokes it."""

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=100, help_text="Who or what uses it.")
    last_used_at = models.DateTimeField(null=True, editable=False)
    precedes_password = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="Its user had no password when it was made."
    )

    class Meta:
        verbose_name = "API key"
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name or f"{self.prefix}…"

    @property
    def prefix(self) -> str:
        """The first characters of the key, by which its user recognizes it."""
        return str(self.token_key)[:PREFIX_SHOWN]


class AgentDay(models.Model):
    """How many rows an API key has changed by the tools for agents on one day (UTC)."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    changes = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "day"], name="agent_day_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.changes} on {self.day}"


class IdempotencyKey(models.Model):
    """The first response to a POST, returned again when the request is repeated within 24 hours."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    body_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key


class KeptForecast(models.Model):
    """What a mailbox was to send on a day of its time zone, as forecast `days_ahead` days before; for comparison."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="+", db_index=False)
    date = models.DateField()
    days_ahead = models.PositiveSmallIntegerField()
    first_touches = models.PositiveIntegerField()
    follow_ups = models.PositiveIntegerField()
    made_at = models.DateTimeField()

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "date", "days_ahead"], name="kept_forecast_once")]
        indexes = [
            models.Index(fields=["workspace", "date"], name="kept_forecast_day"),
            models.Index(fields=["workspace", "made_at"], name="kept_forecast_made"),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox}: {self.first_touches + self.follow_ups} on {self.date}"
