"""Everything `decide` may read, frozen: one enrollment with the facts known about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from emails.facts.stops import Resting, StopFacts
from sequences.authoring.goals import Goal
from sequences.authoring.step_config import SplitConfig, StepConfig
from sequences.choices import EnrollmentStatus
from sequences.time.contact_calendar import ContactCalendar
from sequences.time.timing import StepTiming, Window


@dataclass(frozen=True, slots=True)
class StepFacts:
    id: int
    number: int
    type: str
    name: str
    timing: StepTiming
    config: StepConfig


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """`steps` are in the order of their numbers. `goal` None: the sequence has none."""

    id: int
    name: str
    status: str
    window: Window
    on_reply: str
    steps: tuple[StepFacts, ...]
    goal: Goal | None = None
    requires_approval: bool = False

    def step(self, step_id: int | None) -> StepFacts | None:
        for step in self.steps:
            if step.id == step_id:
                return step
        return None

    def step_after(self, step: StepFacts) -> StepFacts | None:
        return next((later for later in self.steps if later.number > step.number), None)

    def reachable_steps(self) -> tuple[StepFacts, ...]:
        """The steps that some path leads to from the first one, in the order of their numbers."""
        ahead, reached = list(self.steps[:1]), set[int]()
        while ahead:
            found = ahead.pop()
            if found.id not in reached:
                reached.add(found.id)
                ahead += self._follow(found)
        return tuple(step for step in self.steps if step.id in reached)

    def comes_again(self, step: StepFacts) -> bool:
        """Whether the step is part of a loop, in which an enrollment runs it again by design."""
        ahead, seen = self._follow(step), set[int]()
        while ahead:
            found = ahead.pop()
            if found.id == step.id:
                return True
            if found.id not in seen:
                seen.add(found.id)
                ahead += self._follow(found)
        return False

    def _follow(self, step: StepFacts) -> list[StepFacts]:
        if isinstance(step.config, SplitConfig):
            ahead = [self.step(step.config.if_true), self.step(step.config.if_false)]
        else:
            ahead = [self.step_after(step)]
        return [found for found in ahead if found is not None]


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """The message of the current step run; under quarantine for an unknown outcome, the message of that outcome."""

    id: int
    status: str
    attempts: int
    sent_at: datetime | None
    failed_at: datetime | None
    unknown_at: datetime | None
    error_class: str
    error: str
    error_trace: str
    withheld_reason: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """The task of the current step run, or the last task before it."""

    id: int
    status: str
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastEmail:
    """The last email sent before the current step, and the first human signal of each kind on it.

    Pending are visits that have not been classified as human or machine yet.
    """

    sent_at: datetime
    opened_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    open_pending_at: datetime | None = None
    click_pending_at: datetime | None = None


class Snapshot(NamedTuple):
    """One enrollment. Times are aware UTC. A tuple, since a frozen dataclass takes three times as long to create.

    The columns that keep their names come first. `has_run`: an earlier run of the current step has sent its email, or
    may have, or has created its task. `earlier_variant`: the one that such a run sent.
    """

    id: int
    workspace_id: int
    contact_id: int
    mailbox_id: int | None
    owner_id: int | None
    current_step_id: int | None
    visit: int
    previous_ended_at: datetime
    next_step_at: datetime | None
    priority: int
    retry_count: int
    retry_at: datetime | None
    instant_transitions: int
    resume_at: datetime | None
    resumed_at: datetime | None
    enrolled_at: datetime
    emails_sent: int
    engagement_score: int
    quarantine_class: str | None
    status: EnrollmentStatus
    recipient: str
    merge_fields: Mapping[str, object]
    calendar: ContactCalendar
    account_policy: str
    account_delay_days: int
    evidence_possible: bool
    sequence: SequenceFacts
    stops: StopFacts
    resting: Resting
    message: MessageFacts | None
    task: TaskFacts | None
    last_email: LastEmail | None
    last_task: TaskFacts | None
    has_run: bool
    earlier_variant: str = ""


STORED_FIELDS = Snapshot._fields[: Snapshot._fields.index("status")]
