"""The second factor of a user: one-time codes of an app (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.encryption import SecretsField


class SecondFactor(models.Model):
    """`secrets`: `key` in base32, `recovery` the hashes of unused recovery codes. `last_step`: of the last code used.

    Without `confirmed_at` it is being set up, and not asked for.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secrets = SecretsField(default=dict)
    last_step = models.BigIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"second factor of {self.user}"
