"""API keys: made, revoked, and ended with the password that they were made under.

Each change is a security event. A key whose user is deactivated is refused by the login itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from execution.models import ApiKey
from sequences.access.roles import name_actor
from sequences.access.security_log import record_event
from sequences.choices import SecurityEventKind

VALID_FOR = timedelta(days=365)
_TOKEN_KEY_LENGTH = CONSTANTS.TOKEN_KEY_LENGTH
_USE_NOTED_EVERY = timedelta(minutes=5)


def make_key(
    user: Any,
    name: str,
    expires_at: datetime | None,
    now: datetime,
    *,
    actor: str = "",
    request: HttpRequest | None = None,
) -> tuple[ApiKey, str]:
    """The row, and the key itself, which is stored nowhere. `expires_at`: None never ends."""
    with transaction.atomic():
        digest, secret = get_digest_token()
        key = ApiKey(
            user=user,
            name=name,
            digest=digest,
            token_key=secret[:_TOKEN_KEY_LENGTH],
            expiry=expires_at,
            precedes_password=not user.has_usable_password(),
        )
        key.save(force_insert=True)
        _record(SecurityEventKind.KEY_MADE, key, now, actor, request)
    return key, secret


def revoke_keys(
    keys: Iterable[ApiKey], now: datetime, *, actor: str = "", reason: str = "", request: HttpRequest | None = None
) -> int:
    """They are refused from now on. Answers how many there were; one that is gone already is not counted."""
    with transaction.atomic():
        found = list(ApiKey.objects.select_for_update(of=("self",)).select_related("user").filter(pk__in=_ids(keys)))
        for key in found:
            _record(SecurityEventKind.KEY_REVOKED, key, now, actor, request, reason)
        ApiKey.objects.filter(pk__in=_ids(found)).delete()
    return len(found)


def end_keys_of(user: Any, now: datetime, *, reason: str, actor: str = "", request: HttpRequest | None = None) -> int:
    """Revoke all of a user's keys."""
    return revoke_keys(ApiKey.objects.filter(user=user.pk), now, actor=actor, reason=reason, request=request)


def note_use(key: ApiKey, now: datetime) -> None:
    """Remember when the key was used, to five minutes."""
    if key.last_used_at is None or key.last_used_at <= now - _USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


class PasswordEndsKeys:
    """Ends a user's keys when their password changes, by whatever page, command or script; the first one ends none.

    Django calls `password_changed` of every password validator when it has stored a new password, and not when it only
    hashes the same one again: https://docs.djangoproject.com/en/5.2/topics/auth/passwords/#writing-your-own-validator
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Any password will do: the other validators check it."""

    def get_help_text(self) -> str:
        return "Your API keys end when you change your password."

    def password_changed(self, password: str, user: Any = None) -> None:
        if user is None:
            return
        now = timezone.now()
        with transaction.atomic():
            record_event(SecurityEventKind.PASSWORD_CHANGED, now, user=user)
            keys = ApiKey.objects.filter(user=user.pk)
            revoke_keys(keys.filter(precedes_password=False), now, reason="the password was changed")
            keys.update(precedes_password=False)


def _ids(keys: Iterable[ApiKey]) -> list[int]:
    return [key.pk for key in keys]


def _record(
    kind: SecurityEventKind, key: ApiKey, now: datetime, actor: str, request: HttpRequest | None, reason: str = ""
) -> None:
    detail = f"{key.name} ({key.prefix}…)" + (f": {reason}" if reason else "")
    who = actor or (name_actor(request.user) if request is not None and request.user.pk else "")
    record_event(kind, now, user=key.user, actor=who, request=request, detail=detail)
