"""The rights of the admin, the same as those of the API: members act on their own rows, managers on all of a
workspace, and only admins on its settings, members, limits and webhooks.

Django's permissions (`desk_permissions`) say which models a user can edit; this module says which of their rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from sequences.access.roles import NOT_YOURS, administered_workspaces, is_admin, is_manager, manages_any


@dataclass(frozen=True, slots=True)
class Right:
    """Who can act on a row besides the managers of its workspace.

    `owner`: the path to the owner, empty for rows without one. `is_shared`: members can act on rows without an owner.
    `is_for_admins`: the admins of the workspace only.
    """

    owner: str = ""
    is_shared: bool = False
    is_for_admins: bool = False


MANAGERS = Right()
ADMINS = Right(is_for_admins=True)
MEMBERS = Right(is_shared=True)


class ChecksRights:
    """For admins of rows with a workspace. For rows without one Django's permissions decide."""

    model: Any
    # to add and change, to delete, and to run actions; None: the same as `right`
    right = MANAGERS
    delete_right: Right | None = None
    action_right: Right | None = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_some = (
            bool(self.right.owner) or self.right.is_shared or manages_any_of(request, as_admin=self.right.is_for_admins)
        )
        return may_some and bool(super().has_add_permission(request))  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and self._may(request, obj, self.right)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        right = self.delete_right or self.right
        return bool(super().has_delete_permission(request, obj)) and self._may(request, obj, right)  # type: ignore[misc]

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The permission for actions, also on read-only rows. `obj` can be the id of a row."""
        opts = self.model._meta
        if not request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}"):
            return False
        if isinstance(obj, int | str):
            obj = self.get_object(request, str(obj))  # type: ignore[attr-defined]
        return self._may(request, obj, self.action_right or self.right)

    def require_write(self, request: HttpRequest, row: Any) -> None:
        """Check the row as the form would store it: its workspace and its owner. Raises `PermissionDenied`."""
        if not self._may(request, row, self.right):
            raise PermissionDenied(NOT_YOURS)

    def find_refused(self, request: HttpRequest, rows: QuerySet[Any]) -> dict[Any, str]:
        """The rows that the user cannot act on, by id, with the reason."""
        if not _has_workspace(self.model):
            return {}
        right = self.action_right or self.right
        paths = ("pk", _workspace_path(self.model), right.owner or "pk")
        found: Iterable[tuple[Any, int, Any]] = rows.order_by().values_list(*paths)
        return {
            pk: NOT_YOURS
            for pk, workspace_id, owner_id in found
            if not is_allowed(request, workspace_id, owner_id if right.owner else None, right)
        }

    def _may(self, request: HttpRequest, row: Any, right: Right) -> bool:
        if row is None or not _has_workspace(type(row)):
            return True
        workspace_id = getattr(row, _workspace_path(type(row)))
        return is_allowed(request, workspace_id, _owner_of(row, right), right)


def _has_workspace(model: Any) -> bool:
    return model._meta.model_name == "workspace" or hasattr(model, "workspace_id")


def _workspace_path(model: Any) -> str:
    return "pk" if model._meta.model_name == "workspace" else "workspace_id"


def _owner_of(row: Any, right: Right) -> int | None:
    for name in right.owner.split("__") if right.owner else []:
        row = getattr(row, name, None)
    return row if right.owner else None


def is_allowed(request: HttpRequest, workspace_id: int | None, owner_id: int | None, right: Right) -> bool:
    """Whether the user can act on a row of that owner in that workspace."""
    if owner_id == request.user.pk or (owner_id is None and right.is_shared):
        return True
    if workspace_id is None:
        return True
    # one query per request and workspace, for any number of rows and buttons
    known: dict[tuple[int, bool], bool] = request.__dict__.setdefault("_managed_workspaces", {})
    key = (workspace_id, right.is_for_admins)
    if key not in known:
        is_right_role = is_admin if right.is_for_admins else is_manager
        known[key] = is_right_role(request.user, workspace_id)
    return known[key]


def manages_any_of(request: HttpRequest, *, as_admin: bool = False) -> bool:
    """Whether the user can act on everything in some workspace, or administers one; asked once for each request."""
    known: dict[bool, bool] = request.__dict__.setdefault("_manages_any", {})
    if as_admin not in known:
        user = request.user
        known[as_admin] = administered_workspaces(user).exists() if as_admin else manages_any(user)
    return known[as_admin]
