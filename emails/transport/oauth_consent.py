"""A user lets the product use their Google or Microsoft mailbox: the code flow with PKCE, state and nonce.

https://www.rfc-editor.org/rfc/rfc7636, https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth. The ID token
comes over TLS from the provider's own token endpoint, so its signature need not be checked (section 3.1.3.7, item 6);
issuer, audience, time and nonce are. Stores nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jws, jwt
from joserfc.errors import JoseError
from requests import RequestException

from common.addresses import AddressError, parse_address
from common.dialler import members_dialler
from common.guarded_http import Wire, guard_session
from emails.transport.oauth_providers import App

ANSWER_SECONDS = 10.0
_LEEWAY_SECONDS = 60
_VERIFIER_LENGTH = 64


class ConsentError(Exception):
    """The mailbox cannot be connected. The text is one line for the user; nothing was stored."""


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the browser, and what the session must remember until it comes back."""

    url: str
    state: str
    verifier: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The account that agreed, and the credentials for its mailbox."""

    address: str
    credentials: dict[str, Any]


def start_consent(app: App, redirect_uri: str, address: str = "") -> Started:
    """`address`: the account to propose, or empty for the user's choice."""
    verifier, nonce = generate_token(_VERIFIER_LENGTH), generate_token(32)
    hint = {"login_hint": address} if address else {}
    with _open_session(app, redirect_uri) as session:
        url, state = session.create_authorization_url(
            app.authorize_url, code_verifier=verifier, nonce=nonce, **app.provider.authorize_extra, **hint
        )
    return Started(url, state, verifier, nonce)


def finish_consent(app: App, redirect_uri: str, answer: Mapping[str, str], verifier: str, nonce: str) -> Consent:
    """`answer`: the query that the browser brought; its state has been compared already. Raises `ConsentError`."""
    label = app.provider.label
    if error := answer.get("error"):
        if error == "access_denied":
            raise ConsentError(f"You did not allow access at {label}, so the mailbox is not connected.")
        raise ConsentError(f"{label} did not allow access ({_shorten(error)}). Ask the administrator of your {label}.")
    if not answer.get("code"):
        raise ConsentError(f"{label} sent no code. Connect the mailbox again.")
    token = _fetch_token(app, redirect_uri, answer["code"], verifier)
    missing = _list_missing(app, token)
    if missing:
        raise ConsentError(
            f"{label} gave no access to the mail itself ({', '.join(missing)}). Connect again and leave every box"
            " ticked."
        )
    if not token.get("refresh_token"):
        raise ConsentError(f"{label} gave access for an hour only (no refresh token). Connect the mailbox again.")
    address = _read_address(app, token, nonce)
    # the client's secret stays in the settings: see `oauth`
    credentials = {
        "access_token": str(token["access_token"]),
        "refresh_token": str(token["refresh_token"]),
        "expires_at": time.time() + float(token.get("expires_in") or 3600),
        "client_id": app.client_id,
        **({"tenant": app.tenant} if app.tenant else {}),
    }
    return Consent(address, credentials)


def _open_session(app: App, redirect_uri: str) -> OAuth2Session:
    return OAuth2Session(
        app.client_id,
        app.client_secret,
        token_endpoint_auth_method="client_secret_post",
        scope=app.provider.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )


def _fetch_token(app: App, redirect_uri: str, code: str, verifier: str) -> dict[str, Any]:
    label = app.provider.label
    wire = Wire(members_dialler())
    session = _open_session(app, redirect_uri)
    guard_session(session, wire)
    try:
        with session, wire.exchange(ANSWER_SECONDS):
            token = session.fetch_token(app.token_url, code=code, code_verifier=verifier, timeout=ANSWER_SECONDS)
    except OAuthError as error:
        raise ConsentError(
            f"{label} refused the code ({_shorten(str(error.error))}). Connect the mailbox again; if it fails again,"
            " ask the operator to check the client's id, its secret and the redirect URI."
        ) from None
    except (RequestException, ValueError, OSError) as error:
        detail = wire.refusal or type(error).__name__
        raise ConsentError(f"{label} did not answer ({detail}). Connect the mailbox again.") from None
    if not isinstance(token, dict) or not token.get("access_token"):
        raise ConsentError(f"{label} answered without a token. Connect the mailbox again.")
    return dict(token)


def _list_missing(app: App, token: Mapping[str, Any]) -> list[str]:
    """An answer without `scope` means all that was asked for (RFC 6749 section 5.1)."""
    if not token.get("scope"):
        return []
    given = {word.lower() for word in str(token["scope"]).split()}
    return [scope for scope in app.provider.mail_scopes if scope.lower() not in given]


def _read_address(app: App, token: Mapping[str, Any], nonce: str) -> str:
    label = app.provider.label
    try:
        found = json.loads(jws.extract_compact(str(token.get("id_token") or "").encode()).payload)
        claims: dict[str, Any] = found if isinstance(found, dict) else {}
        issuers = [issuer.replace("{tid}", str(claims.get("tid", ""))) for issuer in app.provider.issuers]
        jwt.JWTClaimsRegistry(
            now=int(time.time()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "values": issuers},
            aud={"essential": True, "value": app.client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise ConsentError(
            f"{label} did not say which account gave access ({type(error).__name__}). Connect the mailbox again."
        ) from None
    if app.provider.says_verified and claims.get("email_verified") is not True:
        raise ConsentError(f"{label} does not say that the address of this account is verified. Use another account.")
    # an account of Microsoft logs in to mail by its sign-in name
    named = claims.get("email") if app.provider.says_verified else claims.get("preferred_username")
    try:
        return parse_address(str(named or claims.get("email") or ""))
    except AddressError:
        raise ConsentError(f"This {label} account has no email address. Use the account of the mailbox.") from None


def _shorten(text: str) -> str:
    return "".join(character for character in text[:60] if character.isalnum() or character in "_-. ")
