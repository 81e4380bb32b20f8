"""Pause and resume more than one enrollment's worth: a sequence, a mailbox, the whole executor. And settle doubts.

Each is a state with reason and actor. Resuming wakes what was held; the engine then plans it anew, and the lanes' pace
and caps spread the backlog.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import transaction

from emails.choices import BreakerState, MailboxStatus
from emails.lanes import wake_lanes
from emails.models import EmailMessage, Mailbox
from emails.resolving import mark_sent, send_again
from execution.choices import LogAction
from execution.logs import LogRow, write_logs
from execution.models import ExecutorState
from execution.outcomes import LogLine
from sequences.choices import SequenceStatus
from sequences.db import execute, fetch_all
from sequences.models import Sequence
from sequences.validation import validate_sequence
from sequences.wakeup import notify_engine


class NotPossibleError(ValueError):
    """Not possible in this state; one line that says which state and what to do."""


_WAKE_SEQUENCE = """
UPDATE sequences_enrollment SET wake_at = %(now)s
WHERE id IN (SELECT id FROM sequences_enrollment
             WHERE sequence_id = %(sequence)s AND status IN ('active', 'paused', 'quarantined')
             ORDER BY id FOR NO KEY UPDATE)
"""
_QUEUED_LANES = """
SELECT DISTINCT m.mailbox_id AS id FROM emails_emailmessage m JOIN sequences_enrollment e ON e.id = m.enrollment_id
WHERE m.status = 'queued' AND e.sequence_id = %(sequence)s
"""


def pause_executor(*, actor: str, now: datetime, reason: str = "") -> bool:
    """Nothing is decided and nothing leaves until resumed. False when it was paused before; then nothing changes."""
    changed = ExecutorState.objects.filter(pk=1, is_paused=False).update(
        is_paused=True, paused_by=actor, paused_reason=reason or "paused by hand", changed_at=now
    )
    return changed > 0


def resume_executor(*, actor: str, now: datetime) -> bool:
    """False when it was running before."""
    with transaction.atomic():
        changed = ExecutorState.objects.filter(pk=1, is_paused=True).update(
            is_paused=False, paused_by="", paused_reason="", changed_at=now
        )
        notify_engine()
    return changed > 0


def activate_sequence(sequence: Sequence, *, actor: str, now: datetime) -> None:
    """Validate and set going, or resume. Raises `NotPossibleError` with every problem found."""
    problems = [str(problem) for problem in validate_sequence(sequence.pk) if problem.is_error]
    if problems:
        raise NotPossibleError(f"the sequence cannot be activated: {'; '.join(problems)}")
    _set_sequence(sequence, SequenceStatus.ACTIVE, {"draft", "paused", "active"}, now=now)


def pause_sequence(sequence: Sequence, *, actor: str, now: datetime, reason: str = "") -> None:
    _set_sequence(sequence, SequenceStatus.PAUSED, {"active"}, now=now, actor=actor, reason=reason or "paused by hand")


def resume_sequence(sequence: Sequence, *, actor: str, now: datetime) -> None:
    _set_sequence(sequence, SequenceStatus.ACTIVE, {"paused"}, now=now)


def archive_sequence(sequence: Sequence, *, actor: str, now: datetime) -> None:
    """For good: everybody in it exits, and its unsent messages are withdrawn."""
    _set_sequence(sequence, SequenceStatus.ARCHIVED, {"draft", "active", "paused"}, now=now, actor=actor)


def _set_sequence(
    sequence: Sequence,
    status: SequenceStatus,
    allowed_from: set[str],
    *,
    now: datetime,
    actor: str = "",
    reason: str = "",
) -> None:
    with transaction.atomic():
        if sequence.status == status:
            return
        changed = Sequence.objects.filter(pk=sequence.pk, status__in=allowed_from).update(
            status=status.value, pause_reason=reason, paused_by=actor, updated_at=now
        )
        if not changed:
            raise NotPossibleError(f"the sequence is {sequence.status}: it cannot become {status}")
        execute(_WAKE_SEQUENCE, {"sequence": sequence.pk, "now": now})
        wake_lanes([row["id"] for row in fetch_all(_QUEUED_LANES, {"sequence": sequence.pk})], now)
        notify_engine()
    sequence.refresh_from_db()


def pause_mailbox(mailbox: Mailbox, *, actor: str, now: datetime, reason: str = "") -> bool:
    """Its lane stops; its enrollments are untouched. False when it was stopped before."""
    changed = Mailbox.objects.filter(pk=mailbox.pk, status=MailboxStatus.ACTIVE).update(
        status=MailboxStatus.PAUSED,
        status_reason=reason or "paused by hand",
        status_actor=actor,
        status_at=now,
        lane_at=None,
    )
    mailbox.refresh_from_db()
    return changed > 0


def resume_mailbox(mailbox: Mailbox, *, actor: str, now: datetime) -> bool:
    """Set a paused or broken mailbox going, its breaker closed and its health counted anew."""
    with transaction.atomic():
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
        notify_engine()
    mailbox.refresh_from_db()
    return changed > 0


def resolve_message(
    message: EmailMessage, answer: Literal["sent", "resend"], *, actor: str, now: datetime, reason: str = ""
) -> None:
    """A person settles an unknown outcome. Raises `NotPossibleError` when the message is not unknown any more."""
    with transaction.atomic():
        settle = mark_sent if answer == "sent" else send_again
        if not settle(message.pk, actor, reason, now):
            message.refresh_from_db()
            raise NotPossibleError(f"the message is {message.status}: only an unknown one can be resolved")
        said = "resolved as sent" if answer == "sent" else "resolved: send it again"
        line = LogLine(LogAction.RESOLVED, reason or said, actor=actor, details={"message": message.pk, "as": answer})
        write_logs([LogRow(message.workspace_id, message.enrollment_id, message.step_id, None, "email", line)], now)
        notify_engine()
    message.refresh_from_db()
