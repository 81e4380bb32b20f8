"""The closed set of answers `decide` can give, the effects they ask for, and the log lines they leave. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from execution.choices import LogAction, LogStatus, Resolution
from sequences.choices import ExitReason

ENGINE = "engine"
_NOTHING: Mapping[str, object] = MappingProxyType({})


class LogLine(NamedTuple):
    """One line of the execution log, about the step at which the enrollment was."""

    action: LogAction
    message: str
    status: LogStatus = LogStatus.OK
    error: str = ""
    actor: str = ENGINE
    details: Mapping[str, object] = _NOTHING


class QueueEmail(NamedTuple):
    """Queue the current step's email, once per step run. `variant`: the one of the step's that the contact gets."""

    recipient: str
    mailbox_id: int
    priority: int
    due_at: datetime
    is_first_touch: bool
    variant: str = ""


class RequeueEmail(NamedTuple):
    """Queue a failed or withheld message of this step run again: the same row, the same Message-ID."""

    message_id: int
    variant: str = ""


class CreateTask(NamedTuple):
    """Create a task for the owner. `title` and `instructions` are rendered."""

    type: str
    priority: str
    title: str
    instructions: str
    due_at: datetime


Effect = QueueEmail | RequeueEmail | CreateTask


class Advance(NamedTuple):
    """The step ended at `ended_at`; the next one is due at `next_step_at`."""

    ended_at: datetime
    next_step_id: int
    next_step_at: datetime
    instant_transitions: int
    log: LogLine
    effects: tuple[Effect, ...] = ()


class Complete(NamedTuple):
    """The sequence has no further step."""

    ended_at: datetime
    log: LogLine
    effects: tuple[Effect, ...] = ()


class Wait(NamedTuple):
    """The step is in progress: decide again at `wake_at`, or only when a fact wakes it (None)."""

    wake_at: datetime | None
    effects: tuple[Effect, ...] = ()
    log: LogLine | None = None


class Defer(NamedTuple):
    """Due, but not allowed now: the step may run at `until`. Does not count as an attempt."""

    until: datetime
    log: LogLine


class Retry(NamedTuple):
    """The step failed; attempt `retry_count` + 1 comes at `retry_at`."""

    retry_at: datetime
    retry_count: int
    log: LogLine


class Quarantine(NamedTuple):
    """The engine leaves it alone until a user resolves it."""

    error_class: str
    error: str
    log: LogLine
    trace: str = ""
    facts: Mapping[str, object] = _NOTHING


class Exit(NamedTuple):
    """Stopped early. Queued messages are withheld and open tasks cancelled."""

    reason: ExitReason
    log: LogLine
    resolution: Resolution = Resolution.EXITED
    tasks: tuple[CreateTask, ...] = ()


class Pause(NamedTuple):
    """A fact pauses it: out of office, soft bounces, a colleague's reply."""

    reason: str
    resume_at: datetime | None
    log: LogLine


class Resume(NamedTuple):
    """A pause ended, or the quarantine is resolved: continue from the same step.

    `tries_again`: the failed step is tried at once, and its attempts are counted from zero.
    """

    next_step_at: datetime
    log: LogLine
    tries_again: bool = False


class Park(NamedTuple):
    """Nothing to do until a fact or a user wakes it, or until `wake_at`."""

    wake_at: datetime | None = None


Outcome = Advance | Complete | Wait | Defer | Retry | Quarantine | Exit | Pause | Resume | Park
