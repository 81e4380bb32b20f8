"""What other systems report about a contact: a meeting was booked, a stage changed. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Coalesce

from common.transaction_ids import CurrentTransactionId
from sequences.models.people import Contact
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class ExternalEvent(models.Model):
    """`event_key` is the sender's own id of it, once in a workspace, so that sending it again changes nothing."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="external_events", db_index=False)
    event_key = models.CharField("id of the sender", max_length=200)
    type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    stored_in = models.BigIntegerField(null=True, editable=False, db_default=CurrentTransactionId())

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "event_key"], name="external_event_once"),
        ]
        indexes = [
            models.Index(fields=["contact", "type", "occurred_at"], name="external_event_of_contact"),
            models.Index(fields=["workspace", "recorded_at"], name="external_event_recorded"),
            models.Index("workspace", Coalesce("stored_in", 0), "id", name="external_event_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.type} at {self.occurred_at:%Y-%m-%d %H:%M}"
