"""An SDR's sending account and the state of its lane.

`lane_at` says when a worker must look at the lane; `next_slot_at` when its pace allows the next hand-over. The lease
and the breaker live here too, so that all workers on all hosts agree.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.addresses import ADDRESS_FORM
from common.encryption import SecretsField
from emails.choices import AuthMethod, BreakerState, Inbound, MailboxStatus, Security, Transport
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace, validate_timezone


def default_gap_seconds() -> int:
    return int(settings.SEND_GAP_SECONDS)


def default_jitter_seconds() -> int:
    return int(settings.SEND_JITTER_SECONDS)


class Mailbox(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mailboxes")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="mailboxes"
    )
    address = models.EmailField(max_length=254)
    display_name = models.CharField(max_length=200, blank=True)
    aliases = ArrayField(models.EmailField(max_length=254), default=list, blank=True)
    timezone = models.CharField(max_length=64, blank=True, validators=[validate_timezone])
    signature = models.TextField(blank=True, help_text="Markdown or HTML, added below every email.")

    transport = models.CharField(max_length=32, choices=Transport.choices(), default=Transport.SMTP.value)
    transport_options = models.JSONField(default=dict, blank=True, help_text="ESP settings that are not secret.")
    smtp_host = models.CharField(max_length=253, blank=True)
    smtp_port = models.PositiveIntegerField(default=587)
    smtp_security = models.CharField(max_length=16, choices=Security.choices(), default=Security.STARTTLS.value)
    smtp_username = models.CharField(max_length=254, blank=True)
    auth_method = models.CharField(max_length=16, choices=AuthMethod.choices(), default=AuthMethod.PASSWORD.value)
    credentials = SecretsField(default=dict, blank=True)
    connections = models.PositiveSmallIntegerField(
        default=1, help_text="Parallel connections. More than 1 only for ESPs."
    )

    inbound = models.CharField(max_length=16, choices=Inbound.choices(), default=Inbound.NONE.value)
    imap_host = models.CharField(max_length=253, blank=True)
    imap_port = models.PositiveIntegerField(default=993)
    imap_security = models.CharField(max_length=16, choices=Security.choices(), default=Security.TLS.value)
    imap_username = models.CharField(max_length=254, blank=True)
    # filled by the database too, so that a release that does not know it yet can go on inserting
    hook_key = models.UUIDField(
        unique=True,
        default=uuid.uuid4,
        db_default=RandomUUID(),
        editable=False,
        help_text="The secret part of its webhook addresses.",
    )
    inbox_read_at = models.DateTimeField(null=True, blank=True, help_text="When the inbox was last read successfully.")

    status = models.CharField(max_length=16, choices=MailboxStatus.choices(), default=MailboxStatus.ACTIVE.value)
    status_reason = models.CharField(max_length=500, blank=True)
    status_actor = models.CharField(max_length=200, blank=True)
    status_at = models.DateTimeField(null=True, blank=True)

    gap_seconds = models.PositiveIntegerField(default=default_gap_seconds)
    jitter_seconds = models.PositiveIntegerField(default=default_jitter_seconds)
    ramp_enabled = models.BooleanField(default=True)
    ramp_start = models.PositiveIntegerField(default=10, help_text="Messages on the first sending day.")
    ramp_step = models.PositiveIntegerField(default=5, help_text="Additional messages on each further sending day.")
    ramp_allowance = models.PositiveIntegerField(default=0, help_text="Messages in 24 hours during the ramp-up.")
    ramp_day = models.DateField(null=True, blank=True, help_text="The last sending day that was counted.")

    lane_at = models.DateTimeField(null=True, blank=True, help_text="When a worker processes the lane next.")
    lane_held_by = models.CharField(max_length=200, blank=True, help_text="What holds the lane, as code: detail.")
    next_slot_at = models.DateTimeField(null=True, blank=True, help_text="The earliest next send by send spacing.")
    lease_token = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=200, blank=True)

    breaker_state = models.CharField(max_length=16, choices=BreakerState.choices(), default=BreakerState.CLOSED.value)
    breaker_failures = models.PositiveIntegerField(default=0)
    breaker_trips = models.PositiveIntegerField(default=0)
    breaker_until = models.DateTimeField(null=True, blank=True)
    breaker_error = models.TextField(blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "mailboxes"
        ordering = ["address"]
        constraints = [
            models.UniqueConstraint("workspace", Lower("address"), name="mailbox_address_once"),
            models.CheckConstraint(condition=Q(address__regex=ADDRESS_FORM), name="mailbox_address_form"),
            models.CheckConstraint(
                condition=Q(status="active") | ~Q(status_reason=""), name="mailbox_stopped_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(breaker_state="closed") | Q(breaker_until__isnull=False), name="mailbox_breaker_has_time"
            ),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True) | Q(leased_until__isnull=False), name="mailbox_lease_has_time"
            ),
        ]
        indexes = [models.Index(fields=["lane_at", "id"], name="mailbox_lane", condition=Q(lane_at__isnull=False))]

    def __str__(self) -> str:
        return self.address
