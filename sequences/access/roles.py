"""Roles: every member reads the workspace; an SDR acts on their own rows, a manager or an admin on all.

Rows of other workspaces never get here: querysets hide them, so that they are 404.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db.models import Q, QuerySet
from rest_framework.exceptions import PermissionDenied

from sequences.choices import Role
from sequences.models import Membership, Workspace

Reader = AbstractBaseUser | AnonymousUser
#: Where a request from inside the process says which agent makes it; no header of HTTP gets there.
AGENT_KEY = "sequence_executor.agent"
_LONGEST_ACTOR = 200
_LONGEST_AGENT = 60
#: The permission of the group "Operators". No role gives it.
OPERATE_EXECUTOR = "emails.operate_executor"
NOT_YOURS = "It belongs to another user: only its owner, a manager or an admin of the workspace can do this."


def name_actor(user: Reader) -> str:
    """The user's name in logs; with the agent that acts for them, if one does."""
    name: str = getattr(user, "email", "") or user.get_username()
    agent = getattr(user, "acting_agent", "")
    return f"agent {agent[:_LONGEST_AGENT]} for {name}"[:_LONGEST_ACTOR] if agent else name


def workspace_ids_of(user: Reader) -> list[int]:
    return list(Workspace.objects.for_user(user).order_by("id").values_list("id", flat=True))


def is_manager(user: Reader, workspace_id: int) -> bool:
    """Whether `user` can act on everything in the workspace."""
    if user.pk is None or getattr(user, "is_superuser", False):
        return user.pk is not None
    return Membership.objects.filter(
        user_id=user.pk, workspace_id=workspace_id, role__in=[Role.MANAGER, Role.ADMIN]
    ).exists()


def is_operator(user: Reader) -> bool:
    """Whether `user` may pause and resume the executor of the whole installation."""
    return isinstance(user, PermissionsMixin) and user.has_perm(OPERATE_EXECUTOR)


def is_admin(user: Reader, workspace_id: int) -> bool:
    """Whether `user` is an admin of the workspace."""
    if user.pk is None or getattr(user, "is_superuser", False):
        return user.pk is not None
    return Membership.objects.filter(user_id=user.pk, workspace_id=workspace_id, role=Role.ADMIN).exists()


def manages_any(user: Reader) -> bool:
    """Whether there is a workspace in which `user` can act on everything."""
    return getattr(user, "is_superuser", False) or managed_workspaces(user).exists()


def managed_workspaces(user: Reader) -> QuerySet[Workspace]:
    """The workspaces in which `user` can act on everything."""
    if getattr(user, "is_superuser", False):
        return Workspace.objects.all()
    return Workspace.objects.filter(
        memberships__user=user.pk, memberships__role__in=[Role.MANAGER, Role.ADMIN]
    ).distinct()


def administered_workspaces(user: Reader) -> QuerySet[Workspace]:
    """Those of which `user` is an admin."""
    if getattr(user, "is_superuser", False):
        return Workspace.objects.all()
    return Workspace.objects.filter(memberships__user=user.pk, memberships__role=Role.ADMIN).distinct()


def require_manager(user: Reader) -> None:
    """Raises `PermissionDenied` for users who manage no workspace. Check the particular one when it is known."""
    if not manages_any(user):
        raise PermissionDenied("Only a manager or an admin can do this.")


def require_manager_of(user: Reader, workspace_id: int) -> None:
    """Raises `PermissionDenied` unless `user` can act on everything in the workspace."""
    if not is_manager(user, workspace_id):
        raise PermissionDenied("Only a manager or an admin of the workspace can do this.")


def require_any_admin(user: Reader) -> None:
    """Raises `PermissionDenied` unless `user` is an admin of some workspace; which one is checked when it is known."""
    if not administered_workspaces(user).exists():
        raise PermissionDenied("Only an admin of the workspace may do this.")


def require_admin(user: Reader, workspace_id: int) -> None:
    """Raises `PermissionDenied` unless `user` is an admin of the workspace."""
    if not is_admin(user, workspace_id):
        raise PermissionDenied("Only an admin of the workspace can do this.")


def require_right(user: Reader, workspace_id: int, owner_id: int | None, *, is_shared_without_owner: bool) -> None:
    """Raises `PermissionDenied` unless the row is the user's own, or they manage its workspace.

    `is_shared_without_owner`: whether any member can act on rows without an owner.
    """
    is_own = owner_id == user.pk or (owner_id is None and is_shared_without_owner)
    if not is_own and not is_manager(user, workspace_id):
        raise PermissionDenied(NOT_YOURS)


def filter_actable(rows: QuerySet[Any], user: Reader) -> QuerySet[Any]:
    """The rows that `user` can act on: their own, those without an owner, and all of the workspaces they manage."""
    if getattr(user, "is_superuser", False):
        return rows
    managed = Membership.objects.filter(user=user.pk, role__in=[Role.MANAGER, Role.ADMIN]).values("workspace")
    return rows.filter(Q(owner=user.pk) | Q(owner=None) | Q(workspace__in=managed))
