"""The next email of an enrollment, by the planning of the engine, and when its sequence ends.

A forecast assumes that nothing comes back: branches that wait for an open, a click or a reply take No when their time
is up, and tasks are completed when they are due. Fields and scores are compared as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from emails.facts.scoring import hot_priority
from emails.pacing.limits import Candidate
from emails.sending.lane_plan import lane_order
from execution.engine.calendar import calendar_for
from execution.engine.decide import RUNAWAY_TRANSITIONS
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.authoring.goals import compare_field, field_value
from sequences.authoring.step_config import Broken, EmailConfig, SplitConfig, TaskConfig
from sequences.choices import ConditionType
from sequences.time.contact_calendar import ContactCalendar
from sequences.time.timing import Calendar, TimingError, next_allowed, plan


class SendingRules:
    """The timing rules of an email, one object for all emails that share them."""

    def __init__(self, calendar: Calendar, *, skip_weekends: bool, never: datetime) -> None:
        self._calendar, self._skip_weekends, self._never = calendar, skip_weekends, never

    def opening(self, at: datetime) -> datetime:
        """The next time from `at` on at which they allow it; `never` where they contradict each other."""
        try:
            return next_allowed(at, self._calendar, skip_weekends=self._skip_weekends).at
        except TimingError:
            return self._never


@dataclass(frozen=True, slots=True)
class Traveller:
    """An enrollment. `candidate`: how caps see its emails, `message_id` being the id of the enrollment."""

    candidate: Candidate
    sequence: SequenceFacts
    calendar: ContactCalendar
    merge_fields: Mapping[str, object]
    engagement_score: int
    priority: int


@dataclass(frozen=True, slots=True)
class WantedEmail:
    """`due_at`: when its step is due; `ready_at`: the same, and not before now. `sent_steps`: those sent before it."""

    traveller: Traveller
    step: StepFacts
    candidate: Candidate
    due_at: datetime
    ready_at: datetime
    order: datetime
    opening: Callable[[datetime], datetime]
    sent_steps: frozenset[int]


class Journeys:
    """Walks the sequences from one email to the next. `ended` has when each enrollment's last step ended.

    An enrollment that will need a review (a step or timing rule that cannot work) ends without a time.
    """

    def __init__(self, now: datetime, never: datetime) -> None:
        self.ended: dict[int, datetime | None] = {}
        self._now, self._never = now, never
        self._rules: dict[tuple[Calendar, bool], SendingRules] = {}

    def follow(self, email: WantedEmail, sent_at: datetime) -> WantedEmail | None:
        """The email after one that was sent at that time; None when there is none."""
        traveller = email.traveller
        if email.candidate.is_first_touch:
            traveller = replace(traveller, candidate=replace(traveller.candidate, is_first_touch=False))
        step = traveller.sequence.step_after(email.step)
        return self.walk(traveller, step, sent_at, email.sent_steps | {email.step.id}, last_email_at=sent_at)

    def walk(
        self,
        traveller: Traveller,
        step: StepFacts | None,
        ended_at: datetime,
        sent_steps: frozenset[int],
        *,
        last_email_at: datetime | None = None,
        due_at: datetime | None = None,
    ) -> WantedEmail | None:
        """The first email from `step` on. `ended_at`: when the step before it ended; `due_at`: its time, if known."""
        last_task_at: datetime | None = None
        floor = ended_at
        try:
            for _ in range(RUNAWAY_TRANSITIONS):
                if step is None:
                    self.ended[traveller.candidate.message_id] = ended_at
                    return None
                calendar = calendar_for(step.type, traveller.sequence.window, traveller.calendar)
                at = max(due_at or plan(ended_at, step.timing, calendar).at, floor)
                floor, due_at = at, None
                match step.config:
                    case EmailConfig(repeat=repeat):
                        if repeat or step.id not in sent_steps:
                            return self.want(traveller, step, at, sent_steps)
                        # the engine skips the same text: the next delay counts from the step before
                        step = traveller.sequence.step_after(step)
                    case SplitConfig():
                        step, ended_at = _branch(step.config, traveller, at, last_email_at, last_task_at)
                    case Broken():
                        break
                    case config:
                        ended_at = at
                        if isinstance(config, TaskConfig):
                            last_task_at = at
                        step = traveller.sequence.step_after(step)
        except TimingError:
            pass
        self.ended[traveller.candidate.message_id] = None
        return None

    def want(self, traveller: Traveller, step: StepFacts, due_at: datetime, sent_steps: frozenset[int]) -> WantedEmail:
        is_first = traveller.candidate.is_first_touch
        rank = hot_priority(traveller.priority, traveller.engagement_score)
        return WantedEmail(
            traveller=traveller,
            step=step,
            candidate=traveller.candidate,
            due_at=due_at,
            ready_at=max(due_at, self._now),
            order=lane_order(due_at, rank, is_first_touch=is_first),
            opening=self._rules_of(traveller, step).opening,
            sent_steps=sent_steps,
        )

    def _rules_of(self, traveller: Traveller, step: StepFacts) -> SendingRules:
        skip_weekends = step.timing.skip_weekends
        key = (calendar_for(step.type, traveller.sequence.window, traveller.calendar), skip_weekends)
        if key not in self._rules:
            self._rules[key] = SendingRules(key[0], skip_weekends=skip_weekends, never=self._never)
        return self._rules[key]


def _branch(
    config: SplitConfig,
    traveller: Traveller,
    due_at: datetime,
    last_email_at: datetime | None,
    last_task_at: datetime | None,
) -> tuple[StepFacts | None, datetime]:
    """The step that follows, and when the branch is taken."""
    match config.condition:
        case ConditionType.CONTACT_FIELD:
            is_true = compare_field(field_value(traveller.merge_fields, config.field), config.operator, config.value)
        case ConditionType.ENGAGEMENT_SCORE:
            is_true = compare_field(traveller.engagement_score, config.operator, config.value)
        case ConditionType.TASK_COMPLETED:
            is_true = last_task_at is not None
        case _:
            is_true = False
    if is_true:
        return traveller.sequence.step(config.if_true), due_at
    started_at = last_email_at or last_task_at or due_at
    return traveller.sequence.step(config.if_false), max(started_at + config.wait, due_at)
