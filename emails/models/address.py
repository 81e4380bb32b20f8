"""What is known of an address before the first email: whether its domain takes email, and what a provider says."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from emails.choices import AddressState
from sequences.models.people import Contact
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class MailDomain(models.Model):
    """What DNS says of a domain, once for all workspaces. `due_at`: when DNS is asked, None while nothing asks.

    `requested_at`: since when a first email waits for the answer.
    """

    domain = models.CharField(primary_key=True, max_length=253)
    state = models.CharField(max_length=16, choices=AddressState.choices(), default=AddressState.UNKNOWN.value)
    detail = models.CharField(max_length=200, blank=True)
    checked_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    requested_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["domain"]
        indexes = [
            models.Index(fields=["due_at"], name="mail_domain_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["due_at"], name="mail_domain_awaited", condition=Q(requested_at__isnull=False)),
            models.Index(fields=["valid_until"], name="mail_domain_valid"),
        ]

    def __str__(self) -> str:
        return self.domain


class AddressVerdict(models.Model):
    """What a provider of verification says of a contact's address. It counts while the contact has this address."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="address_verdict")
    email = models.EmailField(max_length=254, blank=True)
    state = models.CharField(max_length=16, choices=AddressState.choices())
    detail = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=64, blank=True)
    checked_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=200)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(email=Lower("email")), name="address_verdict_lower")]

    def __str__(self) -> str:
        return f"{self.email}: {self.state}"
