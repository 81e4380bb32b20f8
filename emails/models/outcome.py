"""Append-only facts about emails that no server has, or that one may not have."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Coalesce

from common.transaction_ids import CurrentTransactionId
from emails.choices import MessageStatus
from emails.models.message import EmailMessage
from sequences.models.enrollment import Enrollment
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class EmailOutcome(models.Model):
    """An email became `failed`, `withheld` or `unknown`. The database stores it with that change.

    `reason`: the error's class, or why it is withheld. One email may have several: it can be queued again.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    # Messages are deleted with their enrollment, and so are these.
    message = models.ForeignKey(
        EmailMessage, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    status = models.CharField(max_length=16, choices=MessageStatus.choices())
    reason = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    at = models.DateTimeField()
    stored_in = models.BigIntegerField(null=True, editable=False, db_default=CurrentTransactionId())

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index("workspace", Coalesce("stored_in", 0), "id", name="outcome_feed"),
            BrinIndex(fields=["at"], name="outcome_at", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.status} at {self.at:%Y-%m-%d %H:%M}"
