"""The time off of members: whole days, in which their mailboxes send no email of a sequence."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class TimeOff(models.Model):
    """From the first day to the last one, both included, in the time zone of the workspace.

    Written by execution.control.time_off, which replans what it moves.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="times_off")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="times_off",
        help_text="Who is away. Their mailboxes in this workspace send no email of a sequence.",
    )
    starts_on = models.DateField("from", help_text="The first day, in the time zone of the workspace.")
    ends_on = models.DateField("to", help_text="The last day. Emails are sent again on the day after it.")
    cover = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Gets new tasks, reply notices and alerts on these days. Leave empty to keep them with the owner.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-id"]
        verbose_name_plural = "time off"
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="time_off_ends_after_start"),
            models.CheckConstraint(condition=~Q(cover=F("owner")) | Q(cover=None), name="time_off_cover_is_another"),
        ]
        indexes = [models.Index(fields=["workspace", "owner", "ends_on"], name="time_off_owner")]

    def __str__(self) -> str:
        return f"{self.owner}: {self.starts_on} to {self.ends_on}"


def list_time_off(owner: str, workspace: str) -> str:
    """SQL: JSON text with [name, first day, last day] of each time off of an owner, NULL without any.

    Both arguments are SQL expressions of ids. Read by `read_absences` (sequences.time.contact_calendar).
    """
    return f"""(
        SELECT json_agg(json_build_array(
                   coalesce(nullif(away.first_name, ''), nullif(away.email, ''), away.username),
                   f.starts_on, f.ends_on) ORDER BY f.starts_on)::text
        FROM sequences_timeoff f JOIN auth_user away ON away.id = f.owner_id
        WHERE f.workspace_id = {workspace} AND f.owner_id = {owner})"""


def find_cover(owner: str, workspace: str, now: str = "%(now)s") -> str:
    """SQL: the id of the active member who covers for an owner at that time, NULL without one.

    The arguments are SQL expressions.
    """
    return f"""(
        SELECT f.cover_id FROM sequences_timeoff f
        JOIN sequences_workspace fw ON fw.id = f.workspace_id
        JOIN sequences_membership fm ON fm.workspace_id = f.workspace_id AND fm.user_id = f.cover_id
        JOIN auth_user cover ON cover.id = f.cover_id AND cover.is_active
        WHERE f.workspace_id = {workspace} AND f.owner_id = {owner}
          AND ({now}::timestamptz AT TIME ZONE fw.timezone)::date BETWEEN f.starts_on AND f.ends_on
        LIMIT 1)"""
