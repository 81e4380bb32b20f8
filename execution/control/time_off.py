"""Enter, change and delete the time off of members: checked, replanned and logged in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from common.db import fetch_all
from common.text import plural
from emails.models import Mailbox
from execution.choices import ControlAction, ControlTarget
from execution.control.field_changes import list_field_changes, read_fields
from execution.control.replan_calendar import replanning_mailboxes
from execution.engine.logs import log_control
from sequences.models import Membership, TimeOff
from sequences.time.timing import FIRST_YEAR, LAST_YEAR

_FIELDS = ("starts_on", "ends_on", "cover")
# Emails of sequences that are queued and would leave on one of these days.
_QUEUED = """
SELECT count(*) AS number
FROM emails_emailmessage m JOIN emails_mailbox b ON b.id = m.mailbox_id
JOIN sequences_workspace w ON w.id = b.workspace_id
WHERE m.mailbox_id = ANY(%(mailboxes)s::bigint[]) AND m.status = 'queued' AND NOT m.is_answer
  AND (greatest(m.send_after_at, %(now)s) AT TIME ZONE w.timezone)::date
      BETWEEN %(starts_on)s::date AND %(ends_on)s::date
"""


class TimeOffError(ValueError):
    """What is wrong, in one line; `field` names the field: owner, starts_on, ends_on or cover."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(slots=True)
class Impact:
    """`enrollments` were replanned; `emails`: queued ones that the time off holds, or held before it was deleted."""

    enrollments: int = 0
    emails: int = 0

    def __str__(self) -> str:
        replanned = "was replanned" if self.enrollments == 1 else "were replanned"
        concerned = "is concerned" if self.emails == 1 else "are concerned"
        enrollments = plural(self.enrollments, "enrollment", "enrollments")
        return f"{enrollments} {replanned}, {plural(self.emails, 'queued email', 'queued emails')} {concerned}."

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def save_time_off(row: TimeOff, values: Mapping[str, Any], *, actor: str, now: datetime) -> Impact:
    """Write `values` (starts_on, ends_on, cover) to a new row, which has its workspace and owner, or a stored one.

    Emails of the owner's mailboxes that are due on these days wait; those that no longer need to are planned earlier.
    Raises `TimeOffError`, and stores nothing then.
    """
    with transaction.atomic():
        _lock_members(row)
        is_new = row.pk is None
        before = {} if is_new else read_fields(TimeOff.objects.get(pk=row.pk), _FIELDS)
        for name, value in values.items():
            setattr(row, name, value)
        validate_time_off(row)
        with _replanned(row, actor, now) as impact:
            row.save()
        changes = [] if is_new else list_field_changes(before, read_fields(row, _FIELDS))
        if is_new or changes:
            action = ControlAction.CREATED if is_new else ControlAction.EDITED
            log_control(ControlTarget.TIME_OFF, row, action, actor, "", now, changes)
    return impact


def delete_time_off(row: TimeOff, *, actor: str, now: datetime) -> Impact:
    """Emails that waited for its end are planned by the other rules, and leave in the order of their queue."""
    with transaction.atomic():
        log_control(ControlTarget.TIME_OFF, row, ControlAction.DELETED, actor, "", now)
        with _replanned(row, actor, now) as impact:
            TimeOff.objects.filter(pk=row.pk).delete()
    return impact


def validate_time_off(row: TimeOff) -> None:
    """Raises `TimeOffError` when it must not be stored as it is."""
    for name in ("starts_on", "ends_on"):
        day: date = getattr(row, name)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise TimeOffError(name, f"It must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
    if row.ends_on < row.starts_on:
        raise TimeOffError("ends_on", "The last day lies before the first one.")
    members = set(
        Membership.objects.filter(workspace=row.workspace_id, user__in=[row.owner_id, row.cover_id or row.owner_id])
        .filter(user__is_active=True)
        .values_list("user_id", flat=True)
    )
    if row.owner_id not in members:
        raise TimeOffError("owner", "The workspace has no such member.")
    if row.cover_id == row.owner_id:
        raise TimeOffError("cover", "An owner is no cover for themselves: choose a colleague, or leave it empty.")
    if row.cover_id is not None and row.cover_id not in members:
        raise TimeOffError("cover", "The workspace has no such member.")
    same_days = TimeOff.objects.filter(
        workspace=row.workspace_id, starts_on__lte=row.ends_on, ends_on__gte=row.starts_on
    ).exclude(pk=row.pk)
    if other := same_days.filter(owner=row.owner_id).first():
        raise TimeOffError("starts_on", f"It overlaps with {_days(other)}: change that one instead.")
    if other := same_days.filter(owner=row.cover_id).first() if row.cover_id else None:
        raise TimeOffError("cover", f"The cover is away too, from {_days(other)}: choose another one.")
    if other := same_days.filter(cover=row.owner_id).select_related("owner").first():
        who = other.owner.email or other.owner.get_username()
        text = f"They cover for {who} from {_days(other)}: give that time off another cover first."
        raise TimeOffError("owner", text)


def _days(row: TimeOff) -> str:
    return f"{row.starts_on} to {row.ends_on}"


def _lock_members(row: TimeOff) -> None:
    """One after another for the workspace, so that two requests at once cannot overlap."""
    list(
        Membership.objects.select_for_update(no_key=True)
        .filter(workspace=row.workspace_id)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


@contextmanager
def _replanned(row: TimeOff, actor: str, now: datetime) -> Iterator[Impact]:
    impact = Impact()
    owned = Mailbox.objects.filter(workspace=row.workspace_id, owner=row.owner_id).order_by("pk")
    mailboxes = list(owned.values_list("pk", flat=True))
    asked = {"mailboxes": mailboxes, "now": now, "starts_on": row.starts_on, "ends_on": row.ends_on}
    with replanning_mailboxes(mailboxes, actor=actor, now=now) as replanned:
        impact.emails = fetch_all(_QUEUED, asked)[0]["number"]
        yield impact
    impact.enrollments = replanned.planned
