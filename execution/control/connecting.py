"""Create or reconnect the mailbox of a user who has signed in at its provider, or entered a password that works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from common.encryption import Secrets
from emails.api.saving import InvalidMailboxError, change_mailbox, create_mailbox
from emails.choices import Inbound, MailboxStatus, Transport
from emails.mailbox.login_test import check_mailbox
from emails.models import Mailbox
from emails.transport.oauth_consent import Consent, ConsentError
from emails.transport.oauth_providers import Provider
from execution.choices import ControlAction, ControlTarget
from execution.control.field_changes import list_field_changes, read_fields
from execution.control.switches import resume_mailbox
from execution.engine.logs import log_control
from sequences.access.roles import is_manager, name_actor
from sequences.models import Workspace

_RECONNECTED = "connected again"


def store_consent(
    user: AbstractBaseUser, workspace: Workspace, provider: Provider, consent: Consent, now: datetime,
    *, expected: Mailbox | None = None,
) -> tuple[Mailbox, bool]:  # fmt: skip
    """The mailbox of the account in the workspace, and whether it is new. Raises `ConsentError`; then nothing changed.

    `expected`: the mailbox that was to be connected again, which another account cannot do. A mailbox that was broken
    sends again; one that a user paused stays paused.
    """
    if expected is not None and consent.address.lower() != expected.address.lower():
        raise ConsentError(
            f"You chose the account {consent.address}, but the mailbox is {expected.address}. Connect it again with"
            " that account."
        )
    try:
        with transaction.atomic():
            held = Mailbox.objects.filter(workspace=workspace, address__iexact=consent.address).first()
            if held is None:
                return _create(user, workspace, provider, consent, now), True
            return _reconnect(user, held, provider, consent, now), False
    except InvalidMailboxError as error:
        raise ConsentError(f"The mailbox is not connected. {error}") from None


class LoginRefusedError(RuntimeError):
    """The mailbox cannot log in; `reasons` by the column of the server that said so. Nothing was stored."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons.values()))


def connect_by_password(
    user: AbstractBaseUser, workspace: Workspace, address: str, servers: Mapping[str, Any], password: str, now: datetime
) -> Mailbox:
    """A new mailbox of the user, stored once its logins work. `servers`: its columns; `imap_host` may be empty.

    No transaction may be open. Raises `InvalidMailboxError`, `LoginRefusedError`, and `BusyError` while this process
    tests others; then nothing is stored.
    """
    inbound = Inbound.IMAP if servers.get("imap_host") else Inbound.NONE
    columns = {**servers, "workspace": workspace, "owner": user, "address": address, "inbound": inbound.value}
    secrets = {"password": password}
    tried = Mailbox(**columns)
    tried.credentials = Secrets(secrets)
    report = check_mailbox(tried)
    reasons = {"smtp_host": report.smtp_error, "imap_host": report.imap_error}
    if refused := {name: text for name, text in reasons.items() if text}:
        raise LoginRefusedError(refused)
    with transaction.atomic():
        mailbox = create_mailbox({**columns, "credentials": secrets})
        log_control(ControlTarget.MAILBOX, mailbox, ControlAction.CREATED, name_actor(user), "", now)
    return mailbox


def _create(
    user: AbstractBaseUser, workspace: Workspace, provider: Provider, consent: Consent, now: datetime
) -> Mailbox:
    columns = {**_columns(provider, consent), "workspace": workspace, "owner": user, "address": consent.address}
    mailbox = create_mailbox({**columns, "credentials": consent.credentials})
    log_control(ControlTarget.MAILBOX, mailbox, ControlAction.CREATED, name_actor(user), "", now)
    return mailbox


def _reconnect(user: AbstractBaseUser, held: Mailbox, provider: Provider, consent: Consent, now: datetime) -> Mailbox:
    if held.owner_id != user.pk and not is_manager(user, held.workspace_id):
        raise ConsentError(f"{held.address} is connected by another user. Ask a manager to make you its owner.")
    columns = _columns(provider, consent)
    # a token service of the user's own would get the new tokens
    columns["transport_options"] = {
        name: value for name, value in (held.transport_options or {}).items() if name not in {"token_url", "ca_pem"}
    }
    written = [*columns, "credentials"]
    before = read_fields(held, written)
    forgotten = dict.fromkeys(held.credentials or {})
    changed = change_mailbox(held, {**columns, "credentials": {**forgotten, **consent.credentials}}, now)
    changes = list_field_changes(before, read_fields(changed, written))
    actor = name_actor(user)
    log_control(ControlTarget.MAILBOX, changed, ControlAction.EDITED, actor, _RECONNECTED, now, changes)
    if changed.status == MailboxStatus.BROKEN:
        resume_mailbox(changed, actor=actor, now=now, reason=_RECONNECTED)
    return changed


def _columns(provider: Provider, consent: Consent) -> dict[str, Any]:
    return {
        "transport": Transport.SMTP.value,
        "auth_method": provider.name,
        "smtp_host": provider.smtp_host,
        "smtp_port": provider.smtp_port,
        "smtp_security": provider.smtp_security,
        "smtp_username": consent.address,
        "connections": 1,
        "inbound": Inbound.IMAP.value,
        "imap_host": provider.imap_host,
        "imap_port": provider.imap_port,
        "imap_security": provider.imap_security,
        "imap_username": consent.address,
    }
