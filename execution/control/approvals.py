"""Approve, reject and edit emails that wait for an approval, each named by its message and the hash of what was read.

Each change locks the enrollments first and writes the execution log. Rights are checked by the callers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import Q, QuerySet

from common.notify import notify_engine
from emails.choices import MessageStatus
from emails.facts.approvals import is_awaiting
from emails.models import EmailMessage
from emails.sending.approvals import HeldEmail, render_held, store_approvals, store_edit
from execution.choices import LogAction
from execution.control.enrollments import Report, exit_enrollments, skip_steps
from execution.control.switches import NotPossibleError
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from sequences.access.roles import Reader, managed_workspaces
from sequences.enrollment_sql import lock_enrollments

#: A request approves or rejects at most so many.
MOST_AT_ONCE = 200
Rejection = Literal["skip", "exit"]

_NOT_WAITING = "it does not wait for an approval"
_CHANGED = "it has changed since it was read: read it again"


def filter_decidable(rows: QuerySet[EmailMessage], user: Reader) -> QuerySet[EmailMessage]:
    """The emails that `user` may approve: those of own enrollments, and all of the workspaces they manage."""
    return rows.filter(Q(enrollment__owner=user.pk) | Q(workspace__in=managed_workspaces(user)))


def approve_emails(hashes: Mapping[int, str], *, actor: str, now: datetime, reason: str = "") -> Report:
    """Let these emails leave exactly as they were read. `hashes`: by message, what was read with it.

    An email that was approved with the same hash before is unchanged. The report is by message.
    """
    report = Report()
    held = render_held(list(hashes), now)
    with transaction.atomic():
        messages = _lock(list(hashes))
        awaiting = _find_awaiting(list(hashes), now)
        approved: dict[int, HeldEmail] = {}
        for pk, given in hashes.items():
            message, email = messages.get(pk), held.get(pk)
            if message is None or email is None:
                report.refused[pk] = _NOT_WAITING
            elif pk not in awaiting and _is_held(message) and message.approval.digest == given:
                report.unchanged.append(pk)
            elif pk not in awaiting:
                report.refused[pk] = _NOT_WAITING
            elif email.error:
                report.refused[pk] = f"it cannot be sent as it is: {email.error}"
            elif email.digest != given:
                report.refused[pk] = _CHANGED
            else:
                approved[pk] = email
        store_approvals(approved, actor, now)
        lines = [
            _log(messages[pk], LogAction.APPROVED, reason or "Email approved", actor, {"hash": email.digest})
            for pk, email in approved.items()
        ]
        write_logs(lines, now)
        if approved:
            notify_engine()
    report.changed += approved
    return report


def reject_emails(hashes: Mapping[int, str], *, then: Rejection, actor: str, now: datetime, reason: str) -> Report:
    """Send these emails not at all: their enrollments go on with the next step, or exit. The report is by message.

    `hashes`: empty where the email is rejected whatever it says by now. What was approved may be rejected until it is
    being sent.
    """
    report = Report()
    held = render_held([pk for pk, given in hashes.items() if given], now)
    with transaction.atomic():
        messages = _lock(list(hashes))
        by_enrollment: dict[int, int] = {}
        for pk, given in hashes.items():
            message = messages.get(pk)
            if message is None or not _is_held(message):
                report.refused[pk] = _NOT_WAITING
            elif given and (pk not in held or held[pk].digest != given):
                report.refused[pk] = _CHANGED
            else:
                by_enrollment[message.enrollment_id] = pk
        text = f"Email rejected: {reason}"
        act = skip_steps if then == "skip" else exit_enrollments
        done = act(list(by_enrollment), actor=actor, now=now, reason=text)
    report.changed += [by_enrollment[pk] for pk in done.changed]
    report.unchanged += [by_enrollment[pk] for pk in done.unchanged]
    report.refused |= {by_enrollment[pk]: why for pk, why in done.refused.items()}
    return report


def edit_email(message: EmailMessage, subject: str, body: str, *, actor: str, now: datetime) -> HeldEmail:
    """Give this email a subject and body of its own, in Liquid as in a step. It waits for an approval again.

    Raises `NotPossibleError` when it does not wait, `ValueError` for a text that cannot be rendered for the contact.
    """
    with transaction.atomic():
        found = _lock([message.pk]).get(message.pk)
        if found is None or not _is_held(found):
            raise NotPossibleError(_NOT_WAITING)
        email = store_edit(message.pk, subject.strip(), body, actor, now)
        if email.error:
            raise ValueError(email.error)
        write_logs([_log(found, LogAction.TEXT_EDITED, "Text of this email edited", actor, {})], now)
    return email


def _lock(ids: Sequence[int]) -> dict[int, EmailMessage]:
    """The messages, whose enrollments are locked from now on."""
    rows = EmailMessage.objects.filter(pk__in=ids)
    lock_enrollments(sorted(set(rows.values_list("enrollment_id", flat=True))))
    return {row.pk: row for row in rows.select_related("approval", "enrollment__sequence")}


def _find_awaiting(ids: Sequence[int], now: datetime) -> set[int]:
    return set(EmailMessage.objects.filter(is_awaiting(now), pk__in=ids).values_list("pk", flat=True))


def _is_held(message: EmailMessage) -> bool:
    """Whether it is queued under the rule that emails are approved first, approved or not."""
    is_queued = message.status == MessageStatus.QUEUED and not message.is_answer
    return is_queued and message.enrollment.sequence.requires_approval


def _log(message: EmailMessage, action: LogAction, text: str, actor: str, details: dict[str, object]) -> LogRow:
    line = LogLine(action, text, actor=actor, details={"message": message.pk, **details})
    return LogRow(message.workspace_id, message.enrollment_id, message.step_id, None, "email", line)
