"""Which ESP calls `/hooks/<provider>/…`, and which secret authenticates its calls.

Signatures are checked by django-anymail's own views, built per mailbox with that mailbox's secrets. Nothing here knows
the database.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from anymail.exceptions import AnymailNotSupportedWarning
from django.utils.module_loading import import_string

from emails.choices import Transport

WEBHOOK_SECRET = "webhook_secret"
INBOUND_SECRET = "inbound_webhook_secret"
# anymail takes several users' passwords; ours is one `user:password`
_BASIC_AUTH = "webhook_secret"
_AWS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class Kind(StrEnum):
    """What a call brings: news of what we sent, or a mail that came in."""

    TRACKING = "tracking"
    INBOUND = "inbound"


WORDS = {Kind.TRACKING.value: "Events", Kind.INBOUND.value: "Incoming mail"}


@dataclass(frozen=True, slots=True)
class Hook:
    """One of a provider's webhooks: anymail's view, and under which name it takes the secret.

    `needs`: the mailbox's own credentials that the view uses to fetch the rest of a mail.
    """

    view: str
    secret: str = _BASIC_AUTH
    needs: tuple[str, ...] = ()


def _pair(module: str, name: str, tracking: str, inbound: str, needs: tuple[str, ...] = ()) -> dict[Kind, Hook]:
    path = f"anymail.webhooks.{module}.{name}"
    return {
        Kind.TRACKING: Hook(f"{path}TrackingWebhookView", tracking, needs if needs is _AWS else ()),
        Kind.INBOUND: Hook(f"{path}InboundWebhookView", inbound, needs),
    }


_MANDRILL = Hook("anymail.webhooks.mandrill.MandrillCombinedWebhookView", "webhook_key")
_UNISENDER = Hook("anymail.webhooks.unisender_go.UnisenderGoTrackingWebhookView", "api_key")
# Scaleway has no webhooks that anymail knows.
HOOKS: Mapping[str, Mapping[Kind, Hook]] = {
    Transport.AMAZON_SES.value: _pair("amazon_ses", "AmazonSES", _BASIC_AUTH, _BASIC_AUTH, _AWS),
    Transport.BREVO.value: _pair("brevo", "Brevo", _BASIC_AUTH, _BASIC_AUTH, ("api_key",)),
    Transport.MAILERSEND.value: _pair("mailersend", "MailerSend", "signing_secret", "inbound_secret"),
    Transport.MAILGUN.value: _pair("mailgun", "Mailgun", "webhook_signing_key", "webhook_signing_key"),
    Transport.MAILJET.value: _pair("mailjet", "Mailjet", _BASIC_AUTH, _BASIC_AUTH),
    Transport.MAILTRAP.value: _pair("mailtrap", "Mailtrap", "tracking_secret", "inbound_secret", ("api_token",)),
    Transport.MANDRILL.value: {Kind.TRACKING: _MANDRILL, Kind.INBOUND: _MANDRILL},
    Transport.POSTAL.value: _pair("postal", "Postal", "webhook_key", "webhook_key"),
    Transport.POSTMARK.value: _pair("postmark", "Postmark", _BASIC_AUTH, _BASIC_AUTH),
    Transport.RESEND.value: _pair("resend", "Resend", "signing_secret", "inbound_secret", ("api_key",)),
    Transport.SENDGRID.value: _pair("sendgrid", "SendGrid", "tracking_webhook_verification_key", _BASIC_AUTH),
    Transport.SPARKPOST.value: _pair("sparkpost", "SparkPost", _BASIC_AUTH, _BASIC_AUTH),
    Transport.UNISENDER_GO.value: {Kind.TRACKING: _UNISENDER},
}


def find_hook(provider: str, kind: Kind) -> Hook | None:
    return HOOKS.get(provider, {}).get(kind)


def find_secret(credentials: Mapping[str, Any], hook: Hook, kind: Kind) -> str:
    """The stored secret of that webhook; empty when there is none. One secret may serve both kinds."""
    own = credentials.get(INBOUND_SECRET) if kind is Kind.INBOUND else None
    # Unisender Go signs with the key that we send by
    return str(
        own or credentials.get(WEBHOOK_SECRET) or (credentials.get("api_key") if hook is _UNISENDER else "") or ""
    )


def build_view(hook: Hook, secret: str, credentials: Mapping[str, Any], url: str) -> Any:
    """Anymail's view with this mailbox's secrets. Raises ValueError when the secret has not the form it needs."""
    settings: dict[str, Any] = {hook.secret: secret}
    if hook.needs is _AWS:
        settings["client_params"] = {name: credentials[name] for name in _AWS if credentials.get(name)}
    else:
        settings |= {name: str(credentials.get(name) or "") for name in hook.needs}
    if hook is _MANDRILL:
        settings["webhook_url"] = url
    with warnings.catch_warnings():
        # SendGrid works, anymail only cannot try it any more
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        return import_string(hook.view)(**settings)
