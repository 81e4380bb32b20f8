"""One contact in one sequence, and where they stand.

`next_step_at` says when the step may run; `wake_at` when the engine must look. Facts only ever set `wake_at`; the
position changes through the engine and the controls alone.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from sequences.choices import ENDED_STATUSES, LIVE_STATUSES, EnrollmentStatus, ExitReason
from sequences.models.enroll_rule import EnrollRule
from sequences.models.people import Contact
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.sequence import Sequence, Step
from sequences.models.workspace import Workspace

_LIVE = [status.value for status in LIVE_STATUSES]
_ENDED = [status.value for status in ENDED_STATUSES]


class Enrollment(models.Model):
    # Every index is written by every move of an enrollment: where another one begins with the column, it has none.
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="enrollments", db_index=False)
    sequence = models.ForeignKey(Sequence, on_delete=models.RESTRICT, related_name="enrollments")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="enrollments", db_index=False)
    mailbox = models.ForeignKey(
        "emails.Mailbox", on_delete=models.RESTRICT, null=True, blank=True, related_name="enrollments"
    )
    pool = models.ForeignKey(
        "emails.MailboxPool",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="enrollments",
        db_index=False,
        help_text="The mailbox pool that its mailbox was chosen from.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="enrollments",
        db_index=False,
    )
    status = models.CharField(max_length=16, choices=EnrollmentStatus.choices(), default=EnrollmentStatus.ACTIVE.value)
    current_step = models.ForeignKey(Step, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    visit = models.PositiveIntegerField(default=1, help_text="Counts the steps entered; names one run of a step.")
    previous_ended_at = models.DateTimeField(help_text="When the previous step ended; the delay counts from here.")
    next_step_at = models.DateTimeField(null=True, blank=True, help_text="When the step is due.")
    wake_at = models.DateTimeField(null=True, blank=True, help_text="When the engine processes the enrollment next.")
    priority = models.SmallIntegerField(default=50)

    retry_count = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    instant_transitions = models.PositiveSmallIntegerField(default=0)

    pause_reason = models.CharField(max_length=500, blank=True)
    paused_by = models.CharField(max_length=200, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    resume_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)

    emails_sent = models.PositiveIntegerField(default=0)
    steps_completed = models.PositiveIntegerField(default=0)
    auto_exit_reason = models.CharField(max_length=32, choices=ExitReason.choices(), blank=True)
    again_reason = models.CharField(
        max_length=500,
        blank=True,
        db_default="",
        help_text="The reason for overriding a rule of enrolling. Empty when no rule was overridden.",
    )
    rule = models.ForeignKey(
        EnrollRule, on_delete=models.SET_NULL, null=True, blank=True, related_name="enrollments", db_constraint=False,
        db_index=False, help_text="The auto-enrollment rule that enrolled the contact.",
    )  # fmt: skip
    again_by = models.CharField(max_length=200, blank=True, db_default="", help_text="Who overrode the rule.")
    enrolled_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True, help_text="When it ended, for any reason.")
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # the step rides along: who stands where is counted from this index alone
            models.UniqueConstraint(
                fields=["sequence", "contact"],
                include=["current_step"],
                name="enrollment_live_once",
                condition=Q(status__in=_LIVE),
            ),
            models.CheckConstraint(
                condition=~Q(status__in=_ENDED) | Q(wake_at__isnull=True, next_step_at__isnull=True),
                name="enrollment_ended_sleeps",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=_ENDED) | Q(completed_at__isnull=False), name="enrollment_ended_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(status="paused") | (~Q(pause_reason="") & Q(paused_at__isnull=False)),
                name="enrollment_paused_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["auto_exited", "replied"]) | ~Q(auto_exit_reason=""),
                name="enrollment_exited_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="quarantined") | ~Q(last_error=""), name="enrollment_quarantined_has_error"
            ),
        ]
        indexes = [
            models.Index(fields=["wake_at", "id"], name="enrollment_wake", condition=Q(wake_at__isnull=False)),
            models.Index(fields=["contact", "status"], name="enrollment_contact"),
            models.Index(fields=["workspace", "status", "next_step_at"], name="enrollment_queue"),
            models.Index(fields=["next_step_at", "id"], name="enrollment_due"),
            # few rows have trouble, and the others do not write it
            models.Index(
                fields=["workspace", "status", "next_step_at"],
                name="enrollment_trouble",
                condition=Q(retry_count__gt=0) | Q(status="quarantined"),
            ),
            models.Index(
                fields=["workspace", "completed_at"], name="enrollment_ended", condition=Q(completed_at__isnull=False)
            ),
            # every move writes `wake_at` too, which has an index already
            models.Index(fields=["workspace", "updated_at", "id"], name="enrollment_updated"),
            models.Index(fields=["rule", "enrolled_at"], name="enrollment_rule", condition=Q(rule__isnull=False)),
            models.Index(fields=["owner"], name="enrollment_owner", condition=Q(owner__isnull=False)),
            models.Index(fields=["pool"], name="enrollment_pool", condition=Q(pool__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Enrollment {self.pk}"

    @property
    def is_again(self) -> bool:
        """Whether a manager enrolled the contact although a rule kept it out."""
        return self.again_reason != ""
