"""Google and Microsoft as sign-in and mail providers: their endpoints, scopes and mail servers.

Google: https://developers.google.com/identity/protocols/oauth2/web-server and
https://developers.google.com/workspace/gmail/imap/xoauth2-protocol. Microsoft:
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow and
https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings

from emails.choices import AuthMethod


@dataclass(frozen=True, slots=True)
class Provider:
    """`{tenant}` in a URL is the directory of Microsoft that the operator set. `issuer` is a prefix of the token's."""

    name: str
    label: str
    authorize_url: str
    token_url: str
    issuers: tuple[str, ...]
    # what mail needs, as the provider repeats it in its answer
    mail_scopes: tuple[str, ...]
    other_scopes: tuple[str, ...]
    authorize_extra: Mapping[str, str]
    refresh_extra: Mapping[str, str]
    smtp_host: str
    imap_host: str
    # whether the token says that the address is verified; at Microsoft an account's sign-in name is its own
    says_verified: bool
    smtp_port: int = 587
    smtp_security: str = "starttls"
    imap_port: int = 993
    imap_security: str = "tls"

    @property
    def scope(self) -> str:
        return " ".join((*self.other_scopes, *self.mail_scopes))


_MICROSOFT_MAIL = ("https://outlook.office.com/SMTP.Send", "https://outlook.office.com/IMAP.AccessAsUser.All")
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"

PROVIDERS: dict[str, Provider] = {
    AuthMethod.GOOGLE.value: Provider(
        name="google",
        label="Google",
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",
        issuers=("https://accounts.google.com", "accounts.google.com"),
        mail_scopes=("https://mail.google.com/",),
        other_scopes=("openid", "email"),
        # without consent a second authorization would bring no refresh token
        authorize_extra={"access_type": "offline", "prompt": "consent"},
        refresh_extra={},
        smtp_host="smtp.gmail.com",
        imap_host="imap.gmail.com",
        says_verified=True,
    ),
    AuthMethod.MICROSOFT.value: Provider(
        name="microsoft",
        label="Microsoft",
        authorize_url=f"{_MICROSOFT}/authorize",
        token_url=f"{_MICROSOFT}/token",
        issuers=("https://login.microsoftonline.com/{tid}/v2.0",),
        mail_scopes=_MICROSOFT_MAIL,
        other_scopes=("openid", "email", "profile", "offline_access"),
        authorize_extra={"prompt": "select_account"},
        refresh_extra={"scope": " ".join((*_MICROSOFT_MAIL, "offline_access"))},
        smtp_host="smtp.office365.com",
        imap_host="outlook.office365.com",
        says_verified=False,
    ),
}


@dataclass(frozen=True, slots=True)
class App:
    """The operator's registration with a provider. The secret is never stored with a mailbox."""

    provider: Provider
    client_id: str
    client_secret: str
    tenant: str

    @property
    def authorize_url(self) -> str:
        return _with_tenant(self.provider.authorize_url, self.tenant)

    @property
    def token_url(self) -> str:
        return _with_tenant(self.provider.token_url, self.tenant)


def find_app(name: str) -> App | None:
    """The registration with `google` or `microsoft`, or None when the operator has set none."""
    own = settings.MAILBOX_OAUTH.get(name)
    return App(PROVIDERS[name], own["client_id"], own["client_secret"], own.get("tenant", "")) if own else None


def find_token_url(name: str, credentials: Mapping[str, Any]) -> str:
    """Where a mailbox that brings its own client gets its tokens."""
    return _with_tenant(PROVIDERS[name].token_url, str(credentials.get("tenant") or ""))


def _with_tenant(url: str, tenant: str) -> str:
    return url.replace("{tenant}", quote(tenant or "common", safe=""))
