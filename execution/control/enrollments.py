"""Actions of users on enrollments: pause, snooze, resume, skip, move, retry, exit. Written by the engine's own writer.

Each function works in batches of at most 500 and of bounded size, each its own transaction:

1. Lock the named enrollments in id order and load their snapshots (`claim_by_id`).
2. Choose an outcome for each: an outcome of the engine, nothing to change, or a refusal with its reason.
3. Write the outcomes with one log line each (`apply_outcomes`) and notify the engine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from common.notify import notify_engine
from common.text import instant_text
from emails.choices import MessageStatus
from emails.models import EmailMessage
from execution.choices import UNKNOWN_OUTCOME, LogAction, Resolution
from execution.engine.apply import apply_outcomes
from execution.engine.claim import claim_by_id
from execution.engine.decide import advance_past, enter_at_once, replan
from execution.engine.outcomes import Defer, Exit, LogLine, Outcome, Pause, Resume
from execution.engine.snapshot import Snapshot, StepFacts
from sequences.choices import ENDED_STATUSES, EnrollmentStatus, ExitReason

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the action is not possible: one line that names the state and what to do."""

    reason: str


@dataclass(slots=True)
class Report:
    """What an action did, by enrollment id. `unchanged`: they were already in the wanted state."""

    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


Choose = Callable[[Snapshot], Outcome | Refusal | None]


def pause_enrollments(
    ids: Sequence[int], *, actor: str, now: datetime, reason: str = "", resume_at: datetime | None = None
) -> Report:
    """Pause until a user resumes, or until `resume_at`. Queued messages stay queued, unsent."""
    text = reason or "paused by hand"

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        if snapshot.status is EnrollmentStatus.PAUSED:
            return None
        if refusal := _refuse_quarantined(snapshot):
            return refusal
        details = {"resume_at": instant_text(resume_at)} if resume_at else {}
        return Pause(text, resume_at, LogLine(LogAction.PAUSED, text, actor=actor, details=details))

    return _act(ids, choose, now)


def resume_enrollments(ids: Sequence[int], *, actor: str, now: datetime, reason: str = "") -> Report:
    """Continue from the same step, replanned: never outside its window. Quarantined enrollments are refused."""

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        if snapshot.status is EnrollmentStatus.ACTIVE:
            return None
        if refusal := _refuse_quarantined(snapshot):
            return refusal
        return Resume(replan(snapshot, now), LogLine(LogAction.RESUMED, reason or "resumed by hand", actor=actor))

    return _act(ids, choose, now)


def snooze_enrollments(ids: Sequence[int], *, until: datetime, actor: str, now: datetime, reason: str = "") -> Report:
    """Not before `until` (aware, in the future), then at the next opening of the window. It stays at its step."""

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        if snapshot.status is EnrollmentStatus.PAUSED:
            return Refusal("it is paused: resume it instead")
        if refusal := _refuse_quarantined(snapshot) or _refuse_sending(snapshot):
            return refusal
        at = replan(snapshot, until)
        if at == snapshot.next_step_at:
            asked_for = replan(snapshot._replace(next_step_at=None), until)
            return None if asked_for == at else Refusal("it is already due later than that")
        text = reason or "snoozed by hand"
        details = {"until": instant_text(until)}
        return Defer(
            at, LogLine(LogAction.SNOOZED, f"{text}: due {at:%Y-%m-%d %H:%M} UTC", actor=actor, details=details)
        )

    return _act(ids, choose, now)


def move_enrollments(ids: Sequence[int], *, step_id: int, actor: str, now: datetime, reason: str = "") -> Report:
    """Go to another step of the same sequence, which may run at once; a queued message is withheld.

    Refused where the email of that step has been sent before.
    """
    has_sent = set(
        EmailMessage.objects.filter(
            enrollment__in=ids,
            step=step_id,
            status__in=[MessageStatus.SENT, MessageStatus.SENDING, MessageStatus.UNKNOWN],
        ).values_list("enrollment_id", flat=True)
    )

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        target = snapshot.sequence.step(step_id)
        if target is None:
            return Refusal("its sequence has no such step")
        if snapshot.current_step_id == step_id and snapshot.status is not EnrollmentStatus.QUARANTINED:
            return None
        if refusal := _refuse_sending(snapshot):
            return refusal
        if snapshot.id in has_sent:
            return Refusal("it has already sent the email of that step: an email is never sent twice")
        return enter_at_once(
            snapshot, target, now, LogLine(LogAction.MOVED, _describe_move(target, reason), actor=actor)
        )

    return _act(ids, choose, now)


