"""Views of lists that users saved at the desk: filters, search and order under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class SavedView(models.Model):
    """`page` is the list's model as app_model; `query` its URL query. Shared ones are shown to the whole workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="saved_views")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=100)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user", "page", "name"], name="saved_view_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
