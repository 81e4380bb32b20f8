"""The facts that stop or pause an enrollment, and the one rule for each. Pure.

The engine and the final check before sending share them, so that they never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sequences.choices import AccountReplyPolicy, ExitReason, OnReply, SequenceStatus

OUT_OF_OFFICE_DAYS = 14
COLLEAGUE_REPLIED = "a colleague at the same account replied"
SOFT_BOUNCES_IN_A_ROW = 3

_SUPPRESSION_EXITS = {
    "unsubscribed": ExitReason.UNSUBSCRIBED,
    "bounced": ExitReason.BOUNCED,
    "complained": ExitReason.COMPLAINED,
    "left_company": ExitReason.LEFT_COMPANY,
}


@dataclass(frozen=True, slots=True)
class StopFacts:
    """When each stop fact was first known for this enrollment; None where there is none.

    `suppressed_for` is the reason of a suppression that covers the address or its domain. `account_replied_at` is the
    latest reply of a colleague at the same account. `successor`: the address that an automatic answer names
    as the one who took over from a contact who has left. `goal_met`: what meets the goal of the sequence, in words.
    """

    replied_at: datetime | None = None
    possible_opt_out_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    complained_at: datetime | None = None
    bounced_at: datetime | None = None
    suppressed_for: str | None = None
    account_replied_at: datetime | None = None
    left_company_at: datetime | None = None
    successor: str = ""
    goal_met: str = ""


@dataclass(frozen=True, slots=True)
class Resting:
    """Facts that pause an enrollment, of those recorded since its last resume.

    Resuming overrules what was recorded before, and nothing that is recorded later, whenever it was written.
    They are the newest out-of-office answer, soft bounces, the latest reply of a colleague at the same account, and,
    where the workspace is set so, the newest mail that the mailbox's owner wrote by hand.
    """

    out_of_office_at: datetime | None = None
    out_of_office_until: datetime | None = None
    soft_bounces: int = 0
    hand_written_at: datetime | None = None
    colleague_replied_at: datetime | None = None


def find_exit_reason(stops: StopFacts, account_policy: str, sequence_status: str, on_reply: str) -> ExitReason | None:
    """The first stop rule that holds, or None. `on_reply`: what the sequence does when the contact replies."""
    if stops.possible_opt_out_at is not None or (stops.replied_at is not None and on_reply == OnReply.STOP):
        return ExitReason.REPLIED
    if stops.unsubscribed_at is not None:
        return ExitReason.UNSUBSCRIBED
    if stops.complained_at is not None:
        return ExitReason.COMPLAINED
    if stops.bounced_at is not None:
        return ExitReason.BOUNCED
    if stops.left_company_at is not None:
        return ExitReason.LEFT_COMPANY
    if stops.suppressed_for is not None:
        return _SUPPRESSION_EXITS.get(stops.suppressed_for, ExitReason.SUPPRESSED)
    if stops.account_replied_at is not None and account_policy == AccountReplyPolicy.STOP:
        return ExitReason.ACCOUNT_REPLIED
    if stops.goal_met:
        return ExitReason.GOAL_MET
    if sequence_status == SequenceStatus.ARCHIVED:
        return ExitReason.SEQUENCE_ARCHIVED
    return None


@dataclass(frozen=True, slots=True)
class Rest:
    """Why nothing may be sent now. `until` None: until a person resumes."""

    reason: str
    until: datetime | None


def find_rest(resting: Resting, account_policy: str, account_delay_days: int, now: datetime) -> Rest | None:
    """Whether a fact asks for a rest."""
    away_at = resting.out_of_office_at
    if away_at is not None:
        until = resting.out_of_office_until or away_at + timedelta(days=OUT_OF_OFFICE_DAYS)
        if until > now:
            assumed = "" if resting.out_of_office_until else " (assumed: the answer states no date)"
            return Rest(f"out of office until {until:%Y-%m-%d}{assumed}", until)
    if resting.soft_bounces >= SOFT_BOUNCES_IN_A_ROW:
        return Rest(f"{resting.soft_bounces} soft bounces in a row", None)
    if resting.hand_written_at is not None:
        return Rest("the owner of the mailbox wrote to them by hand", None)
    replied_at = resting.colleague_replied_at
    if replied_at is not None:
        if account_policy == AccountReplyPolicy.PAUSE:
            return Rest(COLLEAGUE_REPLIED, None)
        until = replied_at + timedelta(days=account_delay_days)
        if account_policy == AccountReplyPolicy.DELAY and until > now:
            return Rest(COLLEAGUE_REPLIED, until)
    return None
