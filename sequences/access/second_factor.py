"""Switch the second factor on and off, and check codes: each counts once, and five wrong ones lock it for 15 minutes.

The limit is per user, whatever the address: who may try codes has shown the password.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pyotp
from django.db import transaction
from django.http import HttpRequest

from common.encryption import Secrets
from sequences.access.login_limits import count_failures, hash_parts
from sequences.access.roles import administered_workspaces
from sequences.access.security_log import record_event
from sequences.choices import SecurityEventKind
from sequences.models import LoginFailure, Membership, SecondFactor

ISSUER = "Sequence Executor"
RECOVERY_CODES = 10
MOST_CODES = 5
CODE_WINDOW = timedelta(minutes=15)
LOCKED = "Too many wrong codes: wait 15 minutes, then try again."
WRONG = "This code is wrong, or was used before. Enter the one that the app shows now, or a recovery code."
_STEP_SECONDS = 30
# codes of the step before and after count too: clocks of phones differ
_STEPS_ASIDE = 1
_RECOVERY_BYTES = 10


class WrongCodeError(ValueError):
    """The code does not count; the message says why and what to do."""


def has_second_factor(user: Any) -> bool:
    return SecondFactor.objects.filter(user=user.pk, confirmed_at__isnull=False).exists()


def requiring_workspaces(user: Any) -> list[str]:
    """The names of the user's workspaces whose members need a second factor."""
    own = Membership.objects.filter(user=user.pk, workspace__require_second_factor=True)
    return list(own.order_by("workspace__name").values_list("workspace__name", flat=True))


def count_recovery_codes(user: Any) -> int:
    row = SecondFactor.objects.filter(user=user.pk).first()
    return len(row.secrets.get("recovery", ())) if row is not None else 0


def begin_set_up(user: Any) -> str:
    """The key to enter in the app, the same until it is confirmed. Raises `ValueError` when one is in use."""
    made = {"secrets": Secrets(key=pyotp.random_base32())}
    row, _ = SecondFactor.objects.get_or_create(user=user, defaults=made)
    if row.confirmed_at is not None:
        raise ValueError("The second factor is on already.")
    return str(row.secrets["key"])


def app_link(user: Any, key: str) -> str:
    """What the QR code holds: https://github.com/google/google-authenticator/wiki/Key-Uri-Format"""
    return pyotp.TOTP(key).provisioning_uri(name=user.email or user.get_username(), issuer_name=ISSUER)


def confirm_set_up(user: Any, code: str, now: datetime, *, request: HttpRequest | None = None) -> list[str]:
    """Switch it on with the first code of the app. The recovery codes, shown this once. Raises `WrongCodeError`."""
    with _counting_failures(user, now, request), transaction.atomic():
        row = SecondFactor.objects.select_for_update().filter(user=user.pk, confirmed_at=None).first()
        step = _find_step(row.secrets["key"], code, now) if row is not None else None
        if row is None or step is None:
            raise WrongCodeError(WRONG)
        codes = [_make_recovery_code() for _ in range(RECOVERY_CODES)]
        row.secrets = Secrets(key=row.secrets["key"], recovery=[_hash(each) for each in codes])
        row.last_step, row.confirmed_at = step, now
        row.save(update_fields=["secrets", "last_step", "confirmed_at"])
        record_event(SecurityEventKind.SECOND_FACTOR_ON, now, user=user, request=request)
    return codes


def check_code(user: Any, code: str, now: datetime, *, request: HttpRequest | None = None) -> str:
    """Which kind of code it was, `code` or `recovery code`. It does not count again. Raises `WrongCodeError`."""
    with _counting_failures(user, now, request), transaction.atomic():
        row = SecondFactor.objects.select_for_update().filter(user=user.pk, confirmed_at__isnull=False).first()
        if row is None:
            raise WrongCodeError(WRONG)
        step = _find_step(row.secrets["key"], code, now)
        if step is not None and step > row.last_step:
            row.last_step = step
            row.save(update_fields=["last_step"])
            return "code"
        left = list(row.secrets.get("recovery", ()))
        if _hash(code) not in left:
            raise WrongCodeError(WRONG)
        left.remove(_hash(code))
        row.secrets = Secrets(key=row.secrets["key"], recovery=left)
        row.save(update_fields=["secrets"])
        return "recovery code"


def may_reset_second_factor(actor: Any, user: Any) -> bool:
    """Admins reset that of their members, but not of superusers, which takes a superuser."""
    if getattr(actor, "is_superuser", False):
        return True
    own = administered_workspaces(actor).order_by().values("pk")
    return not user.is_superuser and Membership.objects.filter(user=user.pk, workspace__in=own).exists()


def switch_off(user: Any, now: datetime, *, actor: str = "", request: HttpRequest | None = None) -> bool:
    """By the user, or by an admin for who has lost the app. False when it was not on."""
    with transaction.atomic():
        _, found = SecondFactor.objects.filter(user=user.pk, confirmed_at__isnull=False).delete()
        if found:
            record_event(SecurityEventKind.SECOND_FACTOR_OFF, now, user=user, actor=actor, request=request)
    return bool(found)


@contextmanager
def _counting_failures(user: Any, now: datetime, request: HttpRequest | None) -> Iterator[None]:
    """Count a try before it is checked, so that many at once do not pass together; a right one forgets the wrong ones.

    Raises `WrongCodeError` without a look at the code while codes are locked.
    """
    key = hash_parts("code", str(user.pk))
    failure = LoginFailure.objects.create(key=key, failed_at=now)
    tries = count_failures(key, now - CODE_WINDOW, up_to=failure.pk)
    if tries > MOST_CODES:
        # a try while locked does not lengthen the lock
        failure.delete()
        raise WrongCodeError(LOCKED)
    try:
        yield
    except WrongCodeError:
        is_last = tries == MOST_CODES
        kind = SecurityEventKind.LOGIN_LOCKED if is_last else SecurityEventKind.LOGIN_FAILED
        record_event(kind, now, user=user, request=request, detail="wrong code of the second factor")
        if is_last:
            raise WrongCodeError(LOCKED) from None
        raise
    LoginFailure.objects.filter(key=key).delete()


def _find_step(key: str, code: str, now: datetime) -> int | None:
    """The time step, of those around `now`, that the code belongs to."""
    digits = "".join(code.split())
    current = int(now.timestamp()) // _STEP_SECONDS
    totp = pyotp.TOTP(key)
    if not (digits.isascii() and digits.isdecimal()):
        return None
    for step in range(current - _STEPS_ASIDE, current + _STEPS_ASIDE + 1):
        if secrets.compare_digest(totp.generate_otp(step), digits):
            return step
    return None


def _make_recovery_code() -> str:
    """80 random bits, in groups that are easy to copy."""
    text = pyotp.random_base32(32)[: _RECOVERY_BYTES * 8 // 5].lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(code: str) -> str:
    plain = "".join(code.lower().replace("-", "").split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
