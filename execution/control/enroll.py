"""Contacts into a sequence: checked, planned, written set-based; safe when two people enroll the same contact at once.

Owns the first position of an enrollment. Must not move anybody who is already enrolled.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from common.db import Row, fetch_all
from common.notify import notify_engine
from emails.facts.scoring import hot_priority
from emails.models import Mailbox
from execution.choices import LogAction
from execution.engine.calendar import calendar_for
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.choices import SequenceStatus, StepType
from sequences.enrollment_sql import LIVE
from sequences.models import Sequence
from sequences.time.contact_calendar import read_contact_calendar
from sequences.time.timing import TimingError, plan

BATCH_CONTACTS = 1_000


class EnrollError(ValueError):
    """Nobody can be enrolled; one line that names the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A contact that was left out. `email` is empty when the contact is not of this workspace."""

    contact_id: int
    email: str
    reason: str


@dataclass(frozen=True, slots=True)
class EnrollResult:
    """`enrolled` are enrollment ids, in the order of the contacts."""

    enrolled: tuple[int, ...]
    skipped: tuple[Skipped, ...]

    def present(self) -> dict[str, object]:
        """As the commands print it."""
        skipped = [{"contact": left.email or left.contact_id, "reason": left.reason} for left in self.skipped]
        return {"enrolled": len(self.enrolled), "skipped": skipped}


@transaction.atomic
def enroll_contacts(
    *,
    sequence: Sequence,
    contact_ids: Rows[int],
    mailbox: Mailbox | None,
    owner: AbstractBaseUser | None,
    actor: str,
    now: datetime,
    start_at: datetime | None = None,
    report: Callable[[int], None] = lambda contacts: None,
) -> EnrollResult:
    """Start the sequence for these contacts at `start_at` (default `now`), the first step planned by SPEC section 3.

    Who is suppressed, unknown to the workspace or already live in the sequence is skipped with the reason. A fixed
    number of statements per 1,000 contacts; all or nothing. Raises `EnrollError` when nobody can be enrolled.
    """
    # The lock keeps the first step from being removed and the sequence from being archived meanwhile.
    current = Sequence.objects.select_for_update(of=("self",), no_key=True).get(pk=sequence.pk)
    facts = _check_sequence(current)
    sender = _find_mailbox(current, facts, mailbox, owner)
    owner_id = owner.pk if owner else (sender.owner_id if sender else None)
    starts_at = max(now, start_at) if start_at else now
    enrolled: list[int] = []
    skipped: list[Skipped] = []
    wanted = list(dict.fromkeys(contact_ids))
    for start in range(0, len(wanted), BATCH_CONTACTS):
        batch = wanted[start : start + BATCH_CONTACTS]
        contacts = {row["id"]: row for row in fetch_all(_CONTACTS, {"ids": batch, "workspace": current.workspace_id})}
        fit: list[Row] = []
        for contact_id in batch:
            row = contacts.get(contact_id)
            if row is None:
                skipped.append(Skipped(contact_id, "", "is not a contact of this workspace"))
            elif row["suppressed_for"]:
                skipped.append(Skipped(contact_id, row["email"], f"suppressed: {row['suppressed_for']}"))
            else:
                fit.append(row)
        inserted = _insert(current, facts.steps[0], facts, fit, sender, owner_id, starts_at, now)
        skipped.extend(
            Skipped(row["id"], row["email"], "already in this sequence") for row in fit if row["id"] not in inserted
        )
        ids = [inserted[row["id"]] for row in fit if row["id"] in inserted]
        _log(current, facts.steps[0], ids, sender, actor, now)
        enrolled.extend(ids)
        report(len(batch))
    if enrolled:
        notify_engine()
    return EnrollResult(tuple(enrolled), tuple(skipped))


def _check_sequence(sequence: Sequence) -> SequenceFacts:
    if sequence.status not in {SequenceStatus.ACTIVE, SequenceStatus.PAUSED}:
        remedy = "activate it first" if sequence.status == SequenceStatus.DRAFT else "use another one"
        raise EnrollError(f"the sequence {sequence.name!r} is {sequence.status}: {remedy}")
    facts = load_sequences([sequence.pk])[sequence.pk]
    if not facts.steps:
        raise EnrollError(f"the sequence {sequence.name!r} has no steps: add one")
    return facts


def _find_mailbox(
    sequence: Sequence, facts: SequenceFacts, mailbox: Mailbox | None, owner: AbstractBaseUser | None
) -> Mailbox | None:
    if mailbox is not None:
        if mailbox.workspace_id != sequence.workspace_id:
            raise EnrollError(f"the mailbox {mailbox.address} is not of this workspace: choose one of its own")
        return mailbox
    own: list[Mailbox] = []
    if owner is not None:
        own = list(Mailbox.objects.filter(workspace_id=sequence.workspace_id, owner_id=owner.pk)[:2])
    if len(own) == 1:
        return own[0]
    if any(step.type == StepType.EMAIL for step in facts.steps):
        why = "the owner has several" if own else "the owner has none"
        raise EnrollError(f"the sequence {sequence.name!r} sends emails and needs a mailbox: name one ({why})")
    return None


_CONTACTS = """
SELECT c.id, c.email, c.timezone AS contact_timezone, c.engagement_score, a.timezone AS account_timezone,
       w.timezone AS workspace_timezone, w.holiday_country, w.extra_holidays,
       (SELECT x.reason || CASE WHEN x.domain <> '' THEN ' (the whole domain ' || x.domain || ')' ELSE '' END
        FROM emails_suppression x
        WHERE x.workspace_id = c.workspace_id
          AND ((x.email <> '' AND x.email = lower(c.email))
               OR (x.domain <> '' AND x.domain = lower(split_part(c.email, '@', 2))))
        ORDER BY x.domain LIMIT 1) AS suppressed_for
