"""The enumerations of the engine, its logs and its webhooks. No Django, so that pure modules may use them."""

from __future__ import annotations

from sequences.choices import Choice


class LogAction(Choice):
    """What a line of the execution log records."""

    #: added to the sequence
    ENROLLED = "enrolled"
    #: the email of the step was queued for sending
    QUEUED = "queued"
    #: the step was carried out: email sent, task created or completed, delay over
    EXECUTED = "executed"
    #: the step is due but waits: for the sending window, or for its task
    WAITING = "waiting"
    #: a branch took its Yes or No path
    BRANCHED = "branched"
    #: the step was left without running
    SKIPPED = "skipped"
    #: moved to another step, by a user or by an edit of the sequence
    MOVED = "moved"
    #: got another mailbox of its pool before its first email
    REHOMED = "rehomed"
    #: its due time was computed again: an edit, a time zone or holidays changed
    REPLANNED = "replanned"
    #: an attempt failed; another one is planned
    FAILED = "failed"
    #: another attempt after a failure
    RETRIED = "retried"
    #: taken out of the engine until a user resolves it
    QUARANTINED = "quarantined"
    PAUSED = "paused"
    RESUMED = "resumed"
    #: a user postponed the step
    SNOOZED = "snoozed"
    #: stopped before the end of the sequence
    EXITED = "exited"
    #: reached the end of the sequence
    COMPLETED = "completed"
    #: a user said what became of a message of unknown outcome
    RESOLVED = "resolved"
    TASK_COMPLETED = "task_completed"
    TASK_CHANGED = "task_changed"
    #: its due time has come
    TASK_DUE = "task_due"
    #: a user said what a reply means
    CLASSIFIED = "classified"
    #: a user approved the email of the step
    APPROVED = "approved"
    #: a user gave the email of the step a text of its own
    TEXT_EDITED = "text_edited"
    #: a user answered a reply
    ANSWERED = "answered"


#: The error class of a quarantine: it is not known whether an email was sent.
UNKNOWN_OUTCOME = "unknown_outcome"


class LogStatus(Choice):
    """How a line of the execution log is marked."""

    OK = "ok"
    WAITING = "waiting"
    ERROR = "error"


class Resolution(Choice):
    """How a dead letter was closed."""

    #: the failed step was tried again
    REPLAYED = "replayed"
    #: the enrollment was exited from the list of dead letters
    DISCARDED = "discarded"
    #: the enrollment continued with the next step
    SKIPPED = "skipped"
    #: the enrollment ended by a stop fact or by a user
    EXITED = "exited"


#: How the reason begins when the executor switches off a variant that does harm.
VARIANT_STOPPED = "stopped variant"


class ControlTarget(Choice):
    """What a line of the control log is about."""

    EXECUTOR = "executor"
    SEQUENCE = "sequence"
    MAILBOX = "mailbox"
    MAILBOX_POOL = "mailbox_pool"
    CONTACT = "contact"
    ACCOUNT = "account"
    WEBHOOK = "webhook"
    WORKSPACE = "workspace"
    SEND_LIMIT = "send_limit"
    ENROLL_RULE = "enroll_rule"
    TIME_OFF = "time_off"


class ControlAction(Choice):
    """What a user did to it, or the executor."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"
    ACTIVATED = "activated"
    PAUSED = "paused"
    RESUMED = "resumed"
    ARCHIVED = "archived"
    ERASED = "erased"
    #: an address was invited to the workspace
    INVITED = "invited"
    #: an invitation was taken back
    WITHDRAWN = "withdrawn"
    #: a user accepted an invitation
    JOINED = "joined"
    #: a member was removed from the workspace
    REMOVED = "removed"
    #: the executor stopped a mailbox whose login or sender its server refuses
    BROKEN = "broken"
    #: the server of a mailbox does not answer: its emails wait
    FAILING = "failing"
    #: it answers again
    RECOVERED = "recovered"


class DeliveryState(Choice):
    """Of an outgoing webhook."""

    #: not accepted yet; the next attempt is planned
    PENDING = "pending"
    #: the subscriber answered with a status of 2xx
    DELIVERED = "delivered"
    #: the subscriber did not accept it within 24 hours
    FAILED = "failed"
