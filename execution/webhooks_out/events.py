"""The events that subscriptions name, and the facts that each reports. Pure."""

from __future__ import annotations

from emails.choices import EventType, MessageStatus, SuppressionAction
from execution.choices import ControlAction, ControlTarget, LogAction
from sequences.choices import StepType

ALL = "*"

# By the log's action; of executed steps the type decides.
LOGGED = {
    LogAction.ENROLLED: "enrollment.started",
    LogAction.PAUSED: "enrollment.paused",
    LogAction.RESUMED: "enrollment.resumed",
    LogAction.SNOOZED: "enrollment.snoozed",
    LogAction.EXITED: "enrollment.exited",
    LogAction.QUARANTINED: "enrollment.quarantined",
    LogAction.SKIPPED: "step.skipped",
    LogAction.BRANCHED: "step.branched",
    LogAction.TASK_DUE: "task.due",
    LogAction.TASK_COMPLETED: "task.completed",
}
EXECUTED = {StepType.EMAIL: "email.sent", StepType.TASK: "task.created", StepType.DELAY: "step.waited"}
STORED = {
    EventType.DELIVERED: "email.delivered",
    EventType.OPENED: "email.opened",
    EventType.CLICKED: "email.clicked",
    EventType.REPLIED: "email.replied",
    EventType.AUTO_REPLIED: "email.auto_replied",
    EventType.BOUNCED: "email.bounced",
    EventType.COMPLAINED: "email.complained",
    EventType.UNSUBSCRIBED: "email.unsubscribed",
    EventType.LEFT_COMPANY: "email.left_company",
}
COMPLETED = "enrollment.completed"
EXTERNAL = "external_event.recorded"
PING = "ping"
# Of the control log, what stops or starts sending.
DELIVERED_CONTROLS = tuple(
    f"{target.value}.{action.value}"
    for target, actions in {
        ControlTarget.EXECUTOR: (ControlAction.PAUSED, ControlAction.RESUMED),
        ControlTarget.WORKSPACE: (ControlAction.PAUSED, ControlAction.RESUMED),
        ControlTarget.MAILBOX: (
            ControlAction.PAUSED, ControlAction.RESUMED, ControlAction.BROKEN, ControlAction.FAILING,
            ControlAction.RECOVERED,
        ),
        ControlTarget.SEQUENCE: (
            ControlAction.ACTIVATED, ControlAction.PAUSED, ControlAction.RESUMED, ControlAction.ARCHIVED,
        ),
    }.items()
    for action in actions
)  # fmt: skip
SUPPRESSED = tuple(f"suppression.{action.value}" for action in SuppressionAction)
# Of what becomes of an email, what its log or its events do not say.
OUTCOMES = tuple(
    f"email.{status.value}" for status in (MessageStatus.FAILED, MessageStatus.WITHHELD, MessageStatus.UNKNOWN)
)
_OTHERS = (COMPLETED, EXTERNAL, *DELIVERED_CONTROLS, *SUPPRESSED, *OUTCOMES)
EVENTS = tuple(sorted({*LOGGED.values(), *EXECUTED.values(), *STORED.values(), *_OTHERS}))

# The feed has every log entry and every fact, also those that webhooks do not deliver.
_ONLY_LOGGED = {
    LogAction.QUEUED: "email.queued",
    LogAction.WAITING: "step.waiting",
    LogAction.MOVED: "enrollment.moved",
    LogAction.REHOMED: "enrollment.rehomed",
    LogAction.REPLANNED: "enrollment.replanned",
    LogAction.FAILED: "step.failed",
    LogAction.RETRIED: "step.retried",
    LogAction.COMPLETED: COMPLETED,
    LogAction.RESOLVED: "email.resolved",
    LogAction.TASK_CHANGED: "task.changed",
    LogAction.CLASSIFIED: "reply.classified",
    LogAction.APPROVED: "email.approved",
    LogAction.TEXT_EDITED: "email.text_edited",
    LogAction.ANSWERED: "reply.answered",
}
_ONLY_STORED = {EventType.HAND_WRITTEN: "email.hand_written", EventType.AUTOMATED: "email.automated"}
ALL_LOGGED = (
    {action.value: event for action, event in (LOGGED | _ONLY_LOGGED).items()}
    | {f"executed:{kind.value}": event for kind, event in EXECUTED.items()}
    | {f"executed:{kind}": "step.executed" for kind in ("", StepType.CONDITIONAL_SPLIT.value)}
)
ALL_STORED = {kind.value: event for kind, event in (STORED | _ONLY_STORED).items()}
CONTROLLED = tuple(sorted(f"{target.value}.{action.value}" for target in ControlTarget for action in ControlAction))
FEED_ONLY = tuple(sorted({*ALL_LOGGED.values(), *ALL_STORED.values()} - {*EVENTS}))
FEED_TYPES = tuple(dict.fromkeys((*EVENTS, *FEED_ONLY, *CONTROLLED)))
