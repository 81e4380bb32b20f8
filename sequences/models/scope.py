"""Tenancy: the one place that says which rows a user may see."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models


class WorkspaceQuerySet(models.QuerySet[Any]):
    """Rows that carry a `workspace`. Everything that serves a request starts from `for_user`."""

    def for_user(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Rows of the workspaces the user belongs to; of all workspaces for a superuser; none for a stranger."""
        if not user.is_authenticated:
            return self.none()
        if getattr(user, "is_superuser", False):
            return self.all()
        return self.filter(workspace__memberships__user=user)
