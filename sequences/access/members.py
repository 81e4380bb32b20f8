"""Who belongs to a workspace and in which role. A workspace never loses its last admin."""

from __future__ import annotations

from django.db import transaction

from sequences.choices import Role
from sequences.models import Membership, Workspace

LAST_ADMIN = "This is the last admin of the workspace: make another member an admin first."


class LastAdminError(ValueError):
    """The change would leave the workspace without an admin."""


def is_last_admin(membership: Membership) -> bool:
    """Whether no other member of its workspace is an admin. Locks the workspace: call it inside a transaction."""
    Workspace.objects.select_for_update(no_key=True).get(pk=membership.workspace_id)
    admins = Membership.objects.filter(workspace=membership.workspace_id, role=Role.ADMIN)
    return list(admins.values_list("pk", flat=True)[:2]) == [membership.pk]


def change_role(membership: Membership, role: Role) -> bool:
    """Give a member another role. False when it is the role they have. Raises `LastAdminError`."""
    with transaction.atomic():
        if role is not Role.ADMIN and is_last_admin(membership):
            raise LastAdminError(LAST_ADMIN)
        changed = Membership.objects.filter(pk=membership.pk).exclude(role=role).update(role=role.value)
    membership.role = role.value
    return changed > 0


def remove(membership: Membership) -> None:
    """End a membership. Raises `LastAdminError`."""
    with transaction.atomic():
        if is_last_admin(membership):
            raise LastAdminError(LAST_ADMIN)
        Membership.objects.filter(pk=membership.pk).delete()
