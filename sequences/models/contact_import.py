"""Imports that are too large for a request: the file, how far it has come, and what became of its rows."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from sequences.choices import ImportKind, ImportState
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class ContactImport(models.Model):
    """One file of contacts, or of suppressions (`kind`).

    `rows` are counted first; `done` of them are stored or rejected, always all up to one row.

    `content` is the file, until the import has ended. `leased_until`: how long the executor with `lease` has it alone;
    `attempts`: how often one took it up since the last row was stored. Of suppressions only: `known` were on the list
    already, `updated` last longer now, `reason` is for rows that name none.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="contact_imports")
    kind = models.CharField(
        max_length=16,
        choices=ImportKind.choices(),
        default=ImportKind.CONTACTS.value,
        db_default=ImportKind.CONTACTS.value,
    )
    file_name = models.CharField(max_length=254)
    content = models.BinaryField(null=True)
    mapping = models.JSONField(default=dict)
    reason = models.CharField(max_length=20, blank=True, default="", db_default="")
    is_dry_run = models.BooleanField(default=False)
    created_by = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=ImportState.choices(), default=ImportState.WAITING.value)
    problem = models.TextField(blank=True)
    columns = models.JSONField(default=list)
    rows = models.PositiveIntegerField(null=True)
    done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0, db_default=0)
    rejected = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    served_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["id"],
                name="contact_import_open",
                condition=Q(state__in=[ImportState.WAITING.value, ImportState.RUNNING.value]),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_contacts(self) -> bool:
        return self.kind == ImportKind.CONTACTS.value

    @property
    def has_ended(self) -> bool:
        return self.finished_at is not None


class ContactImportBatch(models.Model):
    """Consecutive rows of one import, stored in one transaction. `first`: how many rows were done before.

    `rejects` are `{"row", "reason", "cells"}`, `warnings` `{"row", "reason"}`.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    contact_import = models.ForeignKey(ContactImport, on_delete=models.CASCADE, related_name="batches", db_index=False)
    first = models.PositiveIntegerField()
    contact_ids = ArrayField(models.BigIntegerField(), default=list)
    rejects = models.JSONField(default=list)
    warnings = models.JSONField(default=list)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["contact_import", "first"]
        constraints = [models.UniqueConstraint(fields=["contact_import", "first"], name="contact_import_batch_once")]

    def __str__(self) -> str:
        return f"Rows after {self.first} of import {self.contact_import_id}"
