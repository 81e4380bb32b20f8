"""The admin asks what the API asks: a member acts on what is theirs, a manager on all of a workspace (SPEC section 7).

Django's permissions say which kinds of rows somebody edits at all; this says which of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from sequences.access.roles import NOT_YOURS, is_manager, manages_any


@dataclass(frozen=True, slots=True)
class Right:
    """Who may act on a row beside the managers of its workspace.

    `owner`: the path to whose it is, empty where it is nobody's. `is_shared`: any member may act on what nobody owns.
    """

    owner: str = ""
    is_shared: bool = False


MANAGERS = Right()
EVERYBODY = Right(is_shared=True)


class ChecksRights:
    """For admins of rows with a workspace. Rows without one are left to Django's permissions."""

    model: Any
    # to add and change, to delete, and for the actions on the row's page; None: as the first
    right = MANAGERS
    delete_right: Right | None = None
    action_right: Right | None = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_some = bool(self.right.owner) or self.right.is_shared or manages_any(request.user)
        return may_some and bool(super().has_add_permission(request))  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and self._may(request, obj, self.right)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        right = self.delete_right or self.right
        return bool(super().has_delete_permission(request, obj)) and self._may(request, obj, right)  # type: ignore[misc]

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Asked by actions, also on rows that nobody edits; buttons ask with the id of their row."""
        opts = self.model._meta
        if not request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}"):
            return False
        if isinstance(obj, int | str):
            obj = self.get_object(request, str(obj))  # type: ignore[attr-defined]
        return self._may(request, obj, self.action_right or self.right)

    def require_write(self, request: HttpRequest, row: Any) -> None:
        """Before a row is stored as the form has it: in a workspace, and with an owner, of the person's own."""
        if not self._may(request, row, self.right):
            raise PermissionDenied(NOT_YOURS)

    def find_refused(self, request: HttpRequest, rows: QuerySet[Any]) -> dict[Any, str]:
        """Of these rows those that an action may not touch, by their ids, with the reason."""
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
    """Whether the person may act on what is that owner's in that workspace."""
    if owner_id == request.user.pk or (owner_id is None and right.is_shared):
        return True
    if workspace_id is None:
        return True
    # asked for once a request, whatever the number of rows and buttons
    known: dict[int, bool] = request.__dict__.setdefault("_managed_workspaces", {})
    if workspace_id not in known:
        known[workspace_id] = is_manager(request.user, workspace_id)
    return known[workspace_id]
