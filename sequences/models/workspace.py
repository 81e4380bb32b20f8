"""Tenants and who belongs to them."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from sequences.choices import AccountReplyPolicy, HandWrittenPolicy, HolidaySource, Role
from sequences.models.scope import WorkspaceQuerySet
from sequences.time.timing import is_valid_holiday_country, is_valid_timezone


def validate_timezone(value: str) -> None:
    if value and not is_valid_timezone(value):
        raise ValidationError(f"{value!r} is not a time zone: use an IANA name such as Europe/Berlin")


def validate_holiday_country(value: str) -> None:
    if value and not is_valid_holiday_country(value):
        raise ValidationError(f"{value!r} has no holiday calendar: use an ISO 3166 code such as DE or US-CA")


_SENDS = "NOT EXISTS (SELECT 1 FROM sequences_workspace z WHERE z.id = {} AND z.sending_paused_at IS NOT NULL)"


def workspace_sends(column: str) -> str:
    """A condition for the WHERE clause of any statement: the workspace that `column` names is not paused."""
    return _SENDS.format(column)


#: SQL: what the holidays of a contact `c` of a workspace `w` are planned by.
HOLIDAY_COLUMNS = "w.holiday_country, w.extra_holidays, w.holidays_of, c.fields ->> 'country' AS contact_country"


class WorkspaceOwnQuerySet(models.QuerySet["Workspace"]):
    def for_user(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        if not user.is_authenticated:
            return self.none()
        if getattr(user, "is_superuser", False):
            return self.all()
        return self.filter(memberships__user=user)


class Workspace(models.Model):
    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    postal_address = models.TextField(blank=True, help_text="Shown in the footer of every email.")
    holiday_country = models.CharField(
        max_length=16, blank=True, validators=[validate_holiday_country], help_text="ISO 3166, such as DE or US-CA."
    )
    holidays_of = models.CharField(
        max_length=16,
        choices=HolidaySource.choices(),
        default=HolidaySource.WORKSPACE.value,
        db_default=HolidaySource.WORKSPACE.value,
        help_text="Whose public holidays move emails and tasks: those of the workspace's country, of the contact's "
        "(its merge field country, such as FR or France), or both. Extra holidays count for all.",
    )
    extra_holidays = ArrayField(models.DateField(), default=list, blank=True)
    account_reply_policy = models.CharField(
        max_length=16, choices=AccountReplyPolicy.choices(), default=AccountReplyPolicy.IGNORE.value
    )
    account_reply_delay_days = models.PositiveSmallIntegerField(default=7)
    hand_written_policy = models.CharField(
        max_length=16,
        choices=HandWrittenPolicy.choices(),
        default=HandWrittenPolicy.IGNORE.value,
        db_default=HandWrittenPolicy.IGNORE.value,
        help_text="When the owner of a mailbox emails an enrolled contact by hand: ignore it, or pause the enrollment.",
    )
    track_opens = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Add an open-tracking pixel to emails. Each sequence can override this.",
    )
    track_clicks = models.BooleanField(
        default=True, db_default=True, help_text="Track clicks on links in emails. Each sequence can override this."
    )
    answered_within_days = models.PositiveSmallIntegerField(
        default=90,
        db_default=90,
        help_text="Do not enroll contacts who replied in a sequence within this many days. 0 turns the rule off.",
    )
    parallel_sequences = models.BooleanField(
        default=False, db_default=False, help_text="Allow contacts to be in several sequences at the same time."
    )
    cool_down_days = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Do not enroll contacts who got an email of a sequence within this many days. 0 turns the rule off.",
    )
    verify_addresses = models.BooleanField(
        "check addresses before the first email",
        default=False,
        db_default=False,
        help_text="Ask DNS whether the contact's domain takes email, and hold the first email of those that take none. "
        "What a verification provider reports of an address counts too.",
    )
    require_second_factor = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Members without a second factor set one up when they next log in to the desk, also after single "
        "sign-on. API keys are not asked for a code.",
    )
    retention_days = models.PositiveIntegerField(
        default=730,
        help_text="Days after an enrollment ends until its log, texts and raw payloads are deleted. Messages are kept.",
    )
    retained_at = models.DateTimeField(
        null=True, editable=False, help_text="Enrollments that ended before this time have been cleaned up."
    )
    sending_paused_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when no email of the workspace is sent; null while it sends."
    )
    sending_paused_by = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    sending_paused_reason = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceOwnQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices(), default=Role.SDR.value)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["workspace_id", "user_id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display()} of {self.workspace}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the row; every member may log in to the desk."""
        super().save(*args, **kwargs)
        get_user_model()._default_manager.filter(pk=self.user_id, is_staff=False).update(is_staff=True)