FROM sequences_contact c
JOIN sequences_workspace w ON w.id = c.workspace_id
LEFT JOIN sequences_account a ON a.id = c.account_id
WHERE c.id = ANY(%(ids)s::bigint[]) AND c.workspace_id = %(workspace)s
"""
_INSERT = f"""
INSERT INTO sequences_enrollment (
    workspace_id, sequence_id, contact_id, mailbox_id, owner_id, status, current_step_id, visit, previous_ended_at,
    next_step_at, wake_at, priority, retry_count, last_error, instant_transitions, pause_reason, paused_by, emails_sent,
    steps_completed, auto_exit_reason, enrolled_at, updated_at)
SELECT %(workspace)s, %(sequence)s, r.contact, %(mailbox)s, %(owner)s, 'active', %(step)s, 1, %(start)s,
       r.due, r.due, r.priority, 0, '', 0, '', '', 0, 0, '', %(now)s, %(now)s
FROM unnest(%(contacts)s::bigint[], %(dues)s::timestamptz[], %(priorities)s::smallint[]) AS r(contact, due, priority)
ORDER BY r.contact
ON CONFLICT (sequence_id, contact_id) WHERE status IN {LIVE} DO NOTHING
RETURNING id, contact_id
"""


def _insert(
    sequence: Sequence,
    step: StepFacts,
    facts: SequenceFacts,
    rows: list[Row],
    mailbox: Mailbox | None,
    owner_id: int | None,
    starts_at: datetime,
    now: datetime,
) -> dict[int, int]:
    """The new enrollments by contact; a contact that is live in the sequence already is missing."""
    if not rows:
        return {}
    inserted = fetch_all(
        _INSERT,
        {
            "workspace": sequence.workspace_id,
            "sequence": sequence.pk,
            "mailbox": mailbox.pk if mailbox else None,
            "owner": owner_id,
            "step": step.id,
            "start": starts_at,
            "now": now,
            "contacts": [row["id"] for row in rows],
            "dues": [plan_first_due(step, facts, row, mailbox, starts_at) for row in rows],
            "priorities": [hot_priority(sequence.priority, row["engagement_score"]) for row in rows],
        },
    )
    return {row["contact_id"]: row["id"] for row in inserted}


def plan_first_due(
    step: StepFacts, facts: SequenceFacts, row: Row, mailbox: Mailbox | None, starts_at: datetime
) -> datetime:
    """When `step` may run for the contact in `row`, counted from `starts_at`. Raises `EnrollError` if never."""
    zones = {**row, "mailbox_timezone": mailbox.timezone if mailbox else None}
    calendar = calendar_for(step.type, facts.window, read_contact_calendar(facts.window, zones))
    try:
        return plan(starts_at, step.timing, calendar).at
    except TimingError as error:
        raise EnrollError(f"step {step.number} can never run: {error}") from None


def _log(
    sequence: Sequence, step: StepFacts, ids: list[int], mailbox: Mailbox | None, actor: str, now: datetime
) -> None:
    details = {"mailbox": mailbox.address} if mailbox else {}
    line = LogLine(LogAction.ENROLLED, f"enrolled in {sequence.name}", actor=actor, details=details)
    write_logs([LogRow(sequence.workspace_id, id_, step.id, step.number, step.type, line) for id_ in ids], now)
