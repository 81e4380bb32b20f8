"""The events that subscriptions name, and the facts that each reports. Pure."""

from __future__ import annotations

from emails.choices import EventType
from execution.choices import LogAction
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
PING = "ping"
EVENTS = tuple(sorted({*LOGGED.values(), *EXECUTED.values(), *STORED.values(), COMPLETED}))
