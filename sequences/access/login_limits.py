"""Limits on wrong passwords and wrong API keys, kept in the database so that they hold over all processes.

Five wrong passwords for an account from an address lock that pair for 15 minutes; after 20 wrong keys in a minute an
address is answered 429.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from sequences.models.login_failure import LoginFailure

log = logging.getLogger(__name__)

MOST_PASSWORDS = 5
PASSWORD_WINDOW = timedelta(minutes=15)
MOST_KEYS = 20
KEY_WINDOW = timedelta(minutes=1)
LOCKED = "Too many wrong passwords: this login is locked for 15 minutes. Wait, then try again."


class LimitedBackend(ModelBackend):
    """Django's own check of passwords, refused without a look at the password while the account is locked."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        if request is None or username is None:
            return super().authenticate(request, username, password, **kwargs)
        now = timezone.now()
        key = _password_key(username, request)
        # stored before the password is checked, so that many tries at once do not pass together
        failure = LoginFailure.objects.create(key=key, failed_at=now)
        tries = _count(key, now - PASSWORD_WINDOW, up_to=failure.pk)
        if tries > MOST_PASSWORDS:
            # a try while locked does not lengthen the lock
            failure.delete()
            raise PermissionDenied
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            LoginFailure.objects.filter(key=key).delete()
        elif tries == MOST_PASSWORDS:
            log.warning("login locked for 15 minutes: account=%r address=%s", username[:254], _address(request))
        LoginFailure.objects.filter(failed_at__lte=now - PASSWORD_WINDOW).delete()
        return user


def is_locked(username: str, request: HttpRequest, now: datetime) -> bool:
    """Whether passwords of this account are refused from this address."""
    return _count(_password_key(username, request), now - PASSWORD_WINDOW) >= MOST_PASSWORDS


def note_wrong_key(request: HttpRequest, now: datetime) -> None:
    """Count a wrong API key of this address; one log line when its limit is reached."""
    key = _hash("key", _address(request))
    LoginFailure.objects.create(key=key, failed_at=now)
    if _count(key, now - KEY_WINDOW) == MOST_KEYS:
        log.warning("wrong API keys are answered 429: address=%s", _address(request))


def has_too_many_wrong_keys(request: HttpRequest, now: datetime) -> bool:
    return _count(_hash("key", _address(request)), now - KEY_WINDOW) >= MOST_KEYS


def _count(key: str, after: datetime, *, up_to: int | None = None) -> int:
    found = LoginFailure.objects.filter(key=key, failed_at__gt=after)
    return (found if up_to is None else found.filter(pk__lte=up_to)).count()


def _password_key(username: str, request: HttpRequest) -> str:
    return _hash("password", username.casefold(), _address(request))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
