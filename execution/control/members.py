"""Members of a workspace: their role and their removal, each with its line in the control log and a security event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from execution.choices import ControlAction, ControlTarget
from execution.engine.logs import log_control
from sequences.access.members import change_role, remove
from sequences.access.security_log import record_event
from sequences.choices import Role, SecurityEventKind
from sequences.models import Membership, Workspace


def set_role(member: Membership, role: Role, *, actor: str, now: datetime) -> bool:
    """Give a member another role. False when it is the role they have. Raises `LastAdminError`."""
    before = member.role
    with transaction.atomic():
        if not change_role(member, role):
            return False
        log_role(member.workspace, str(member.user), before, role.value, actor=actor, now=now)
    return True


def remove_member(member: Membership, *, actor: str, now: datetime) -> None:
    """End a membership. What the user owns in the workspace stays. Raises `LastAdminError`."""
    with transaction.atomic():
        remove(member)
        log_role(member.workspace, str(member.user), member.role, None, actor=actor, now=now)


def read_roles(workspace: Workspace) -> dict[str, str]:
    """The role of each member, by the name of the login."""
    members = Membership.objects.filter(workspace=workspace.pk).select_related("user")
    return {str(member.user): member.role for member in members}


def log_roles(workspace: Workspace, before: Mapping[str, str], *, actor: str, now: datetime) -> None:
    """Log what a form has changed since `before` was read."""
    after = read_roles(workspace)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            log_role(workspace, name, before.get(name), after.get(name), actor=actor, now=now)


def log_role(
    workspace: Workspace, name: str, before: str | None, after: str | None, *, actor: str, now: datetime
) -> None:
    """One line: a member was added, got another role, or was removed (`after` is None)."""
    change = {"what": name, "field": "role", "before": before, "after": after}
    action = ControlAction.REMOVED if after is None else ControlAction.EDITED
    log_control(ControlTarget.WORKSPACE, workspace, action, actor, "", now, [change])
    note_role(get_user_model()._default_manager.get_by_natural_key(name), workspace, before, after, actor, now)


def note_role(
    user: Any, workspace: Workspace, before: str | None, after: str | None, actor: str, now: datetime
) -> None:
    """The security event of it."""
    detail = f"{workspace.name}: {before or 'no member'} → {after or 'no member'}"
    record_event(SecurityEventKind.ROLE_CHANGED, now, user=user, actor=actor, detail=detail)


def note_second_factor_rule(
    workspace: Workspace, changes: Iterable[Mapping[str, object]], user: Any, now: datetime, request: Any = None
) -> None:
    """The security event of the user who changed the setting, when it is among the changes of the workspace."""
    for change in changes:
        if change["field"] == "require_second_factor":
            text = "required of members" if change["after"] else "no longer required of members"
            kind = SecurityEventKind.SECOND_FACTOR_RULE
            record_event(kind, now, user=user, request=request, detail=f"{text} of {workspace.name}"[:300])
