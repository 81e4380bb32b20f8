"""Access tokens of Google and Microsoft mailboxes: stored, refreshed under the mailbox's row lock, never shown.

Credentials: `access_token`, `refresh_token`, `expires_at` (Unix time), `client_id`, `client_secret`, `tenant`
(Microsoft). Mailboxes that were connected in the desk have no `client_secret`: it is the operator's. Refresh is
RFC 6749 section 6, its use in SMTP and IMAP is XOAUTH2.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from requests import RequestException

from common.dialler import members_dialler
from common.guarded_http import Wire, guard_session
from emails.transport.oauth_providers import PROVIDERS, find_app, find_token_url

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

REFRESH_SECONDS = 10.0
EARLY_SECONDS = 120
_PUBLIC = frozenset({"expires_at", "client_id", "tenant"})
# RFC 6749 section 5.2: only a user's new consent or new settings resolve these
_PERMANENT = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"}
    | {"invalid_request", "interaction_required", "consent_required"}
)


class TokenRefused(Exception):
    """The provider gives no token until a user reconnects the mailbox."""


class TokenUnavailable(Exception):
    """The provider does not answer at the moment."""


def xoauth2(user: str, token: str) -> str:
    """The initial client response of XOAUTH2 before Base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def list_secrets(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """All values of the credentials that no text may show."""
    secret = (value for name, value in credentials.items() if name not in _PUBLIC)
    return tuple(value for value in secret if isinstance(value, str) and len(value) > 3)


def get_access_token(mailbox: Mailbox, *, force_refresh: bool = False, seconds: float = REFRESH_SECONDS) -> str:
    """A token that is good for two more minutes, refreshed in a short transaction of its own if need be.

    `force_refresh`: the server refused the token that `mailbox` holds. Workers that come at the same time refresh once:
    the others find the new token when they get the row lock. `seconds` is the time for the provider's whole answer.
    Raises TokenRefused or TokenUnavailable.
    """
    held = mailbox.credentials
    if not force_refresh and _is_fresh(held):
        return str(held["access_token"])
    with transaction.atomic():
        row = type(mailbox).objects.select_for_update(no_key=True).only("credentials").get(pk=mailbox.pk)
        is_newer = row.credentials.get("access_token") != held.get("access_token")
        if not _is_fresh(row.credentials) or (force_refresh and not is_newer):
            row.credentials = type(held)({**row.credentials, **_refresh(mailbox, row.credentials, seconds)})
            row.save(update_fields=["credentials"])
    mailbox.credentials = row.credentials
    return str(row.credentials["access_token"])


def _is_fresh(credentials: Mapping[str, Any]) -> bool:
    # the provider counts real seconds, so this must read the machine's own clock
    return bool(credentials.get("access_token")) and float(credentials.get("expires_at") or 0) > (
        time.time() + EARLY_SECONDS
    )


def _refresh(mailbox: Mailbox, credentials: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    # 160 modules that every process would start with, for the few that ever refresh a token
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.requests_client import OAuth2Session

    if not credentials.get("refresh_token"):
        raise TokenRefused(f"{mailbox.address} has no refresh token; connect the mailbox again")
    url, client_secret = _find_client(mailbox, credentials)
    session = OAuth2Session(
        credentials.get("client_id"), client_secret, token_endpoint_auth_method="client_secret_post"
    )
    extra = PROVIDERS[mailbox.auth_method].refresh_extra
    wire = Wire(members_dialler())
    guard_session(session, wire)
    try:
        with session, wire.exchange(seconds):
            token = session.refresh_token(url, refresh_token=credentials["refresh_token"], timeout=seconds, **extra)
    except OAuthError as error:
        if error.error in _PERMANENT:
            raise TokenRefused(
                f"the provider refused a token for {mailbox.address} ({error.error}); connect the mailbox again"
            ) from None
        raise TokenUnavailable(f"the provider gave no token for {mailbox.address} ({error.error})") from None
    except (RequestException, ValueError) as error:
        if wire.refusal:
            raise TokenRefused(f"the token service: {wire.refusal}") from None
        raise TokenUnavailable(f"the token service cannot be reached ({type(error).__name__})") from None
    if not token.get("access_token"):
        raise TokenUnavailable("the token service answered without a token")
    fresh = {"access_token": token["access_token"], "expires_at": time.time() + float(token.get("expires_in", 3600))}
    # Microsoft rotates refresh tokens; the old one stops working some day
    if token.get("refresh_token"):
        fresh["refresh_token"] = token["refresh_token"]
    return fresh


def _find_client(mailbox: Mailbox, credentials: Mapping[str, Any]) -> tuple[str, str | None]:
    """The token endpoint and the client's secret. The operator's secret goes to the provider alone."""
    app = find_app(mailbox.auth_method)
    if app is not None and app.client_id == credentials.get("client_id") and not credentials.get("client_secret"):
        return app.token_url, app.client_secret
    named = mailbox.transport_options.get("token_url")
    return str(named or find_token_url(mailbox.auth_method, credentials)), credentials.get("client_secret")
