"""A saved filter over contacts that enrolls those who match in a sequence, day by day."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower, Now

from sequences.models.scope import WorkspaceQuerySet
from sequences.models.sequence import Sequence
from sequences.models.workspace import Workspace

MOST_A_DAY = 10_000


class EnrollRule(models.Model):
    """`filter` takes the filters of the list of contacts. `checked_to`: the contact up to which the last run looked."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="enroll_rules")
    name = models.CharField(max_length=100)
    filter = models.JSONField(default=dict, help_text="Filters of the list of contacts, such as a domain or a score.")
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="enroll_rules")
    mailbox = models.ForeignKey(
        "emails.Mailbox", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="The mailbox that sends. Leave empty to use the only mailbox of the owner.",
    )  # fmt: skip
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="The user who gets the tasks and replies. Leave empty for the owner of the mailbox.",
    )  # fmt: skip
    daily_maximum = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_A_DAY)],
        help_text="At most this many contacts on each day in the time zone of the workspace.",
    )
    is_active = models.BooleanField("on", default=True, help_text="Whether the rule enrolls contacts.")
    made_by = models.CharField(max_length=200, editable=False)
    problem = models.CharField(max_length=500, blank=True, editable=False)
    checked_to = models.BigIntegerField(default=0, editable=False)
    next_run_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "auto-enrollment rule"
        constraints = [
            models.UniqueConstraint(models.F("workspace"), Lower("name"), name="enroll_rule_name_once"),
            models.CheckConstraint(
                condition=models.Q(daily_maximum__gte=1, daily_maximum__lte=MOST_A_DAY), name="enroll_rule_maximum"
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], name="enroll_rule_due", condition=models.Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return self.name