def skip_steps(ids: Sequence[int], *, actor: str, now: datetime, reason: str = "") -> Report:
    """Leave the current step without running it, for the next one; its queued message is withheld."""

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        if refusal := _refuse_sending(snapshot):
            return refusal
        step = snapshot.sequence.step(snapshot.current_step_id)
        if step is None:
            return Refusal("its current step was deleted: move it to another step or exit it")
        line = LogLine(LogAction.SKIPPED, reason or "skipped by hand", actor=actor)
        return advance_past(snapshot, step, now, line)

    return _act(ids, choose, now)


def repeat_steps(steps: Mapping[int, int], *, actor: str, now: datetime, reason: str) -> Report:
    """Run a step once more whose email did not arrive. `steps`: the step's id by the enrollment's id.

    Only active enrollments change. The caller knows that the email was refused: nothing is checked here.
    """

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        if snapshot.status is not EnrollmentStatus.ACTIVE:
            return None
        target = snapshot.sequence.step(steps[snapshot.id])
        if target is None:
            return Refusal("its sequence has no such step any more")
        if refusal := _refuse_sending(snapshot):
            return refusal
        return enter_at_once(snapshot, target, now, LogLine(LogAction.RETRIED, reason, actor=actor))

    return _act(list(steps), choose, now)


def exit_enrollments(
    ids: Sequence[int],
    *,
    actor: str,
    now: datetime,
    reason: str = "",
    exit_reason: ExitReason = ExitReason.MANUAL,
    resolution: Resolution = Resolution.EXITED,
) -> Report:
    """Stop early: nothing more is sent, queued messages are withheld and open tasks cancelled."""
    line = LogLine(LogAction.EXITED, reason or "exited by hand", actor=actor, details={"reason": exit_reason.value})
    return _act(ids, lambda snapshot: Exit(exit_reason, line, resolution), now)


def retry_enrollments(ids: Sequence[int], *, actor: str, now: datetime, reason: str = "") -> Report:
    """Try the failed step at once: ends a quarantine and the wait for a planned retry."""

    def choose(snapshot: Snapshot) -> Outcome | Refusal | None:
        if snapshot.quarantine_class == UNKNOWN_OUTCOME and snapshot.message and snapshot.message.status == "unknown":
            return Refusal("its delivery is unconfirmed: mark the message as sent or send it again")
        if snapshot.status is EnrollmentStatus.PAUSED:
            return Refusal("it is paused: resume it")
        if snapshot.status is EnrollmentStatus.ACTIVE and snapshot.retry_at is None:
            return None
        line = LogLine(LogAction.RETRIED, reason or "retried by hand", actor=actor)
        return Resume(snapshot.next_step_at or now, line, tries_again=True)

    return _act(ids, choose, now)


def _act(ids: Sequence[int], choose: Choose, now: datetime) -> Report:
    report = Report()
    waiting = sorted(set(ids))
    while waiting:
        batch = waiting[:_BATCH]
        with transaction.atomic():
            chosen = []
            claimed = claim_by_id(batch)
            for snapshot in claimed:
                outcome = _refuse_ended(snapshot) or choose(snapshot)
                if outcome is None:
                    report.unchanged.append(snapshot.id)
                elif isinstance(outcome, Refusal):
                    report.refused[snapshot.id] = outcome.reason
                else:
                    chosen.append((snapshot, outcome))
            apply_outcomes(chosen, now)
            if chosen:
                notify_engine()
            report.changed += [snapshot.id for snapshot, _ in chosen]
        # what had too many merge fields for this batch comes next
        last = claimed[-1].id if claimed else batch[-1]
        waiting = waiting[bisect_right(waiting, last) :]
    return report


def _refuse_ended(snapshot: Snapshot) -> Refusal | None:
    if snapshot.status in ENDED_STATUSES:
        return Refusal(f"it has ended: {snapshot.status.value.replace('_', ' ')}")
    return None


def _refuse_quarantined(snapshot: Snapshot) -> Refusal | None:
    if snapshot.status is EnrollmentStatus.QUARANTINED:
        return Refusal("it is quarantined: retry, skip or exit it")
    return None


def _refuse_sending(snapshot: Snapshot) -> Refusal | None:
    if snapshot.message is not None and snapshot.message.status == MessageStatus.SENDING:
        return Refusal("its email is being sent right now: try again in a minute")
    return None


def _describe_move(target: StepFacts, reason: str) -> str:
    place = f"moved to step {target.number}"
    return f"{reason}: {place}" if reason else f"{place} by hand"
