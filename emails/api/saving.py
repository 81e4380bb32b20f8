"""Store a mailbox: its caps with it, its secrets merged, the state of its lane never touched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from common.encryption import Secrets
from emails.choices import Inbound, LimitScope, LimitWindow, Transport
from emails.mailbox.secret_places import ask_again, find_moved
from emails.models import Mailbox, SendLimit
from emails.rendering.signatures import check_signature
from emails.sending.lanes import apply_new_caps, probe_now
from emails.transport.endpoints import find_refused_endpoint
from emails.transport.tls import CertificateOptionError, validate_certificate_options
from sequences.models import Membership

_LIMITS = {"daily_limit": LimitWindow.DAY, "hourly_limit": LimitWindow.HOUR}


class InvalidMailboxError(ValueError):
    """The mailbox cannot be stored like this; `field` is where, the text what to do."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def create_mailbox(values: Mapping[str, Any]) -> Mailbox:
    """With the caps it names, else those of the settings, so that none sends without. Raises `InvalidMailboxError`."""
    defaults = {"daily_limit": settings.SEND_DAILY_DEFAULT, "hourly_limit": settings.SEND_HOURLY_DEFAULT}
    mailbox = Mailbox(**_columns(values))
    mailbox.credentials = _merge({}, values.get("credentials", {}))
    _check(mailbox)
    try:
        with transaction.atomic():
            mailbox.save()
            _keep_limits(mailbox, defaults | _limits(values))
    except IntegrityError as error:
        if "mailbox_address_once" not in str(error):
            raise
        message = f"The workspace has a mailbox {mailbox.address} already: change that one."
        raise InvalidMailboxError("address", message) from None
    return mailbox


@transaction.atomic
def change_mailbox(mailbox: Mailbox, values: Mapping[str, Any], now: datetime) -> Mailbox:
    """Only what is given changes. Stored secrets are never sent to another server than they were given for."""
    current: Mailbox = Mailbox.objects.select_for_update(of=("self",), no_key=True).get(pk=mailbox.pk)
    columns = _columns(values)
    moved = find_moved(vars(current), columns)
    if moved and current.credentials and not values.get("credentials"):
        raise InvalidMailboxError("credentials", ask_again(moved[0]))
    stored = {} if moved else current.credentials
    for name, value in columns.items():
        setattr(current, name, value)
    current.credentials = _merge(stored, values.get("credentials", {}))
    _check(current)
    current.save(update_fields=[*columns, "credentials", "updated_at"])
    _keep_limits(current, _limits(values))
    # its lane may rest until a time that the old pace, caps and server gave it
    apply_new_caps([current.pk], now)
    probe_now(current.pk, now)
    return current


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in {*_LIMITS, "credentials"}}


def _limits(values: Mapping[str, Any]) -> dict[str, int]:
    return {name: values[name] for name in _LIMITS if name in values}


def _merge(stored: Mapping[str, Any], given: Mapping[str, str | None]) -> Secrets:
    return Secrets({name: value for name, value in {**stored, **given}.items() if value is not None})


def _check(mailbox: Mailbox) -> None:
    try:
        validate_certificate_options(mailbox.transport_options)
    except CertificateOptionError as error:
        raise InvalidMailboxError("transport_options", f"{error}.") from None
    if mailbox.transport == Transport.SMTP and not mailbox.smtp_host:
        raise InvalidMailboxError("smtp_host", "SMTP needs the name of its server.")
    if refused := find_refused_endpoint(vars(mailbox)):
        raise InvalidMailboxError(refused.field, f"{refused.text}.")
    if mailbox.transport == Transport.SMTP and mailbox.connections > 1:
        raise InvalidMailboxError("connections", "Only the mailboxes of an ESP may have several.")
    if problem := check_signature(mailbox.signature):
        raise InvalidMailboxError("signature", f"It cannot stand under every email: {problem}.")
    if mailbox.inbound == Inbound.IMAP and not mailbox.imap_host:
        raise InvalidMailboxError("imap_host", "Reading replies by IMAP needs the name of its server.")
    if mailbox.owner_id is not None:
        members = Membership.objects.filter(workspace_id=mailbox.workspace_id, user_id=mailbox.owner_id)
        if not members.exists():
            raise InvalidMailboxError("owner", "The owner is not a member of the mailbox's workspace.")


def _keep_limits(mailbox: Mailbox, limits: Mapping[str, int]) -> None:
    for name, maximum in limits.items():
        SendLimit.objects.update_or_create(
            workspace_id=mailbox.workspace_id,
            scope=LimitScope.MAILBOX.value,
            window=_LIMITS[name].value,
            mailbox=mailbox,
            user=None,
            recipient_domain="",
            first_touch_only=False,
            defaults={"maximum": maximum},
        )
