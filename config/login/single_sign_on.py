"""Single sign-on with OpenID Connect: the code flow with PKCE, state and nonce, all checked by Authlib.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth. Users are found by an email address that the issuer
has verified; none are created, so that who enters has been made a member before.
"""

from __future__ import annotations

from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from joserfc.errors import JoseError
from requests import RequestException

from config.login.entering import go_on
from sequences.access.login_limits import may_enter
from sequences.access.security_log import record_event
from sequences.choices import SecurityEventKind

_NEXT = "single_sign_on_next"
_SECONDS = 10
_LEEWAY_SECONDS = 60
_FAILED = "Single sign-on did not work. Try again; if it fails again, ask the administrator of this server."
_UNVERIFIED = "Your identity provider does not say that your email address is verified, so you cannot log in with it."
_UNKNOWN = "No user of this desk has your email address. Ask an admin of your workspace to add you."
# signatures by the issuer's private key: none by a shared secret, and no unsigned token
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_FAULTS = (AuthlibBaseError, JoseError, RequestException, ValueError, TypeError, KeyError, RuntimeError)


class RefusedError(Exception):
    """Who comes back from the issuer may not enter. The message is for them."""


@never_cache
@require_GET
def start_single_sign_on(request: HttpRequest) -> HttpResponse:
    """Send the visitor to the issuer."""
    client = _make_client()
    request.session[_NEXT] = request.GET.get(REDIRECT_FIELD_NAME, "")
    try:
        _load_metadata(client)
        callback = request.build_absolute_uri(reverse("single_sign_on_callback"))
        answer: HttpResponse = client.authorize_redirect(request, callback)
    except _FAULTS as error:
        return _refuse(request, _FAILED, error)
    return answer


@never_cache
@require_GET
def finish_single_sign_on(request: HttpRequest) -> HttpResponse:
    """Back from the issuer: check its token, find the user, open the session."""
    client = _make_client()
    next_url = str(request.session.pop(_NEXT, ""))
    try:
        user = _find_user(_read_claims(client, request))
    except RefusedError as error:
        return _refuse(request, str(error), error)
    except _FAULTS as error:
        return _refuse(request, _FAILED, error)
    return go_on(request, user, next_url, SecurityEventKind.SINGLE_SIGN_ON)


def _make_client() -> Any:
    """Made for every login, so that it knows the issuer's keys of today. Raises `Http404` when it is not set up."""
    if not settings.OIDC:
        raise Http404
    return OAuth().register(
        "issuer",
        client_id=settings.OIDC["client_id"],
        client_secret=settings.OIDC["client_secret"],
        server_metadata_url=f"{settings.OIDC['issuer']}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "default_timeout": _SECONDS},
    )


def _load_metadata(client: Any) -> None:
    metadata = client.load_server_metadata()
    if metadata.get("issuer") not in _issuers():
        raise ValueError(f"the issuer calls itself {metadata.get('issuer')!r}, not {settings.OIDC['issuer']!r}")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in _ALGORITHMS]
    logins = metadata.get("token_endpoint_auth_methods_supported") or []
    if "client_secret_post" in logins and "client_secret_basic" not in logins:
        client.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"


def _issuers() -> list[str]:
    """Settings have no slash at the end, and some issuers do."""
    return [settings.OIDC["issuer"], f"{settings.OIDC['issuer']}/"]


def _read_claims(client: Any, request: HttpRequest) -> dict[str, Any]:
    """What the issuer says of the user. Raises one of `_FAULTS` for a token that is not for this login."""
    _load_metadata(client)
    options = {
        "iss": {"essential": True, "values": _issuers()},
        "aud": {"essential": True, "value": settings.OIDC["client_id"]},
    }
    token = client.authorize_access_token(request, claims_options=options, leeway=_LEEWAY_SECONDS)
    claims = dict(token["userinfo"])
    if "email" not in claims and "userinfo_endpoint" in client.server_metadata:
        more = dict(client.userinfo(token=token))
        if more.get("sub") != claims["sub"]:
            raise ValueError("the user info is about another user than the token")
        claims = {**more, **claims}
    return claims


def _find_user(claims: dict[str, Any]) -> Any:
    """Raises `RefusedError` unless exactly one user who may enter the desk has the verified address."""
    email = claims.get("email")
    if not isinstance(email, str) or not email or claims.get("email_verified") is not True:
        raise RefusedError(_UNVERIFIED)
    found = list(get_user_model()._default_manager.filter(email__iexact=email, is_active=True)[:2])
    if len(found) != 1 or not may_enter(found[0], timezone.now()):
        raise RefusedError(_UNKNOWN)
    return found[0]


def _refuse(request: HttpRequest, text: str, error: Exception) -> HttpResponse:
    detail = f"single sign-on: {type(error).__name__}: {error}"
    record_event(SecurityEventKind.LOGIN_FAILED, timezone.now(), request=request, detail=detail)
    messages.error(request, text)
    return HttpResponseRedirect(reverse("admin:login"))
