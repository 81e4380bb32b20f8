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
    """One line of the execution log, about the step the enrollment stood at."""

    action: LogAction
    message: str
    status: LogStatus = LogStatus.OK
    error: str = ""
    actor: str = ENGINE
    details: Mapping[str, object] = _NOTHING


class QueueEmail(NamedTuple):
    """Put the current step's email into the outbox, once per step run."""

    recipient: str
    mailbox_id: int
    priority: int
    due_at: datetime
    is_first_touch: bool


class RequeueEmail(NamedTuple):
    """Let a failed or withheld message of this step run be tried again: the same row, the same Message-ID."""

    message_id: int


class CreateTask(NamedTuple):
    """Give the owner work. `title` and `instructions` are rendered."""

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
    """The step is under way: look again at `wake_at`, or only when a fact wakes it (None)."""

    wake_at: datetime | None
    effects: tuple[Effect, ...] = ()
    log: LogLine | None = None


class Defer(NamedTuple):
    """Due, but not now: the step may run at `until`. Costs no attempt."""

    until: datetime
    log: LogLine


class Retry(NamedTuple):
    """The step failed; attempt `retry_count` + 1 comes at `retry_at`."""

    retry_at: datetime
    retry_count: int
    log: LogLine


class Quarantine(NamedTuple):
    """Out of the queue until a person looks."""

    error_class: str
    error: str
    log: LogLine
    trace: str = ""
    facts: Mapping[str, object] = _NOTHING


class Exit(NamedTuple):
    """Stopped early. Unsent messages are withdrawn and open tasks cancelled."""

    reason: ExitReason
    log: LogLine
    resolution: Resolution = Resolution.EXITED


class Pause(NamedTuple):
    """A fact asks for a rest: out of office, soft bounces, a colleague's reply."""

    reason: str
    resume_at: datetime | None
    log: LogLine


class Resume(NamedTuple):
    """A rest is over, or what quarantined it is resolved: go on from the same step.

    `tries_again`: what failed is tried at once, and counts its attempts anew.
    """

    next_step_at: datetime
    log: LogLine
    tries_again: bool = False


class Park(NamedTuple):
    """Nothing to do until a fact or a person wakes it, or until `wake_at`."""

    wake_at: datetime | None = None


Outcome = Advance | Complete | Wait | Defer | Retry | Quarantine | Exit | Pause | Resume | Park
