"""Who writes a sequence: managers and admins any, other members the drafts that they own."""

from __future__ import annotations

from rest_framework.exceptions import PermissionDenied

from sequences.access.roles import Reader, is_manager
from sequences.choices import SequenceStatus
from sequences.models import Sequence

NOT_YOUR_DRAFT = "Only a manager or an admin can do this; you can change drafts of your own. Duplicate it as one."


def may_write(user: Reader, sequence: Sequence) -> bool:
    is_own_draft = sequence.status == SequenceStatus.DRAFT and sequence.owner_id == user.pk
    return (is_own_draft and user.pk is not None) or is_manager(user, sequence.workspace_id)


def require_writable(user: Reader, sequence: Sequence) -> None:
    """Raises `PermissionDenied`."""
    if not may_write(user, sequence):
        raise PermissionDenied(NOT_YOUR_DRAFT)


def is_writable_locked(user: Reader, sequence_id: int) -> bool:
    """Lock the sequence, so that no user activates it until the transaction ends, and check the right as it is now."""
    sequence = Sequence.objects.select_for_update().filter(pk=sequence_id).first()
    return sequence is None or may_write(user, sequence)


def lock_writable(user: Reader, sequence_id: int) -> None:
    """The same for the API. Raises `PermissionDenied`."""
    if not is_writable_locked(user, sequence_id):
        raise PermissionDenied(NOT_YOUR_DRAFT)
