"""What a user decided about one email that needs an approval, and the text written for that email alone."""

from __future__ import annotations

from django.db import models

from emails.models.message import EmailMessage
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class Approval(models.Model):
    """At most one per message, made by the first edit or approval; the approved text itself is on the message."""

    message = models.OneToOneField(EmailMessage, on_delete=models.CASCADE, primary_key=True, related_name="approval")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    # Liquid, as in a step; used instead of the step's where `edited_at` is set.
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    edited_by = models.CharField(max_length=200, blank=True)
    edited_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the email that was approved.")
    # What the final check compares without rendering.
    step_hash = models.UUIDField(null=True)
    mailbox_id = models.BigIntegerField(null=True)
    recipient = models.CharField(max_length=254, blank=True)
    outdated_at = models.DateTimeField(null=True, help_text="When the email was found to differ from the approved one.")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(approved_at__isnull=True) | ~models.Q(digest=""), name="approval_has_digest"
            ),
        ]

    def __str__(self) -> str:
        return f"Approval of message {self.message_id}"
