"""The one decision function: a frozen snapshot in, an outcome out. Pure; reads no clock and no database.

Stop rules come first, then whether the enrollment and its sequence rest, then the step it stands at. Looking too often
is harmless: the same snapshot gives the same answer, and nothing runs before it is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from emails.choices import APPROVAL_OUTDATED, SAME_TEXT, ErrorClass, MessageStatus
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
from sequences.content.variants import Variant, choose_variant
from sequences.liquid.templating import TemplateError, missing_fields
from sequences.time.timing import Calendar, TimingError, is_allowed, next_allowed, plan

RUNAWAY_TRANSITIONS = 100
_IN_OUTBOX = LogLine(LogAction.QUEUED, "Email queued for sending")
_RESOLVED: dict[str, str] = {
    MessageStatus.SENT: "Delivery confirmed: the email was sent",
    MessageStatus.QUEUED: "Delivery unconfirmed: the email is sent again",
    MessageStatus.WITHHELD: "Delivery unconfirmed: the email is not sent again, its step was removed",
}


def decide(snapshot: Snapshot, now: datetime, policy: Policy) -> Outcome:
    """What happens to this enrollment at `now` (aware UTC). Raises only for a bug. The first answer that applies:

    1. A stop fact (reply, opt-out, bounce …) ends it, whatever its status.
    2. Quarantined: it stays, unless its message of unknown outcome has been resolved.
    3. Paused: it stays until `resume_at`, and longer when a newer fact asks for another pause.
    4. A fact that pauses (out of office, a colleague's reply …) pauses it.
    5. Its sequence is not active: it stays until that changes.
    6. Its step is not due, or waits for a retry: it waits until then.
    7. Its step runs, or continues where it was left.
    """
    if stop := find_stop(snapshot):
        return stop
    if snapshot.status is EnrollmentStatus.QUARANTINED:
        return _decide_quarantined(snapshot, now)
    if snapshot.status is EnrollmentStatus.PAUSED:
        return _decide_paused(snapshot, now)
    if pause := find_pause(snapshot, now):
        return pause
    if snapshot.sequence.status != SequenceStatus.ACTIVE:
        return Park()
    step = snapshot.sequence.step(snapshot.current_step_id)
    if step is None:
        return _quarantine("data", "Its current step was deleted: move it to another step or exit it")
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
    """When the current step may run after a pause: not earlier than planned, and inside the sending window."""
    due_at = max(snapshot.next_step_at or now, now)
    step = snapshot.sequence.step(snapshot.current_step_id)
    if step is None:
        return due_at
    try:
        return next_allowed(due_at, _calendar(snapshot, step), skip_weekends=step.timing.skip_weekends).at
    except TimingError:
        return due_at


def enter_at_once(snapshot: Snapshot, target: StepFacts, now: datetime, log: LogLine) -> Outcome:
    """Leave the current step without running it. `target` may run now, or when its window opens."""
    try:
        at = next_allowed(now, _calendar(snapshot, target), skip_weekends=target.timing.skip_weekends).at
    except TimingError:
        at = now
    return Advance(now, target.id, at, 0, log)


def _decide_quarantined(snapshot: Snapshot, now: datetime) -> Outcome:
    message = snapshot.message
    is_resolved = snapshot.quarantine_class == UNKNOWN_OUTCOME and message is not None and message.status in _RESOLVED
    if not is_resolved:
        return Park()
    assert message is not None
    detail = _RESOLVED[message.status]
    if snapshot.current_step_id is None:
        return Complete(now, LogLine(LogAction.COMPLETED, f"{detail}. No step follows the one that was removed"))
    return Resume(snapshot.next_step_at or now, LogLine(LogAction.RESUMED, detail))


def _decide_paused(snapshot: Snapshot, now: datetime) -> Outcome:
    if snapshot.resume_at is None:
        return Park()
    if now < snapshot.resume_at:
        return Park(snapshot.resume_at)
    # a fact stored during this pause may ask for a longer one
    if pause := find_pause(snapshot, now):
        return pause
    return Resume(replan(snapshot, now), LogLine(LogAction.RESUMED, "The pause ended"))


def _run_step(snapshot: Snapshot, step: StepFacts, due_at: datetime, now: datetime, policy: Policy) -> Outcome:
    match step.config:
        case EmailConfig():
            return _run_email(snapshot, step, step.config, due_at, now, policy)
        case TaskConfig():
            return _run_task(snapshot, step, step.config, due_at, now)
        case DelayConfig():
            return _advance(snapshot, step, due_at, "The delay ended")
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
        return _follow_message(snapshot, step, config, snapshot.message, now, policy)
    if _has_run_before(snapshot, step) and not config.repeat:
        return _skip_step(snapshot, step, "Same step: this enrollment already sent this email to the contact")
    if snapshot.mailbox_id is None:
        return _quarantine("data", "It has no mailbox to send from: assign one, then try again")
    text = _choose_text(snapshot, step, config, snapshot.earlier_variant)
    if not text.subject and snapshot.emails_sent == 0:
        return _quarantine("data", "Its first email needs a subject: without one an email replies in an earlier thread")
    if deferred := _defer_outside_window(snapshot, step, now):
        return deferred
    if missing := missing_fields(snapshot.merge_fields, text.subject, text.body):
        return _missing(missing)
    queue = QueueEmail(
        recipient=snapshot.recipient,
        mailbox_id=snapshot.mailbox_id,
        priority=hot_priority(snapshot.priority, snapshot.engagement_score),
        due_at=due_at,
        is_first_touch=snapshot.emails_sent == 0,
        variant=text.key,
    )
    return Wait(None, (queue,), _log_queued(text.key) if text.key else _IN_OUTBOX)


def _choose_text(snapshot: Snapshot, step: StepFacts, config: EmailConfig, assigned: str) -> Variant:
    """What this contact gets: its variant, or the step's own text with an empty key."""
    chosen = choose_variant(snapshot.contact_id, step.id, config.variants, assigned)
    return chosen or Variant("", 0, config.subject, config.body)


def _log_queued(variant: str) -> LogLine:
    return LogLine(LogAction.QUEUED, f"Email queued for sending: variant {variant}", details={"variant": variant})


def _queue_again(
    snapshot: Snapshot, step: StepFacts, config: EmailConfig, message: MessageFacts, log: LogLine
) -> Outcome:
    """The same message. Where its variant is gone or switched off, with another one that the contact can read."""
    text = _choose_text(snapshot, step, config, message.variant)
    if text.key != message.variant and (missing := missing_fields(snapshot.merge_fields, text.subject, text.body)):
        return _missing(missing)
    return Wait(None, (RequeueEmail(message.id, text.key),), log)


def _has_run_before(snapshot: Snapshot, step: StepFacts) -> bool:
    """Whether an edit or a late move led the enrollment back to a step that has already run, outside a loop."""
    return snapshot.has_run and not snapshot.sequence.comes_again(step)


def _skip_step(snapshot: Snapshot, step: StepFacts, reason: str) -> Outcome:
    return advance_past(snapshot, step, snapshot.previous_ended_at, LogLine(LogAction.SKIPPED, reason))


def _follow_message(
    snapshot: Snapshot, step: StepFacts, config: EmailConfig, message: MessageFacts, now: datetime, policy: Policy
) -> Outcome:
    match MessageStatus(message.status):
        case MessageStatus.QUEUED | MessageStatus.SENDING:
            return Wait(None)
        case MessageStatus.SENT:
            return _advance(snapshot, step, message.sent_at or now, "Sent", {"message": message.id})
        case MessageStatus.WITHHELD if message.withheld_reason == SAME_TEXT:
            return _skip_step(snapshot, step, "Same text: this sequence already sent this email to the contact")
        case MessageStatus.WITHHELD if message.withheld_reason == APPROVAL_OUTDATED:
            log = LogLine(LogAction.QUEUED, "Approval withdrawn: the email has changed or waited too long since")
            return Wait(None, (RequeueEmail(message.id),), log)
        case MessageStatus.WITHHELD:
            log = LogLine(LogAction.QUEUED, f"Email queued again after it was withheld: {message.withheld_reason}")
            return _queue_again(snapshot, step, config, message, log)
        case MessageStatus.UNKNOWN:
            return _wait_for_evidence(snapshot, message, now, policy)
        case MessageStatus.FAILED:
            return _follow_failure(snapshot, step, config, message, now, policy)
        case other:
            assert_never(other)


def _wait_for_evidence(snapshot: Snapshot, message: MessageFacts, now: datetime, policy: Policy) -> Outcome:
    waits_until = (message.unknown_at or now) + timedelta(minutes=policy.evidence_minutes)
    if snapshot.evidence_possible and now < waits_until:
        return Wait(waits_until)
    return _quarantine(
        UNKNOWN_OUTCOME,
        "Delivery unconfirmed: the mail server did not say whether it accepted the email. Check the mailbox's Sent "
        "folder, then mark it as sent or send it again",
        facts={"message": message.id},
    )


def _follow_failure(
    snapshot: Snapshot, step: StepFacts, config: EmailConfig, message: MessageFacts, now: datetime, policy: Policy
) -> Outcome:
    if snapshot.retry_at is not None:
        log = LogLine(LogAction.RETRIED, f"Attempt {message.attempts + 1}")
        return _queue_again(snapshot, step, config, message, log)
    match ErrorClass(message.error_class):
        case ErrorClass.RECIPIENT_PERMANENT:
            log = LogLine(LogAction.EXITED, "The address bounced", LogStatus.ERROR, message.error)
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
        return _advance(snapshot, step, task.created_at, "Task created", {"task": task.id})
    if task.completed_at is None:
        return Wait(None)
    return _advance(snapshot, step, task.completed_at, f"Task {task.status}", {"task": task.id})


def _create_task(snapshot: Snapshot, step: StepFacts, config: TaskConfig, due_at: datetime, now: datetime) -> Outcome:
    if _has_run_before(snapshot, step):
        return _skip_step(snapshot, step, "Same step: this enrollment already created this task")
    if deferred := _defer_outside_window(snapshot, step, now):
        return deferred
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
        return Wait(
            None, (effect,), LogLine(LogAction.WAITING, "Waiting for the task to be completed", LogStatus.WAITING)
        )
    return _advance(snapshot, step, now, "Task created", effects=(effect,))


def _run_split(snapshot: Snapshot, step: StepFacts, config: SplitConfig, due_at: datetime, now: datetime) -> Outcome:
    result = evaluate_condition(config, snapshot, due_at)
    if again_at := result.evaluate_again_at(now):
        return Wait(again_at)
    answer = result.true_at is not None
    ended_at = result.true_at or result.deadline_at
    goto = config.if_true if answer else config.if_false
    text = f"{config.condition.label}: {'yes' if answer else 'no'}"
    details: dict[str, object] = {"condition": config.condition.value, "answer": answer, "goto": goto}
    log = LogLine(LogAction.BRANCHED, text, details=details)
    if goto is None:
        return Complete(ended_at, log)
    target = snapshot.sequence.step(goto)
    if target is None:
        return _quarantine(
            "step", f"Its {'Yes' if answer else 'No'} branch leads to a step of another sequence: edit the branch"
        )
    return _enter(snapshot, target, due_at, ended_at, log)


def _advance(
    snapshot: Snapshot,
    step: StepFacts,
    ended_at: datetime,
    text: str,
    details: dict[str, object] | None = None,
    effects: tuple[Effect, ...] = (),
) -> Outcome:
    return advance_past(snapshot, step, ended_at, LogLine(LogAction.EXECUTED, text, details=details or {}), effects)


def advance_past(
    snapshot: Snapshot, step: StepFacts, ended_at: datetime, log: LogLine, effects: tuple[Effect, ...] = ()
) -> Outcome:
    """Leave a step that was executed or skipped: for the next one in order, or the end of the sequence."""
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
    """Enter `target`. A hundred steps in a row without any time between them are a runaway loop: quarantine."""
    next_step_at = plan(ended_at, target.timing, _calendar(snapshot, target)).at
    no_time_passed = next_step_at <= due_at
    instant_transitions = snapshot.instant_transitions + 1 if no_time_passed else 0
    if instant_transitions >= RUNAWAY_TRANSITIONS:
        return _quarantine(
            "runaway", f"{RUNAWAY_TRANSITIONS} steps ran without any time between them: add a delay to the loop"
        )
    return Advance(ended_at, target.id, next_step_at, instant_transitions, log, effects)


def _calendar(snapshot: Snapshot, step: StepFacts) -> Calendar:
    return calendar_for(step.type, snapshot.sequence.window, snapshot.calendar)


def _defer_outside_window(snapshot: Snapshot, step: StepFacts, now: datetime) -> Defer | None:
    calendar = _calendar(snapshot, step)
    if is_allowed(now, calendar, skip_weekends=step.timing.skip_weekends):
        return None
    allowed = next_allowed(now, calendar, skip_weekends=step.timing.skip_weekends)
    move = allowed.cause
    return Defer(allowed.at, LogLine(LogAction.WAITING, move.detail, LogStatus.WAITING, details={"code": move.code}))


def _retry(snapshot: Snapshot, error: str, error_class: str, failed_at: datetime, policy: Policy) -> Outcome:
    retry_at = next_retry_at(policy, snapshot.retry_count, failed_at)
    if retry_at is None:
        return _quarantine(error_class, error)
    log = LogLine(LogAction.FAILED, f"Next attempt at {retry_at:%Y-%m-%d %H:%M} UTC", LogStatus.ERROR, error)
    return Retry(retry_at, snapshot.retry_count + 1, log)


def _missing(paths: tuple[str, ...]) -> Quarantine:
    named = ", ".join(paths)
    return _quarantine("template", f"No value for {named}: fill it in on the contact or give the template a default")


def _quarantine(
    error_class: str, error: str, *, trace: str = "", facts: Mapping[str, object] | None = None
) -> Quarantine:
    log = LogLine(LogAction.QUARANTINED, "Quarantined: needs review", LogStatus.ERROR, error)
    return Quarantine(error_class, error, log, trace, facts or {})
