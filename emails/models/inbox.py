"""How far a mailbox's inbox has been read by IMAP, and which worker reads it now."""

from __future__ import annotations

from django.db import models

from emails.models.mailbox import Mailbox


class InboxState(models.Model):
    """`last_uid` counts within one `uidvalidity` (RFC 3501 section 2.3.1.1); another one means: start again."""

    mailbox = models.OneToOneField(Mailbox, on_delete=models.CASCADE, primary_key=True, related_name="inbox_state")
    folder = models.CharField(max_length=255, default="INBOX")
    uidvalidity = models.BigIntegerField(null=True, blank=True)
    last_uid = models.BigIntegerField(default=0)
    folders = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    folders_checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the spam and Sent folders were last read."
    )
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When the inbox was last checked.")
    sent_checked_at = models.DateTimeField(null=True, blank=True, help_text="When the Sent folder was last searched.")
    watched_until = models.DateTimeField(
        null=True, blank=True, help_text="A process watches the inbox with IDLE until then."
    )
    last_error = models.CharField(max_length=500, blank=True)
    failures = models.PositiveIntegerField(
        default=0, help_text="Consecutive failures; each doubles the pause before the next check."
    )
    lease_token = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.folder} up to {self.last_uid}"
