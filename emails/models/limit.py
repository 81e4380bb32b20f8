"""Caps on sending, counted from the ledger in rolling windows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from emails.choices import LimitScope, LimitWindow
from emails.models.mailbox import Mailbox
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class SendLimit(models.Model):
    """At most `maximum` messages in any rolling `window` for one mailbox, user, workspace or recipient domain.

    A `recipient_domain` row with an empty domain holds for every domain separately.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="send_limits")
    scope = models.CharField(max_length=32, choices=LimitScope.choices())
    window = models.CharField(max_length=8, choices=LimitWindow.choices())
    maximum = models.PositiveIntegerField()
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, blank=True, related_name="send_limits")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="send_limits"
    )
    recipient_domain = models.CharField(max_length=253, blank=True)
    first_touch_only = models.BooleanField(default=False, help_text="Apply only to the first email of each enrollment.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["scope", "window", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "scope", "window", "mailbox", "user", "recipient_domain", "first_touch_only"],
                name="limit_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(scope="mailbox", mailbox__isnull=False, user__isnull=True, recipient_domain="")
                | Q(scope="user", mailbox__isnull=True, user__isnull=False, recipient_domain="")
                | Q(scope="workspace", mailbox__isnull=True, user__isnull=True, recipient_domain="")
                | Q(scope="recipient_domain", mailbox__isnull=True, user__isnull=True),
                name="limit_names_its_target",
            ),
        ]

    def __str__(self) -> str:
        target_of_all = "each recipient domain" if self.scope == LimitScope.RECIPIENT_DOMAIN else "the workspace"
        target = self.mailbox or self.user or self.recipient_domain or target_of_all
        return f"{self.maximum} per {self.window} for {target}"
