"""What a user has chosen for themselves, in all their workspaces."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from sequences.choices import ReplyNotices


class UserSettings(models.Model):
    """A user without a row has the defaults."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_settings")
    reply_notices = models.CharField(
        max_length=8,
        choices=ReplyNotices.choices(),
        default=ReplyNotices.AT_ONCE.value,
        help_text="When an email tells about new replies to own enrollments and mailboxes.",
    )
    digest_sent_at = models.DateTimeField(null=True, editable=False)
    onboarding_dismissed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "user settings"

    def __str__(self) -> str:
        return f"Settings of {self.user}"
