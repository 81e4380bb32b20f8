"""The words of the execution log and the quarantine. No Django, so that pure modules may use them."""

from __future__ import annotations

from sequences.choices import Choice


class LogAction(Choice):
    ENROLLED = "enrolled"
    QUEUED = "queued"
    EXECUTED = "executed"
    WAITING = "waiting"
    BRANCHED = "branched"
    SKIPPED = "skipped"
    MOVED = "moved"
    REPLANNED = "replanned"
    FAILED = "failed"
    RETRIED = "retried"
    QUARANTINED = "quarantined"
    PAUSED = "paused"
    RESUMED = "resumed"
    SNOOZED = "snoozed"
    EXITED = "exited"
    COMPLETED = "completed"
    RESOLVED = "resolved"
    TASK_COMPLETED = "task_completed"
    TASK_CHANGED = "task_changed"


# The class of a quarantine: nobody knows whether an email left.
UNKNOWN_OUTCOME = "unknown_outcome"


class LogStatus(Choice):
    OK = "ok"
    WAITING = "waiting"
    ERROR = "error"


class Resolution(Choice):
    """How a dead letter was closed."""

    REPLAYED = "replayed"
    DISCARDED = "discarded"
    SKIPPED = "skipped"
    EXITED = "exited"


class ControlTarget(Choice):
    EXECUTOR = "executor"
    SEQUENCE = "sequence"
    MAILBOX = "mailbox"
    CONTACT = "contact"
    ACCOUNT = "account"
    WEBHOOK = "webhook"


class ControlAction(Choice):
    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"
    ACTIVATED = "activated"
    PAUSED = "paused"
    RESUMED = "resumed"
    ARCHIVED = "archived"


class DeliveryState(Choice):
    """Of an outgoing webhook. `failed`: nobody took it within 24 hours."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
