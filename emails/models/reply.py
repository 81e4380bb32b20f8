"""What contacts wrote to us, kept whole, and what users did about it: corrections of the intent, and answers."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from emails.choices import ReplyIntent
from emails.models.event import EmailEvent
from emails.models.mailbox import Mailbox
from emails.models.message import EmailMessage
from sequences.models.enrollment import Enrollment
from sequences.models.people import Contact
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class Reply(models.Model):
    """One mail that a person wrote. `found_intent` is what the rules read; `intent` what counts, a user's after all."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    event = models.OneToOneField(EmailEvent, on_delete=models.CASCADE, related_name="reply")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="replies", db_index=False)
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, null=True, related_name="replies", help_text="Whose email it answers."
    )
    message = models.ForeignKey(
        EmailMessage,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The email it answers, as far as it is known.",
    )
    mailbox = models.ForeignKey(Mailbox, on_delete=models.SET_NULL, null=True, related_name="+")

    sender = models.CharField(max_length=320, help_text="The address of the From header.")
    sender_name = models.CharField(max_length=300, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    header_id = models.CharField(max_length=500, blank=True, help_text="The Message-ID of the reply itself.")
    answered_ids = ArrayField(
        models.CharField(max_length=1000), default=list, help_text="The Message-IDs it names, oldest first."
    )
    header_date = models.CharField(max_length=100, blank=True)
    text = models.TextField(blank=True, help_text="What the person wrote, without what they quote.")
    quoted = models.TextField(blank=True)
    html_text = models.TextField(blank=True, help_text="The HTML part as plain text, whole.")
    attachments = models.JSONField(default=list, blank=True)
    authentication = models.JSONField(default=dict, blank=True)
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    kind = models.CharField(max_length=32)
    found_intent = models.CharField(max_length=20, choices=ReplyIntent.choices())
    intent = models.CharField(max_length=20, choices=ReplyIntent.choices())
    intent_reason = models.CharField(max_length=500, blank=True)
    until = models.DateField(null=True, blank=True, help_text="Not now: the day to write again.")
    referral = models.CharField(max_length=320, blank=True, help_text="The address that it refers to.")
    classified_by = models.CharField(max_length=200, blank=True, help_text="Who confirmed or corrected the intent.")
    classified_at = models.DateTimeField(null=True, blank=True)
    is_handled = models.BooleanField(default=False)
    handled_by = models.CharField(max_length=200, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    notified_at = models.DateTimeField(null=True, blank=True, help_text="When its owner was told, or was not to be.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Kept by the database.")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "replies"
        ordering = ["-received_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_handled=False) | Q(handled_at__isnull=False), name="reply_handled_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "received_at", "id"], name="reply_newest"),
            models.Index(fields=["workspace", "received_at"], name="reply_open", condition=Q(is_handled=False)),
            models.Index(fields=["contact", "received_at"], name="reply_contact"),
            models.Index(fields=["workspace", "updated_at", "id"], name="reply_updated"),
            models.Index(fields=["recorded_at"], name="reply_not_notified", condition=Q(notified_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"Reply of {self.sender}"


class ReplyCorrection(models.Model):
    """One change of a reply's intent by a user. The published figures count them against the rules."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, related_name="corrections")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    intent_before = models.CharField(max_length=20, choices=ReplyIntent.choices())
    intent_after = models.CharField(max_length=20, choices=ReplyIntent.choices())
    until_before = models.DateField(null=True)
    until_after = models.DateField(null=True)
    referral_before = models.CharField(max_length=320, blank=True)
    referral_after = models.CharField(max_length=320, blank=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.intent_before} → {self.intent_after}"


class Answer(models.Model):
    """What a user wrote back. It leaves as `message`, through the same outbox, caps and final check as all email."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, related_name="answers")
    message = models.OneToOneField(EmailMessage, on_delete=models.CASCADE, related_name="answer")
    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    written_by = models.CharField(max_length=200)
    body = models.TextField(help_text="Markdown, without the signature.")
    created_at = models.DateTimeField()

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Answer by {self.written_by}"
