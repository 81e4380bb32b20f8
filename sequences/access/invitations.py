"""The link of an invitation: a signed token that names the invitation and the link that is valid now."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.db.models import Q, QuerySet

from sequences.choices import InvitationStatus
from sequences.models import Invitation

VALID_FOR = timedelta(days=7)
_SALT = "sequences.invitation"

INVALID = "This link is not valid. Copy all of it from the email, or ask for a new invitation."
REPLACED = "This link was replaced by a newer one. Open the latest email, or ask for a new invitation."
_ENDED = {
    InvitationStatus.ACCEPTED: "This invitation has been used. Log in to the desk.",
    InvitationStatus.WITHDRAWN: "This invitation was withdrawn. Ask an admin of the workspace for a new one.",
    InvitationStatus.EXPIRED: "This invitation has expired. Ask an admin of the workspace for a new one.",
}


class InvitationLinkError(ValueError):
    """Why a link opens no invitation, in one line. `is_known`: it was made here."""

    def __init__(self, detail: str, *, is_known: bool) -> None:
        super().__init__(detail)
        self.is_known = is_known


def sign_link(invitation: Invitation) -> str:
    """The token of its link."""
    return signing.dumps([invitation.pk, invitation.nonce.hex], salt=_SALT)


def open_link(token: str, now: datetime, *, lock: bool = False) -> Invitation:
    """The invitation of a link that can be used. Raises `InvitationLinkError`.

    `lock`: until the end of the transaction no other request uses it.
    """
    try:
        pk, nonce = signing.loads(token, salt=_SALT)
        rows = Invitation.objects.select_related("workspace").filter(pk=pk)
        invitation = (rows.select_for_update(of=("self",)) if lock else rows).first()
    except (signing.BadSignature, TypeError, ValueError):
        raise InvitationLinkError(INVALID, is_known=False) from None
    if invitation is None:
        raise InvitationLinkError(INVALID, is_known=False)
    status = invitation.status_at(now)
    if status is not InvitationStatus.PENDING:
        raise InvitationLinkError(_ENDED[status], is_known=True)
    if invitation.nonce != uuid.UUID(nonce):
        raise InvitationLinkError(REPLACED, is_known=True)
    return invitation  # type: ignore[no-any-return]


def is_invited(user: Any, now: datetime) -> bool:
    """Whether there is an invitation for the user that can be used."""
    open_ones = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    return open_ones.filter(Q(email__iexact=user.get_username()) | Q(email__iexact=user.email)).exists()


def users_with(email: str) -> QuerySet[Any]:
    """The logins of an address, by name or by address."""
    users: QuerySet[Any] = get_user_model()._default_manager.all()
    return users.filter(Q(username__iexact=email) | Q(email__iexact=email)).order_by("pk")
