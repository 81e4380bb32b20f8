"""Failed logins of the last minutes, so that limits hold over all processes."""

from __future__ import annotations

from django.db import models


class LoginFailure(models.Model):
    """`key`: a hash of what was tried from where; neither the account nor the address can be read from it."""

    key = models.CharField(max_length=64)
    failed_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["key", "failed_at"], name="login_failure_of_key")]

    def __str__(self) -> str:
        return f"failed at {self.failed_at:%Y-%m-%d %H:%M}"
