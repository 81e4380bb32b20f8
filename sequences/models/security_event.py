"""Who logged in or failed to, and what became of keys, passwords, roles and second factors."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from sequences.choices import SecurityEventKind


class SecurityEvent(models.Model):
    """Append-only. `user`: whose account it is; `actor`: who did it; `address`: from where, empty for commands."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="security_events")
    kind = models.CharField(max_length=24, choices=SecurityEventKind.choices())
    actor = models.CharField(max_length=254, blank=True)
    address = models.CharField(max_length=45, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], name="security_event_of_user")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.at:%Y-%m-%d %H:%M}"
