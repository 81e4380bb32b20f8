"""What users of a workspace chose for a column of imported files; the next import offers it again."""

from __future__ import annotations

from django.db import models

from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class ColumnChoice(models.Model):
    """`column` as the header writes it; `read_as` a known column or a merge field, empty for one that is left out."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="column_choices")
    column = models.CharField(max_length=200)
    read_as = models.CharField(max_length=120, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["column"]
        constraints = [models.UniqueConstraint(fields=["workspace", "column"], name="column_choice_once")]

    def __str__(self) -> str:
        return f"{self.column} as {self.read_as or 'nothing'}"
