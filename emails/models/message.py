"""The outbox row, which is also the ledger of what was sent: one per run of an email step."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from emails.choices import ErrorClass, MessageStatus
from emails.models.mailbox import Mailbox
from sequences.models.enrollment import Enrollment
from sequences.models.people import Contact
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.sequence import Step
from sequences.models.workspace import Workspace


def status_of(alias: str) -> str:
    """SQL: the status of a message that is found by its id, enrollment or contact, and never by an index of a status.

    The planner would scan such an index instead where it is nearly empty, and a statement that is planned once keeps
    doing so when all messages of a large mailing have entered it.
    """
    return f"({alias}.status || '')"


class EmailMessage(models.Model):
    # Only the enrollment's foreign key is checked by the database: the rows are written in batches right after those
    # they point to were read and locked, and every further check costs each batch a lookup per row.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="messages", db_index=False)
    step = models.ForeignKey(
        Step, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    visit = models.PositiveIntegerField()
    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.RESTRICT, related_name="messages", db_constraint=False, db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="messages", db_constraint=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    recipient = models.EmailField(max_length=254)
    recipient_domain = models.CharField(max_length=253)
    is_first_touch = models.BooleanField(default=False)
    is_answer = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A user's answer to a reply: no step of the sequence, and sent after the enrollment has ended too.",
    )

    status = models.CharField(max_length=16, choices=MessageStatus.choices(), default=MessageStatus.QUEUED.value)
    message_id = models.CharField(max_length=255, help_text="RFC 5322 Message-ID, fixed when queued.")
    priority = models.SmallIntegerField(default=50)
    due_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    lane_order_at = models.DateTimeField(help_text="Due time adjusted by priority: the order in the sending queue.")
    send_after_at = models.DateTimeField(help_text="Not sent before then (sending window, domain limits, retry).")
    held_by = models.CharField(max_length=200, blank=True, help_text="What holds it until then, as code: detail.")

    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True, help_text="When the last attempt began; send limits count it.")
    earlier_handed_over_at = ArrayField(
        models.DateTimeField(), default=list, help_text="Earlier attempts of unknown outcome, before it was sent again."
    )
    sent_at = models.DateTimeField(null=True)
    unknown_at = models.DateTimeField(null=True)
    withheld_reason = models.CharField(max_length=64, blank=True)

    error_class = models.CharField(max_length=32, choices=ErrorClass.choices(), blank=True)
    error_code = models.CharField(max_length=32, blank=True, help_text="SMTP code and RFC 3463 enhanced status.")
    error = models.TextField(blank=True)
    error_trace = models.TextField(blank=True)
    failed_at = models.DateTimeField(null=True)

    provider_message_id = models.CharField(max_length=255, blank=True)
    variant = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        help_text="The variant of its step that the contact gets. Empty: the step has none.",
    )
    content_hash = models.UUIDField(
        null=True, help_text="Subject and body before personalisation, as a hash: what the contact got with it."
    )
    in_reply_to = models.CharField(max_length=255, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)

    resolved_by = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Kept by the database.")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # not unique=True: that adds a second index, for LIKE, which no query uses and every write maintains
            models.UniqueConstraint(fields=["message_id"], name="message_id_once"),
            models.UniqueConstraint(fields=["enrollment", "step", "visit"], name="message_once_per_step_run"),
            models.CheckConstraint(
                condition=~Q(status="sent") | (Q(sent_at__isnull=False) & ~Q(message_id="")),
                name="message_sent_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="sending")
                | Q(lease_token__isnull=False, leased_until__isnull=False, handed_over_at__isnull=False),
                name="message_sending_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | (~Q(error_class="") & Q(failed_at__isnull=False)),
                name="message_failed_has_class",
            ),
            models.CheckConstraint(
                condition=~Q(status="withheld") | ~Q(withheld_reason=""), name="message_withheld_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(status="unknown") | Q(unknown_at__isnull=False), name="message_unknown_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["mailbox", "lane_order_at", "id"], name="message_lane", condition=Q(status="queued")),
            models.Index(
                "mailbox",
                models.Func("provider_message_id", models.Value("<>"), function="btrim"),
                name="message_provider_id",
                condition=~Q(provider_message_id=""),
            ),
            # the newest of one workspace, the usual page, without a sort
            models.Index(fields=["workspace", "id"], name="message_newest"),
            models.Index(fields=["workspace", "updated_at", "id"], name="message_updated"),
            models.Index(fields=["leased_until"], name="message_leased", condition=Q(status="sending")),
            models.Index(fields=["workspace", "unknown_at"], name="message_unknown", condition=Q(status="unknown")),
            models.Index(
                fields=["mailbox", "handed_over_at"],
                name="message_mailbox_window",
                condition=Q(status__in=["sending", "sent", "unknown"]),
            ),
            models.Index(
                fields=["owner", "handed_over_at"],
                name="message_user_window",
                condition=Q(status__in=["sending", "sent", "unknown"]),
            ),
            models.Index(
                fields=["workspace", "handed_over_at"],
                name="message_workspace_window",
                condition=Q(status__in=["sending", "sent", "unknown"]),
            ),
            models.Index(
                fields=["workspace", "recipient_domain", "handed_over_at"],
                name="message_domain_window",
                condition=Q(status__in=["sending", "sent", "unknown"]),
            ),
        ]

    def __str__(self) -> str:
        return f"Message {self.pk}"
