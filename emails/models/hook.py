"""Incoming events and mails that became no fact: about no message of ours, of an unknown kind, or unreadable."""

from __future__ import annotations

from django.db import models

from emails.models.mailbox import Mailbox
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class HookRecord(models.Model):
    """Stored for inspection: an unknown kind of event, one about a message not of ours, a mail that cannot be read."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="hook_records")
    provider = models.CharField(max_length=32)
    what = models.CharField(max_length=200)
    payload = models.JSONField(default=dict, blank=True)
    received_at = models.DateTimeField(db_index=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = "record set aside"
        verbose_name_plural = "records set aside"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider}: {self.what}"
