"""Invitations to join a workspace, answered once by a signed link."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from sequences.choices import InvitationStatus, Role
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class Invitation(models.Model):
    """At most one open row for each workspace and address.

    `email`: the name of the login that it may create. `nonce`: part of the signed link; another one ends the link.
    `emailed_at`: when a mail server accepted the email with the link that is valid now.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.CharField(max_length=150)
    role = models.CharField(max_length=16, choices=Role.choices(), default=Role.SDR.value)
    nonce = models.UUIDField(default=uuid.uuid4, editable=False)
    invited_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    emailed_at = models.DateTimeField("emailed", null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.F("workspace"),
                models.functions.Lower("email"),
                name="invitation_open_once",
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def status_at(self, now: datetime) -> InvitationStatus:
        if self.accepted_at is not None:
            return InvitationStatus.ACCEPTED
        if self.withdrawn_at is not None:
            return InvitationStatus.WITHDRAWN
        return InvitationStatus.PENDING if now < self.expires_at else InvitationStatus.EXPIRED
