"""The stop rules and the facts that pause (SPEC sections 4 and 6). Pure.

They come before every step, in this order, and hold for active, paused and quarantined enrollments alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from emails.stops import find_exit_reason
from execution.choices import LogAction
from execution.outcomes import Exit, LogLine, Pause
from execution.snapshot import Snapshot
from sequences.choices import AccountReplyPolicy, ExitReason

OUT_OF_OFFICE_DAYS = 14
COLLEAGUE_REPLIED = "a colleague at the same account replied"
SOFT_BOUNCES_IN_A_ROW = 3

_SAID = {
    ExitReason.REPLIED: "the contact replied",
    ExitReason.UNSUBSCRIBED: "the contact unsubscribed",
    ExitReason.COMPLAINED: "the contact complained about spam",
    ExitReason.BOUNCED: "the address bounced",
    ExitReason.SUPPRESSED: "the address or its domain is suppressed",
    ExitReason.ACCOUNT_REPLIED: COLLEAGUE_REPLIED,
    ExitReason.SEQUENCE_ARCHIVED: "the sequence was archived",
}


def find_stop(snapshot: Snapshot) -> Exit | None:
    reason = find_exit_reason(snapshot.stops, snapshot.account_policy, snapshot.sequence.status)
    if reason is None:
        return None
    return Exit(reason, LogLine(LogAction.EXITED, _SAID[reason], details={"reason": reason.value}))


def find_pause(snapshot: Snapshot, now: datetime) -> Pause | None:
    """Whether a fact newer than the last resume asks for a rest."""
    since = snapshot.resumed_at or snapshot.enrolled_at
    resting = snapshot.resting
    if resting.out_of_office_at is not None and resting.out_of_office_at > since:
        until = resting.out_of_office_until or resting.out_of_office_at + timedelta(days=OUT_OF_OFFICE_DAYS)
        if until > now:
            return _pause(f"out of office until {until:%Y-%m-%d}", until)
    if resting.soft_bounces >= SOFT_BOUNCES_IN_A_ROW:
        return _pause(f"{resting.soft_bounces} soft bounces in a row", None)
    if resting.hand_written_at is not None and resting.hand_written_at > since:
        return _pause("the owner of the mailbox wrote to them by hand", None)
    replied_at = snapshot.stops.account_replied_at
    if replied_at is not None and replied_at > since:
        if snapshot.account_policy == AccountReplyPolicy.PAUSE:
            return _pause(COLLEAGUE_REPLIED, None)
        until = replied_at + timedelta(days=snapshot.account_delay_days)
        if snapshot.account_policy == AccountReplyPolicy.DELAY and until > now:
            return _pause(COLLEAGUE_REPLIED, until)
    return None


def _pause(reason: str, until: datetime | None) -> Pause:
    details = {"resume_at": until.isoformat()} if until else {}
    return Pause(reason, until, LogLine(LogAction.PAUSED, reason, details=details))
