"""Authentication by the API key of the `Authorization` header."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class KeyAuthentication(TokenAuthentication):
    """That of knox, which answers 401 also for a text that cannot be a key."""

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)


class KeyScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """How the reference describes it."""

    target_class = f"{__name__}.{KeyAuthentication.__name__}"
