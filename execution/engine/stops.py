"""The stop rules and the facts that pause (SPEC sections 4 and 6). Pure.

They come before every step, in this order, and hold for active, paused and quarantined enrollments alike.
"""

from __future__ import annotations

from datetime import datetime

from common.text import instant_text
from emails.facts.stops import COLLEAGUE_REPLIED, find_exit_reason, find_rest
from execution.choices import LogAction
from execution.engine.outcomes import Exit, LogLine, Pause
from execution.engine.snapshot import Snapshot
from sequences.choices import ExitReason

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
    reason = find_exit_reason(
        snapshot.stops, snapshot.account_policy, snapshot.sequence.status, snapshot.sequence.on_reply
    )
    if reason is None:
        return None
    return Exit(reason, LogLine(LogAction.EXITED, _SAID[reason], details={"reason": reason.value}))


def find_pause(snapshot: Snapshot, now: datetime) -> Pause | None:
    """Whether a fact that was read since the last resume asks for a rest."""
    rest = find_rest(snapshot.resting, snapshot.account_policy, snapshot.account_delay_days, now)
    if rest is None:
        return None
    details = {"resume_at": instant_text(rest.until)} if rest.until else {}
    return Pause(rest.reason, rest.until, LogLine(LogAction.PAUSED, rest.reason, details=details))
