"""Invite an address to a workspace, send its link, withdraw it, and let the invited user join."""

from __future__ import annotations

import logging
import smtplib
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.urls import reverse

from execution.choices import ControlAction, ControlTarget
from execution.control.members import note_role
from execution.engine.logs import log_control
from sequences.access.invitations import VALID_FOR, open_link, sign_link, users_with
from sequences.choices import InvitationStatus, Role
from sequences.models import Invitation, Membership, Workspace

log = logging.getLogger(__name__)

_NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
NOT_YOUR_ADDRESS = "This invitation is for another address."
_HAS_LOGIN = "This address has a login already: log in to join."
_TEXT = """{inviter} invites you to the workspace {workspace} of Sequence Executor, as {role}.

Open this link to join. It can be used once, until {until:%d %B %Y, %H:%M} UTC:

{link}

If you do not know {inviter}, ignore this email.
"""


class NotInvitableError(ValueError):
    """Why an address cannot be invited, or an invitation not be changed: one line for the user."""


def invite(workspace: Workspace, email: str, role: Role, *, actor: str, now: datetime) -> Invitation:
    """Invite an address in its stored form. An open invitation of the same address ends. Raises `NotInvitableError`."""
    with transaction.atomic():
        # two admins who invite the same address at once get one open invitation
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        require_invitable(workspace, email)
        open_rows = Invitation.objects.filter(
            workspace=workspace.pk, email__iexact=email, accepted_at=None, withdrawn_at=None
        )
        open_rows.update(withdrawn_at=now)
        invitation = Invitation.objects.create(
            workspace=workspace,
            email=email,
            role=role.value,
            invited_by=actor,
            created_at=now,
            expires_at=now + VALID_FOR,
        )
        _log(invitation, ControlAction.INVITED, actor, now)
    return invitation


def require_invitable(workspace: Workspace, email: str) -> None:
    """Raises `NotInvitableError` for the address of a member."""
    member = Membership.objects.filter(workspace=workspace.pk, user__in=users_with(email)).first()
    if member is not None:
        label = Role(member.role).label
        raise NotInvitableError(f"{email} is already a member of {workspace}, as {label}. Change the role instead.")


def renew(invitation: Invitation, *, actor: str, now: datetime) -> None:
    """Give it a new link, valid for another 7 days; the old one ends. Raises `NotInvitableError`."""
    with transaction.atomic():
        changed = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
            nonce=uuid.uuid4(), expires_at=now + VALID_FOR, emailed_at=None
        )
        invitation.refresh_from_db()
        if not changed:
            raise NotInvitableError(_explain(invitation, now, "sent again"))
        _log(invitation, ControlAction.INVITED, actor, now)


def withdraw(invitation: Invitation, *, actor: str, now: datetime) -> None:
    """End its link. Raises `NotInvitableError` when it was accepted or withdrawn."""
    with transaction.atomic():
        changed = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=now
        )
        invitation.refresh_from_db()
        if not changed:
            raise NotInvitableError(_explain(invitation, now, "withdrawn"))
        _log(invitation, ControlAction.WITHDRAWN, actor, now)


def link_of(invitation: Invitation) -> str:
    """The address that the invited user opens."""
    base = str(settings.PUBLIC_BASE_URL).rstrip("/")
    return base + reverse("join", args=[sign_link(invitation)])


def send_invitation(invitation: Invitation, *, now: datetime) -> bool:
    """Email the link and note that it was sent. No transaction may be open.

    False when no mail server is set up or it did not accept the email: the admin passes the link on.
    """
    if settings.EMAIL_BACKEND == _NO_MAIL:
        return False
    text = _TEXT.format(
        inviter=invitation.invited_by,
        workspace=invitation.workspace.name,
        role=Role(invitation.role).label,
        until=invitation.expires_at,
        link=link_of(invitation),
    )
    subject = " ".join(f"Invitation to {invitation.workspace.name}".split())[:150]
    try:
        EmailMessage(subject=subject, body=text, to=[invitation.email]).send()
    except (OSError, smtplib.SMTPException) as error:
        log.error("an invitation could not be sent: %s", type(error).__name__)
        return False
    invitation.emailed_at = now
    Invitation.objects.filter(pk=invitation.pk, nonce=invitation.nonce).update(emailed_at=now)
    return True


def is_for(invitation: Invitation, user: Any) -> bool:
    """Whether the user is the one who was invited."""
    return users_with(invitation.email).filter(pk=user.pk).exists()


def accept(token: str, user: Any, *, now: datetime) -> Membership:
    """Make the user a member, once. Raises `InvitationLinkError`, and `NotInvitableError` for another user."""
    with transaction.atomic():
        invitation = open_link(token, now, lock=True)
        if not is_for(invitation, user):
            raise NotInvitableError(NOT_YOUR_ADDRESS)
        return _join(invitation, user, now)


def accept_as_new(token: str, password: str, first_name: str, last_name: str, *, now: datetime) -> Any:
    """Create the login that was invited, and make it a member.

    Raises `InvitationLinkError`, `ValidationError` of Django for a weak password, and `NotInvitableError` when the
    login exists by now.
    """
    with transaction.atomic():
        invitation = open_link(token, now, lock=True)
        email = invitation.email
        if users_with(email).exists():
            raise NotInvitableError(_HAS_LOGIN)
        user: Any = get_user_model()(username=email, email=email, first_name=first_name, last_name=last_name)
        validate_password(password, user)
        user.set_password(password)
        try:
            with transaction.atomic():
                user.save()
        except IntegrityError:
            # made by another invitation at the same time
            raise NotInvitableError(_HAS_LOGIN) from None
        _join(invitation, user, now)
    return user


def _join(invitation: Invitation, user: Any, now: datetime) -> Membership:
    member, is_new = Membership.objects.get_or_create(
        workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
    )
    if is_new:
        note_role(user, invitation.workspace, None, member.role, user.get_username(), now)
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now, accepted_by=user)
    _log(invitation, ControlAction.JOINED, user.get_username(), now)
    return member


def _log(invitation: Invitation, action: ControlAction, actor: str, now: datetime) -> None:
    change = {"what": invitation.email, "field": "role", "before": None, "after": invitation.role}
    log_control(ControlTarget.WORKSPACE, invitation.workspace, action, actor, "", now, [change])


def _explain(invitation: Invitation, now: datetime, verb: str) -> str:
    status = InvitationStatus(invitation.status_at(now)).label.lower()
    return f"The invitation of {invitation.email} is {status}: it cannot be {verb}. Invite the address again."
