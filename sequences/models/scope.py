"""Tenancy: the one place that says which rows a user may see."""

from __future__ import annotations

from typing import Any, Self

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models


class WorkspaceQuerySet(models.QuerySet[Any]):
    """Rows that carry a `workspace`. Everything that serves a request starts from `for_user`."""

    def for_user(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Rows of the workspaces the user belongs to; of all workspaces for a superuser; none for a stranger.

        Where it is one workspace, as for most, it is named in the query: joined, it would hide from PostgreSQL that an
        index has its rows in order, and all of them would be read and sorted for a page of fifty. Several stay joined:
        named, they lead it to read the rows of all workspaces backwards until it has met enough of theirs.
        """
        if not user.is_authenticated:
            return self.none()
        if getattr(user, "is_superuser", False):
            return self.all()
        memberships = apps.get_model("sequences", "Membership")._default_manager.filter(user=user.pk).order_by()
        match list(memberships.values_list("workspace", flat=True)[:2]):
            case []:
                return self.none()
            case [own]:
                return self.filter(workspace=own)
            case _:
                return self.filter(workspace__memberships__user=user)
