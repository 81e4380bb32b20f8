"""Mailbox pools: named sets of mailboxes of a workspace, one of which each enrollment gets for life."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from emails.models.mailbox import Mailbox
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class MailboxPool(models.Model):
    """Taking a mailbox out of a pool, or deleting the pool, changes no enrollment: each keeps its mailbox."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mailbox_pools")
    name = models.CharField(max_length=100)
    mailboxes = models.ManyToManyField(
        Mailbox, related_name="pools", blank=True, help_text="New enrollments are spread over those that can send."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(models.F("workspace"), Lower("name"), name="mailbox_pool_name_once")]

    def __str__(self) -> str:
        return self.name
