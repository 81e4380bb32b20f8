"""The log of security events: a structured line of the logger `security` each, and a row when the user is known.

Owns who may read the rows. Call it in the transaction of what it records.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from sequences.access.client_address import client_address
from sequences.access.roles import administered_workspaces
from sequences.choices import SecurityEventKind
from sequences.models import Membership, SecurityEvent

log = logging.getLogger("security")

_WARNINGS = frozenset({SecurityEventKind.LOGIN_FAILED, SecurityEventKind.LOGIN_LOCKED, SecurityEventKind.KEY_REFUSED})


def record_event(
    kind: SecurityEventKind,
    now: datetime,
    *,
    user: Any = None,
    account: str = "",
    actor: str = "",
    request: HttpRequest | None = None,
    detail: str = "",
) -> None:
    """Record it. `account` names a login that does not exist; `actor` is empty when the user did it."""
    name = (account or (user.get_username() if user is not None else ""))[:254]
    address = client_address(request) if request is not None else ""
    known = {"account": name, "actor": actor or name, "address": address, "detail": detail}
    level = logging.WARNING if kind in _WARNINGS else logging.INFO
    log.log(level, kind.value.replace("_", " "), extra={key: text for key, text in known.items() if text})
    if user is not None:
        SecurityEvent.objects.create(
            user=user,
            kind=kind.value,
            actor=(actor or name)[:254],
            address=address[:45],
            detail=detail[:300],
            at=now,
        )


def of_own_people(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    """The rows whose `user` is the reader, or a member of a workspace that the reader is an admin of.

    Those of superusers only superusers see.
    """
    if getattr(reader, "is_superuser", False):
        return rows
    members = Membership.objects.filter(workspace__in=administered_workspaces(reader)).order_by()
    return rows.filter(Q(user=reader.pk) | Q(user__in=members.values("user"), user__is_superuser=False))
