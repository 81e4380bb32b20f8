"""Append-only facts about messages and their recipients."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from common.transaction_ids import CurrentTransactionId
from emails.choices import BounceType, EventType, Verdict
from emails.models.mailbox import Mailbox
from emails.models.message import EmailMessage
from sequences.models.enrollment import Enrollment
from sequences.models.people import Contact
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class EmailEvent(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    # The message's check would cost each batch of opens and clicks a lookup per row; the enrollment's is kept.
    message = models.ForeignKey(
        EmailMessage, on_delete=models.CASCADE, null=True, related_name="events", db_constraint=False
    )
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, null=True, related_name="events", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, null=True, related_name="events", db_index=False)
    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    type = models.CharField(max_length=16, choices=EventType.choices())
    bounce_type = models.CharField(max_length=8, choices=BounceType.choices(), blank=True)
    provider = models.CharField(max_length=32, help_text="The source: imap, tracking, mailgun …")
    provider_event_id = models.CharField(max_length=255)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True, help_text="Out of office: the return date.")
    verdict = models.CharField(max_length=8, choices=Verdict.choices(), default=Verdict.HUMAN.value)
    verdict_reason = models.CharField(max_length=200, blank=True)
    confidence = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Confidence of the verdict in percent."
    )
    rules_version = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Version of the rules for the verdict."
    )
    detail = models.TextField(blank=True)
    payload = models.JSONField(default=dict, blank=True)
    stored_in = models.BigIntegerField(null=True, editable=False, db_default=CurrentTransactionId())

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_event_id"], name="event_once"),
            models.CheckConstraint(condition=~Q(type="bounced") | ~Q(bounce_type=""), name="event_bounce_has_type"),
        ]
        indexes = [
            models.Index(fields=["enrollment", "occurred_at"], name="event_enrollment"),
            models.Index(fields=["contact", "type", "occurred_at"], name="event_contact"),
            models.Index(fields=["occurred_at"], name="event_pending", condition=Q(verdict="pending")),
            models.Index("workspace", Coalesce("stored_in", 0), "id", name="event_feed"),
            BrinIndex(fields=["recorded_at"], name="event_recorded", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.type} at {self.occurred_at:%Y-%m-%d %H:%M}"
