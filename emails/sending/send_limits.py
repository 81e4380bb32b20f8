"""Store send limits: their targets checked, and the lanes woken that wait for a time computed from the old ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q

from common.addresses import AddressError, parse_domain
from emails.choices import LimitScope
from emails.models import Mailbox, SendLimit
from emails.sending.lanes import apply_new_caps
from sequences.models import Workspace

_MOST_DIGITS = 18


class InvalidLimitError(ValueError):
    """The limit cannot be stored like this; `field` is where, the text what to do."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def find_target(workspace: Workspace, scope: LimitScope, key: str) -> dict[str, Any]:
    """The columns that `key` names: a mailbox or a member by id or address, a domain, or nothing for the workspace.

    An empty key of the scope `recipient_domain` holds for every domain separately. Raises `InvalidLimitError`.
    """
    columns: dict[str, Any] = {"mailbox": None, "user": None, "recipient_domain": ""}
    match scope:
        case LimitScope.MAILBOX:
            columns["mailbox"] = Mailbox.objects.filter(_named("address", key), workspace=workspace.pk).first()
            if columns["mailbox"] is None:
                raise InvalidLimitError("key", "The workspace has no such mailbox: give the id or address of one.")
        case LimitScope.USER:
            members = get_user_model()._default_manager.filter(memberships__workspace=workspace.pk)
            columns["user"] = members.filter(_named("email", key)).order_by("pk").first()
            if columns["user"] is None:
                raise InvalidLimitError("key", "The workspace has no such member: give the id or address of one.")
        case LimitScope.WORKSPACE:
            if key not in {"", str(workspace.pk), workspace.slug}:
                raise InvalidLimitError("key", "Leave it out: the limit is that of the workspace itself.")
        case LimitScope.RECIPIENT_DOMAIN:
            try:
                columns["recipient_domain"] = parse_domain(key) if key.strip() else ""
            except AddressError as error:
                raise InvalidLimitError("key", f"{error}.") from None
    return columns


def save_limit(limit: SendLimit, values: Mapping[str, Any], now: datetime) -> None:
    """Store a new or changed limit. Raises `InvalidLimitError`."""
    for name, value in values.items():
        setattr(limit, name, value)
    try:
        with transaction.atomic():
            wake_lanes_of({limit.workspace_id}, now)
            limit.save()
    except IntegrityError as error:
        if "limit_once" not in str(error):
            raise
        raise InvalidLimitError("key", "There is such a limit already: change that one.") from None


def delete_limit(limit: SendLimit, now: datetime) -> None:
    with transaction.atomic():
        wake_lanes_of({limit.workspace_id}, now)
        limit.delete()


def wake_lanes_of(workspace_ids: Collection[int], now: datetime) -> None:
    """Recompute lanes and messages that wait for a time computed from the old limits.

    Call it before the change, in its transaction: a worker that checks the lane then waits for the new limits.
    """
    mailboxes = Mailbox.objects.filter(workspace__in=workspace_ids)
    apply_new_caps(list(mailboxes.values_list("pk", flat=True)), now)


def _named(address: str, key: str) -> Q:
    text = key.strip()
    is_id = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return Q(pk=int(text)) if is_id else Q(**{f"{address}__iexact": text})
