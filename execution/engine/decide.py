"""The only judge: one frozen snapshot in, one outcome out. Pure; reads no clock and no database.

Stop rules come first, then whether the enrollment and its sequence rest, then the step it stands at. Looking too often
is harmless: the same snapshot gives the same answer, and nothing runs before it is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from emails.choices import SAME_TEXT, ErrorClass, MessageStatus
from emails.facts.scoring import hot_priority
from execution.choices import UNKNOWN_OUTCOME, LogAction, LogStatus
from execution.engine.backoff import Policy, next_retry_at
from execution.engine.calendar import calendar_for
from execution.engine.conditions import evaluate_condition
from execution.engine.outcomes import (
    Advance,
    Complete,
    CreateTask,
    Defer,
    Effect,
    Exit,
    LogLine,
    Outcome,
    Park,
    Quarantine,
    QueueEmail,
    RequeueEmail,
    Resume,
    Retry,
    Wait,
)
from execution.engine.snapshot import MessageFacts, Snapshot, StepFacts
from execution.engine.stops import find_pause, find_stop
from execution.engine.task_text import render_task_text
from sequences.authoring.step_config import Broken, DelayConfig, EmailConfig, SplitConfig, TaskConfig
from sequences.choices import EnrollmentStatus, ExitReason, SequenceStatus, label_of
from sequences.liquid.templating import TemplateError, missing_fields
from sequences.time.timing import Calendar, TimingError, is_allowed, next_allowed, plan

RUNAWAY_TRANSITIONS = 100
_IN_OUTBOX = LogLine(LogAction.QUEUED, "the email is in the outbox")
_SETTLED: dict[str, str] = {
    MessageStatus.SENT: "the doubtful message is known to be sent",
    MessageStatus.QUEUED: "send it again",
    MessageStatus.WITHHELD: "the doubtful message is not sent again: its step was removed",
}


def decide(snapshot: Snapshot, now: datetime, policy: Policy) -> Outcome:
    """What happens to this enrollment at `now` (aware UTC). Raises only for a bug."""
    if stop := find_stop(snapshot):
        return stop
    if snapshot.status is EnrollmentStatus.QUARANTINED:
        return _look_at_quarantined(snapshot, now)
    if snapshot.status is EnrollmentStatus.PAUSED:
        return _look_at_paused(snapshot, now)
    if pause := find_pause(snapshot, now):
        return pause
    if snapshot.sequence.status != SequenceStatus.ACTIVE:
        return Park()
    step = snapshot.sequence.step(snapshot.current_step_id)
    if step is None:
        return _quarantine("data", "the step it stood at was deleted: move it to another step or exit it")
    due_at = snapshot.next_step_at or snapshot.previous_ended_at
    if now < due_at:
        return Wait(due_at)
    if snapshot.retry_at is not None and now < snapshot.retry_at:
        return Wait(snapshot.retry_at)
    try:
        return _run_step(snapshot, step, due_at, now, policy)
    except TemplateError as error:
        return _quarantine("template", str(error))
    except TimingError as error:
        return _quarantine("timing", str(error))


def replan(snapshot: Snapshot, now: datetime) -> datetime:
    """When the current step may run after a rest: not earlier than planned, and in a window that is open."""
    due_at = max(snapshot.next_step_at or now, now)
    step = snapshot.sequence.step(snapshot.current_step_id)
    if step is None:
        return due_at
    try:
        return next_allowed(due_at, _calendar(snapshot, step), skip_weekends=step.timing.skip_weekends).at
    except TimingError:
        return due_at


def enter_at_once(snapshot: Snapshot, target: StepFacts, now: datetime, log: LogLine) -> Outcome:
    """Leave the current step unexecuted for `target`, which may run now, or when its window opens."""
    try:
        at = next_allowed(now, _calendar(snapshot, target), skip_weekends=target.timing.skip_weekends).at
    except TimingError:
        at = now
    return Advance(now, target.id, at, 0, log)


def _look_at_quarantined(snapshot: Snapshot, now: datetime) -> Outcome:
    message = snapshot.message
    doubt_resolved = snapshot.quarantine_class == UNKNOWN_OUTCOME and message is not None and message.status in _SETTLED
    if not doubt_resolved:
        return Park()
    assert message is not None
    said = _SETTLED[message.status]
    if snapshot.current_step_id is None:
        return Complete(now, LogLine(LogAction.COMPLETED, f"{said}; nothing comes after the step that was removed"))
    return Resume(snapshot.next_step_at or now, LogLine(LogAction.RESUMED, said))


def _look_at_paused(snapshot: Snapshot, now: datetime) -> Outcome:
    if snapshot.resume_at is None:
        return Park()
    if now < snapshot.resume_at:
        return Park(snapshot.resume_at)
    # what came to be known during this rest may ask for one that lasts longer
    if pause := find_pause(snapshot, now):
        return pause
    return Resume(replan(snapshot, now), LogLine(LogAction.RESUMED, "the pause is over"))


def _run_step(snapshot: Snapshot, step: StepFacts, due_at: datetime, now: datetime, policy: Policy) -> Outcome:
    match step.config:
        case EmailConfig():
            return _run_email(snapshot, step, step.config, due_at, now, policy)
        case TaskConfig():
            return _run_task(snapshot, step, step.config, due_at, now)
        case DelayConfig():
            return _advance(snapshot, step, due_at, "the delay has passed")
        case SplitConfig():
            return _run_split(snapshot, step, step.config, due_at, now)
        case Broken(error):
            return _quarantine("step", error)
        case _:
            assert_never(step.config)


def _run_email(
    snapshot: Snapshot, step: StepFacts, config: EmailConfig, due_at: datetime, now: datetime, policy: Policy
) -> Outcome:
    if snapshot.message is not None:
        return _follow_message(snapshot, step, snapshot.message, now, policy)
    if _is_over(snapshot, step) and not config.repeat:
        return _lead_past(snapshot, step, "same step: the contact has had this email in this enrollment")
    if snapshot.mailbox_id is None:
        return _quarantine("data", "it has no mailbox to send from: give it one and replay")
    if not config.subject and snapshot.emails_sent == 0:
        return _quarantine("data", "its first email has no subject: an empty subject replies in an earlier thread")
    if held := _hold_outside_window(snapshot, step, now):
        return held
    if missing := missing_fields(snapshot.merge_fields, config.subject, config.body):
        return _missing(missing)
    queue = QueueEmail(
        recipient=snapshot.recipient,
        mailbox_id=snapshot.mailbox_id,
        priority=hot_priority(snapshot.priority, snapshot.engagement_score),
        due_at=due_at,
        is_first_touch=snapshot.emails_sent == 0,
    )
    return Wait(None, (queue,), _IN_OUTBOX)


def _is_over(snapshot: Snapshot, step: StepFacts) -> bool:
    """Whether somebody was led to what they have had, by an edit of the order or a hand that was a moment late."""
    return snapshot.has_run and not snapshot.sequence.comes_again(step)


def _lead_past(snapshot: Snapshot, step: StepFacts, said: str) -> Outcome:
    return advance_past(snapshot, step, snapshot.previous_ended_at, LogLine(LogAction.SKIPPED, said))


def _follow_message(
    snapshot: Snapshot, step: StepFacts, message: MessageFacts, now: datetime, policy: Policy
) -> Outcome:
    match MessageStatus(message.status):
        case MessageStatus.QUEUED | MessageStatus.SENDING:
            return Wait(None)
        case MessageStatus.SENT:
            return _advance(snapshot, step, message.sent_at or now, "the email was sent", {"message": message.id})
        case MessageStatus.WITHHELD if message.withheld_reason == SAME_TEXT:
            return _lead_past(snapshot, step, "same text: the contact has had this email from this sequence")
        case MessageStatus.WITHHELD:
            log = LogLine(
                LogAction.QUEUED, f"the email is in the outbox again, it was withheld: {message.withheld_reason}"
            )
            return Wait(None, (RequeueEmail(message.id),), log)
        case MessageStatus.UNKNOWN:
            return _doubt(snapshot, message, now, policy)
        case MessageStatus.FAILED:
            return _follow_failure(snapshot, message, now, policy)
        case other:
            assert_never(other)


def _doubt(snapshot: Snapshot, message: MessageFacts, now: datetime, policy: Policy) -> Outcome:
    asked_until = (message.unknown_at or now) + timedelta(minutes=policy.evidence_minutes)
    if snapshot.evidence_possible and now < asked_until:
        return Wait(asked_until)
    return _quarantine(
        UNKNOWN_OUTCOME,
        "it is not known whether the mail server took the email: look into the mailbox's Sent folder, then mark it as "
        "sent or send it again",
        facts={"message": message.id},
    )


def _follow_failure(snapshot: Snapshot, message: MessageFacts, now: datetime, policy: Policy) -> Outcome:
    if snapshot.retry_at is not None:
        log = LogLine(LogAction.RETRIED, f"attempt {message.attempts + 1}")
        return Wait(None, (RequeueEmail(message.id),), log)
    match ErrorClass(message.error_class):
        case ErrorClass.RECIPIENT_PERMANENT:
            log = LogLine(LogAction.EXITED, "the address bounced", LogStatus.ERROR, message.error)
            return Exit(ExitReason.BOUNCED, log)
        case ErrorClass.RECIPIENT_TEMPORARY:
            return _retry(snapshot, message.error, message.error_class, message.failed_at or now, policy)
        case (
            ErrorClass.CONTENT
            | ErrorClass.MAILBOX
            | ErrorClass.SERVER
            | ErrorClass.TEMPLATE
            | ErrorClass.UNCLASSIFIED
            | ErrorClass.BUG
        ):
            facts = {"message": message.id}
            return _quarantine(message.error_class, message.error, trace=message.error_trace, facts=facts)
        case other:
            assert_never(other)


def _run_task(snapshot: Snapshot, step: StepFacts, config: TaskConfig, due_at: datetime, now: datetime) -> Outcome:
    task = snapshot.task
    if task is None:
        return _create_task(snapshot, step, config, due_at, now)
    if not config.wait_for_completion:
        return _advance(snapshot, step, task.created_at, "the task was created", {"task": task.id})
    if task.completed_at is None:
        return Wait(None)
    return _advance(snapshot, step, task.completed_at, f"the task was {task.status}", {"task": task.id})


def _create_task(snapshot: Snapshot, step: StepFacts, config: TaskConfig, due_at: datetime, now: datetime) -> Outcome:
    if _is_over(snapshot, step):
        return _lead_past(snapshot, step, "same step: this task was given before in this enrollment")
    if held := _hold_outside_window(snapshot, step, now):
        return held
    context = {**snapshot.merge_fields, "now": now.astimezone(snapshot.calendar.zone.zone)}
    title = render_task_text(config.title, context) or f"{label_of(config.type)}: {snapshot.recipient}"
    effect = CreateTask(
        type=config.type,
        priority=config.priority,
        title=title[:300],
        instructions=render_task_text(config.instructions, context),
        due_at=due_at,
    )
    if config.wait_for_completion:
        return Wait(None, (effect,), LogLine(LogAction.WAITING, "waits until the task is done", LogStatus.WAITING))
    return _advance(snapshot, step, now, "the task was created", effects=(effect,))


def _run_split(snapshot: Snapshot, step: StepFacts, config: SplitConfig, due_at: datetime, now: datetime) -> Outcome:
    result = evaluate_condition(config, snapshot, due_at)
    if again_at := result.look_again_at(now):
        return Wait(again_at)
    answer = result.true_at is not None
    ended_at = result.true_at or result.deadline_at
    goto = config.if_true if answer else config.if_false
    said = f"{config.condition} is {str(answer).lower()}"
    details: dict[str, object] = {"condition": config.condition.value, "answer": answer, "goto": goto}
    log = LogLine(LogAction.BRANCHED, said, details=details)
    if goto is None:
        return Complete(ended_at, log)
    target = snapshot.sequence.step(goto)
    if target is None:
        return _quarantine("step", f"the step that its branch {str(answer).lower()} goes to is in another sequence")
    return _enter(snapshot, target, due_at, ended_at, log)


def _advance(
    snapshot: Snapshot,
    step: StepFacts,
    ended_at: datetime,
    said: str,
    details: dict[str, object] | None = None,
    effects: tuple[Effect, ...] = (),
) -> Outcome:
    return advance_past(snapshot, step, ended_at, LogLine(LogAction.EXECUTED, said, details=details or {}), effects)


def advance_past(
    snapshot: Snapshot, step: StepFacts, ended_at: datetime, log: LogLine, effects: tuple[Effect, ...] = ()
) -> Outcome:
    """The step is over, executed or skipped: on to the next one in order, or to the end of the sequence."""
    target = snapshot.sequence.step_after(step)
    if target is None:
        return Complete(ended_at, log, effects)
    due_at = snapshot.next_step_at or snapshot.previous_ended_at
    return _enter(snapshot, target, due_at, ended_at, log, effects)


def _enter(
    snapshot: Snapshot,
    target: StepFacts,
    due_at: datetime,
    ended_at: datetime,
    log: LogLine,
    effects: tuple[Effect, ...] = (),
) -> Outcome:
    """Step into `target`. A hundred steps in a row in which no time was planned to pass are a runaway."""
    next_step_at = plan(ended_at, target.timing, _calendar(snapshot, target)).at
    no_time_passed = next_step_at <= due_at
    instant_transitions = snapshot.instant_transitions + 1 if no_time_passed else 0
    if instant_transitions >= RUNAWAY_TRANSITIONS:
        return _quarantine("runaway", f"{RUNAWAY_TRANSITIONS} steps ran with no time passing: give the loop a delay")
    return Advance(ended_at, target.id, next_step_at, instant_transitions, log, effects)


def _calendar(snapshot: Snapshot, step: StepFacts) -> Calendar:
    return calendar_for(step.type, snapshot.sequence.window, snapshot.calendar)


def _hold_outside_window(snapshot: Snapshot, step: StepFacts, now: datetime) -> Defer | None:
    calendar = _calendar(snapshot, step)
    if is_allowed(now, calendar, skip_weekends=step.timing.skip_weekends):
        return None
    allowed = next_allowed(now, calendar, skip_weekends=step.timing.skip_weekends)
    move = allowed.moves[-1]
    return Defer(allowed.at, LogLine(LogAction.WAITING, move.detail, LogStatus.WAITING, details={"code": move.code}))


def _retry(snapshot: Snapshot, error: str, error_class: str, failed_at: datetime, policy: Policy) -> Outcome:
    retry_at = next_retry_at(policy, snapshot.retry_count, failed_at)
    if retry_at is None:
        return _quarantine(error_class, error)
    log = LogLine(LogAction.FAILED, f"tried again at {retry_at:%Y-%m-%d %H:%M} UTC", LogStatus.ERROR, error)
    return Retry(retry_at, snapshot.retry_count + 1, log)


def _missing(paths: tuple[str, ...]) -> Quarantine:
    named = ", ".join(paths)
    return _quarantine("template", f"no value for {named}: fill it in at the contact or give the template a default")


def _quarantine(
    error_class: str, error: str, *, trace: str = "", facts: Mapping[str, object] | None = None
) -> Quarantine:
    log = LogLine(LogAction.QUARANTINED, "taken out until a person looks", LogStatus.ERROR, error)
    return Quarantine(error_class, error, log, trace, facts or {})
