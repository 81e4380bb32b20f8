"""Create, change and delete mailbox pools, each in the log of controls. Must not change an enrollment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.exceptions import PermissionDenied

from emails.models import Mailbox, MailboxPool
from execution.choices import ControlAction, ControlTarget
from execution.control.field_changes import list_field_changes
from execution.engine.logs import log_control
from sequences.access.roles import Reader, is_manager

NAME_TAKEN = "The workspace has a mailbox pool of this name already: change that one."


class InvalidPoolError(ValueError):
    """The pool cannot be stored like this; `field` is where, the text what to do."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@transaction.atomic
def save_pool(pool: MailboxPool, values: Mapping[str, Any], *, actor: str, now: datetime) -> None:
    """Store a new or changed pool. `values`: `name` and `mailboxes`, of which only what is given changes.

    Raises `InvalidPoolError`.
    """
    is_new = pool.pk is None
    before = {} if is_new else _read(MailboxPool.objects.select_for_update(no_key=True).get(pk=pool.pk))
    mailboxes: Sequence[Mailbox] | None = values.get("mailboxes")
    if foreign := [one.address for one in mailboxes or () if one.workspace_id != pool.workspace_id]:
        raise InvalidPoolError("mailboxes", f"{foreign[0]} is a mailbox of another workspace: choose some of this one.")
    pool.name = str(values.get("name", pool.name)).strip()
    if not pool.name:
        raise InvalidPoolError("name", "Give the pool a name.")
    try:
        with transaction.atomic():
            pool.save(update_fields=None if is_new else ["name", "updated_at"])
    except IntegrityError as error:
        if "mailbox_pool_name_once" not in str(error):
            raise
        raise InvalidPoolError("name", NAME_TAKEN) from None
    if mailboxes is not None:
        pool.mailboxes.set(mailboxes)
    changes = [] if is_new else list_field_changes(before, _read(pool))
    if is_new or changes:
        action = ControlAction.CREATED if is_new else ControlAction.EDITED
        log_control(ControlTarget.MAILBOX_POOL, pool, action, actor, "", now, changes)


@transaction.atomic
def delete_pool(pool: MailboxPool, *, actor: str, now: datetime) -> None:
    """Its enrollments keep their mailboxes."""
    log_control(ControlTarget.MAILBOX_POOL, pool, ControlAction.DELETED, actor, "", now)
    pool.delete()


def _read(pool: MailboxPool) -> dict[str, Any]:
    addresses = pool.mailboxes.order_by("address").values_list("address", flat=True)
    return {"name": pool.name, "mailboxes": list(addresses)}


def require_right_to_pool(user: Reader, pool: MailboxPool) -> None:
    """Raises `PermissionDenied` unless `user` may send from each mailbox of the pool, as for one that is named."""
    if is_manager(user, pool.workspace_id):
        return
    if pool.mailboxes.exclude(owner=None).exclude(owner=user.pk).exists():
        raise PermissionDenied(
            f"The pool {pool.name!r} has mailboxes of other users: a manager or an admin can enroll into it."
        )
