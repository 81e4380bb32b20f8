"""Authentication by the API key of the `Authorization` header."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from execution.control.keys import note_use
from sequences.access.login_limits import KEY_WINDOW, has_too_many_wrong_keys, note_wrong_key
from sequences.access.roles import AGENT_KEY
from sequences.access.security_log import record_event
from sequences.choices import SecurityEventKind

_TOO_MANY = "Too many wrong API keys from this address: wait a minute."


class KeyAuthentication(TokenAuthentication):
    """That of knox, which answers 401 also for a text that cannot be a key, and 429 after many wrong ones."""

    def authenticate(self, request: Request) -> Any:
        now = timezone.now()
        try:
            found = super().authenticate(request)
        except AuthenticationFailed as error:
            if has_too_many_wrong_keys(request._request, now):
                raise Throttled(wait=KEY_WINDOW.total_seconds(), detail=_TOO_MANY) from None
            note_wrong_key(request._request, now)
            detail = f"{request.method} {request._request.path}: {error.detail}"
            record_event(SecurityEventKind.KEY_REFUSED, now, request=request._request, detail=detail)
            raise
        if found is not None:
            note_use(found[1], now)
            found[0].acting_agent = request._request.META.get(AGENT_KEY, "")
        return found

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)


class KeyScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """How the reference describes it."""

    target_class = f"{__name__}.{KeyAuthentication.__name__}"
