"""What is kept of erased persons: a keyed hash of each address, so that it is never stored or mailed again."""

from __future__ import annotations

from django.db import models

from common.encryption import SecretsField
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class ErasureKey(models.Model):
    """The random key of a workspace's hashes. Without it no address can be found by trying all."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True, related_name="+")
    key = SecretsField()

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Erasure key of {self.workspace_id}"


class ErasedAddress(models.Model):
    """HMAC-SHA-256 (RFC 2104) of an erased address in lower case, in hexadecimal digits."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.CharField(max_length=64)
    erased_at = models.DateTimeField()

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "digest"], name="erased_address_once")]

    def __str__(self) -> str:
        return f"Erased address {self.pk}"
