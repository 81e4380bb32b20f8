"""Switches: pause and resume a sequence, mailbox, workspace or the executor; activate, archive; resolve messages.

Each switch stores its reason and actor and writes the control log. Resuming wakes what was held: the engine replans it,
and the pace and caps of the lanes spread the backlog.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import transaction

from common.db import fetch_all
from common.notify import notify_engine
from emails.choices import BreakerState, MailboxStatus, MessageStatus
from emails.models import EmailMessage, ExecutorState, Mailbox
from emails.sending.lanes import probe_now, wait_for_checks, wake_lanes
from emails.sending.resolving import mark_sent, send_again
from execution.choices import ControlAction, ControlTarget, LogAction
from execution.control.blocked import send_blocked_again
from execution.control.failover import trust_present_server
from execution.engine.logs import LogRow, log_control, write_logs
from execution.engine.outcomes import LogLine
from sequences.authoring import operations
from sequences.choices import SequenceStatus
from sequences.enrollment_sql import wake_where
from sequences.models import Sequence, Workspace

_RESOLVED: dict[str, str] = {
    MessageStatus.SENT: "resolved as sent",
    MessageStatus.QUEUED: "resolved: send it again",
    MessageStatus.WITHHELD: "resolved: not sent again, its step was removed or skipped",
}


class NotPossibleError(ValueError):
    """Why the action is not possible: one line that names the state and what to do."""


_QUEUED_LANES = """
SELECT DISTINCT m.mailbox_id AS id FROM emails_emailmessage m JOIN sequences_enrollment e ON e.id = m.enrollment_id
WHERE m.status = 'queued' AND e.sequence_id = %(sequence)s
"""


def pause_executor(*, actor: str, now: datetime, reason: str = "") -> bool:
    """Decide nothing and send nothing until resumed. False, changing nothing, when it is already paused."""
    text = reason or "paused by hand"
    with transaction.atomic():
        ExecutorState.objects.get_or_create(pk=1)
        changed = ExecutorState.objects.filter(pk=1, is_paused=False).update(
            is_paused=True, paused_by=actor, paused_reason=text, changed_at=now
        )
        if changed:
            log_control(ControlTarget.EXECUTOR, None, ControlAction.PAUSED, actor, text, now)
    return changed > 0


def resume_executor(*, actor: str, now: datetime, reason: str = "") -> bool:
    """Also after a failover, whose risk the user accepts with it. False when it is already running."""
    with transaction.atomic():
        changed = ExecutorState.objects.filter(pk=1, is_paused=True).update(
            is_paused=False, paused_by="", paused_reason="", changed_at=now, failed_over_at=None
        )
        if changed:
            trust_present_server()
            log_control(ControlTarget.EXECUTOR, None, ControlAction.RESUMED, actor, reason, now)
            notify_engine()
    return changed > 0


def pause_workspace(workspace: Workspace, *, actor: str, now: datetime, reason: str = "") -> bool:
    """Send no email of the workspace until resumed; steps are decided, and their emails wait. False when it is paused.

    What a worker was giving to a server already leaves; nothing is begun after this returns.
    """
    text = reason or "paused by hand"
    with transaction.atomic():
        changed = Workspace.objects.filter(pk=workspace.pk, sending_paused_at=None).update(
            sending_paused_at=now, sending_paused_by=actor, sending_paused_reason=text
        )
        if changed:
            log_control(ControlTarget.WORKSPACE, workspace, ControlAction.PAUSED, actor, text, now)
            wait_for_checks(_lanes_of(workspace))
    workspace.refresh_from_db()
    return changed > 0


def resume_workspace(workspace: Workspace, *, actor: str, now: datetime, reason: str = "") -> bool:
    """Let the workspace send again: windows, pace and caps spread what has waited. False when it is not paused."""
    with transaction.atomic():
        changed = Workspace.objects.filter(pk=workspace.pk, sending_paused_at__isnull=False).update(
            sending_paused_at=None, sending_paused_by="", sending_paused_reason=""
        )
        if changed:
            log_control(ControlTarget.WORKSPACE, workspace, ControlAction.RESUMED, actor, reason, now)
            wake_lanes(_lanes_of(workspace), now)
            notify_engine()
    workspace.refresh_from_db()
    return changed > 0


def _lanes_of(workspace: Workspace) -> list[int]:
    return list(Mailbox.objects.filter(workspace=workspace.pk).values_list("pk", flat=True))


def activate_sequence(sequence: Sequence, *, actor: str, now: datetime, reason: str = "") -> None:
    """Validate a draft and start it. Raises `NotPossibleError` with every problem found."""
    try:
        with transaction.atomic():
            operations.activate_sequence(sequence.pk, now)
            if sequence.status == SequenceStatus.DRAFT:
                log_control(ControlTarget.SEQUENCE, sequence, ControlAction.ACTIVATED, actor, reason, now)
    except (operations.InvalidSequenceError, operations.SequenceStateError) as error:
        raise NotPossibleError(str(error)) from None
    sequence.refresh_from_db()


def pause_sequence(sequence: Sequence, *, actor: str, now: datetime, reason: str = "") -> None:
    text = reason or "paused by hand"
    _set_sequence(sequence, SequenceStatus.PAUSED, "active", ControlAction.PAUSED, actor=actor, reason=text, now=now)


def resume_sequence(sequence: Sequence, *, actor: str, now: datetime, reason: str = "") -> None:
    _set_sequence(sequence, SequenceStatus.ACTIVE, "paused", ControlAction.RESUMED, actor=actor, reason=reason, now=now)


def archive_sequence(sequence: Sequence, *, actor: str, now: datetime, reason: str = "") -> None:
    """Cannot be undone: all its enrollments exit and its queued messages are withheld."""
    _set_sequence(
        sequence,
        SequenceStatus.ARCHIVED,
        "draft active paused",
        ControlAction.ARCHIVED,
        actor=actor,
        reason=reason,
        now=now,
    )


def _set_sequence(
    sequence: Sequence,
    status: SequenceStatus,
    allowed_from: str,
    action: ControlAction,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    is_paused = status is SequenceStatus.PAUSED
    with transaction.atomic():
        status_now = Sequence.objects.select_for_update().values_list("status", flat=True).get(pk=sequence.pk)
        if status_now == status:
            return
        if status_now not in allowed_from.split():
            raise NotPossibleError(f"the sequence is {status_now}: it cannot become {status}")
        Sequence.objects.filter(pk=sequence.pk).update(
            status=status.value,
            pause_reason=reason if is_paused else "",
            paused_by=actor if is_paused else "",
            updated_at=now,
        )
        log_control(ControlTarget.SEQUENCE, sequence, action, actor, reason, now)
        wake_where("e.sequence_id = %(sequence)s", {"sequence": sequence.pk}, now)
        wake_lanes([row["id"] for row in fetch_all(_QUEUED_LANES, {"sequence": sequence.pk})], now)
        notify_engine()
    sequence.refresh_from_db()


def pause_mailbox(mailbox: Mailbox, *, actor: str, now: datetime, reason: str = "") -> bool:
    """Stop its lane; its enrollments do not change. False when it is already stopped."""
    text = reason or "paused by hand"
    with transaction.atomic():
        changed = Mailbox.objects.filter(pk=mailbox.pk, status=MailboxStatus.ACTIVE).update(
            status=MailboxStatus.PAUSED, status_reason=text, status_actor=actor, status_at=now, lane_at=None
        )
        if changed:
            log_control(ControlTarget.MAILBOX, mailbox, ControlAction.PAUSED, actor, text, now)
    mailbox.refresh_from_db()
    return changed > 0


def resume_mailbox(mailbox: Mailbox, *, actor: str, now: datetime, reason: str = "") -> bool:
    """Let a paused or broken mailbox send again, its breaker closed and its health counted from zero.

    What was refused because of the sender in the last days is sent again, also when the mailbox is active. False when
    nothing changed.
    """
    with transaction.atomic():
        probe_now(mailbox.pk, now)
        changed = (
            Mailbox.objects.filter(pk=mailbox.pk)
            .exclude(status=MailboxStatus.ACTIVE)
            .update(
                status=MailboxStatus.ACTIVE,
                status_reason="",
                status_actor=actor,
                status_at=now,
                breaker_state=BreakerState.CLOSED,
                breaker_failures=0,
                breaker_trips=0,
                breaker_until=None,
                breaker_error="",
                lane_at=now,
            )
        )
        if changed:
            log_control(ControlTarget.MAILBOX, mailbox, ControlAction.RESUMED, actor, reason, now)
            notify_engine()
    repeated = send_blocked_again(mailbox.pk, actor=actor, now=now)
    mailbox.refresh_from_db()
    return changed > 0 or repeated > 0


def resolve_message(
    message: EmailMessage, answer: Literal["sent", "resend"], *, actor: str, now: datetime, reason: str = ""
) -> None:
    """A user resolves a message of unknown outcome. Raises `NotPossibleError` when its outcome is known."""
    with transaction.atomic():
        resolve = mark_sent if answer == "sent" else send_again
        if not resolve(message.pk, actor, reason, now):
            message.refresh_from_db()
            if message.status == MessageStatus.UNKNOWN:
                raise NotPossibleError("its enrollment has ended: it can be marked as sent, not sent again")
            raise NotPossibleError(f"the message is {message.status}: only an unknown one can be resolved")
        message.refresh_from_db()
        text = _RESOLVED[message.status]
        line = LogLine(LogAction.RESOLVED, reason or text, actor=actor, details={"message": message.pk, "as": answer})
        write_logs([LogRow(message.workspace_id, message.enrollment_id, message.step_id, None, "email", line)], now)
        notify_engine()
