"""Addresses and domains that must not be mailed, and who put them there or took them away."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Lower, Now

from common.addresses import ADDRESS_FORM, DOMAIN_FORM
from common.transaction_ids import CurrentTransactionId
from emails.choices import SuppressionAction, SuppressionReason
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class Suppression(models.Model):
    """Exactly one of `email` and `domain` is set, in lower case. A row stops as long as it is there."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="suppressions")
    email = models.EmailField(max_length=254, blank=True)
    domain = models.CharField(max_length=253, blank=True, help_text="Exactly this domain, not its subdomains.")
    reason = models.CharField(
        max_length=16, choices=SuppressionReason.choices(), default=SuppressionReason.MANUAL.value
    )
    note = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Leave empty to suppress permanently.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Kept by the database.")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"], name="suppression_email_once", condition=~Q(email="")
            ),
            models.UniqueConstraint(
                fields=["workspace", "domain"], name="suppression_domain_once", condition=~Q(domain="")
            ),
            models.CheckConstraint(
                condition=(Q(email="") & ~Q(domain="")) | (~Q(email="") & Q(domain="")),
                name="suppression_names_one",
            ),
            models.CheckConstraint(
                condition=(Q(email="") | (Q(email__regex=ADDRESS_FORM) & Q(email=Lower("email"))))
                & (Q(domain="") | Q(domain__regex=DOMAIN_FORM)),
                name="suppression_form",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="suppression_expiry", condition=Q(expires_at__isnull=False)),
            models.Index(fields=["workspace", "updated_at", "id"], name="suppression_updated"),
        ]

    def __str__(self) -> str:
        return self.email or f"@{self.domain}"


class SuppressionChange(models.Model):
    """Append-only: every addition, extension, removal and expiry, with actor and reason."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField(max_length=254, blank=True)
    domain = models.CharField(max_length=253, blank=True)
    action = models.CharField(max_length=16, choices=SuppressionAction.choices())
    reason = models.CharField(max_length=16, choices=SuppressionReason.choices())
    note = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField()
    stored_in = models.BigIntegerField(null=True, editable=False, db_default=CurrentTransactionId())

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace", "email"], name="suppression_change_email"),
            models.Index("workspace", Coalesce("stored_in", 0), "id", name="suppression_change_feed"),
            BrinIndex(fields=["at"], name="suppression_change_at", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.email or f'@{self.domain}'} {self.action}"
