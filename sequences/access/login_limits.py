"""Limits on wrong passwords and wrong API keys, kept in the database so that they hold over all processes.

Five wrong passwords for an account from an address lock that pair for 15 minutes; after 20 wrong keys in a minute an
address is answered 429. Of IPv6 a whole /64 network counts as one address: a visitor has all of it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from sequences.access.client_address import limited_address
from sequences.access.invitations import is_invited
from sequences.access.security_log import record_event
from sequences.choices import SecurityEventKind
from sequences.models.login_failure import LoginFailure

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
        tries = count_failures(key, now - PASSWORD_WINDOW, up_to=failure.pk)
        if tries > MOST_PASSWORDS:
            # a try while locked does not lengthen the lock
            failure.delete()
            raise PermissionDenied
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            LoginFailure.objects.filter(key=key).delete()
        else:
            kind = SecurityEventKind.LOGIN_LOCKED if tries == MOST_PASSWORDS else SecurityEventKind.LOGIN_FAILED
            known = get_user_model()._default_manager.filter(username__iexact=username[:254]).first()
            record_event(kind, now, user=known, account=username, request=request)
        LoginFailure.objects.filter(failed_at__lte=now - PASSWORD_WINDOW).delete()
        return user

    def get_user(self, user_id: Any) -> Any:
        """The user of a session, which ends at once when its user may no longer enter the desk."""
        user = super().get_user(user_id)
        return user if user is not None and may_enter(user, timezone.now()) else None


def may_enter(user: Any, now: datetime) -> bool:
    """Whether the user may log in: members, superusers, and who is invited, to accept that."""
    if not user.is_active:
        return False
    return user.is_staff or user.is_superuser or is_invited(user, now)


def is_locked(username: str, request: HttpRequest, now: datetime) -> bool:
    """Whether passwords of this account are refused from this address."""
    return count_failures(_password_key(username, request), now - PASSWORD_WINDOW) >= MOST_PASSWORDS


def note_wrong_key(request: HttpRequest, now: datetime) -> None:
    """Count a wrong API key of this address."""
    key = hash_parts("key", limited_address(request))
    LoginFailure.objects.create(key=key, failed_at=now)


def has_too_many_wrong_keys(request: HttpRequest, now: datetime) -> bool:
    return count_failures(hash_parts("key", limited_address(request)), now - KEY_WINDOW) >= MOST_KEYS


def count_failures(key: str, after: datetime, *, up_to: int | None = None) -> int:
    """How many there are of this key since then; `up_to`: not those stored after the row of that id."""
    found = LoginFailure.objects.filter(key=key, failed_at__gt=after)
    return (found if up_to is None else found.filter(pk__lte=up_to)).count()


def _password_key(username: str, request: HttpRequest) -> str:
    return hash_parts("password", username.casefold(), limited_address(request))


def hash_parts(*parts: str) -> str:
    """A key of failures, from which what was tried cannot be read."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
