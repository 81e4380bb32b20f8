"""A sequence as it is meant to become: the one form that files, the API and validation share. Pure.

Steps are addressed by `key`, a word that lives inside the draft only; whoever stores it turns keys into identities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from sequences.choices import StepType, TaskPriority, TaskType

MAX_DELAY = timedelta(days=730)
DEFAULT_PRIORITY = 50


@dataclass(frozen=True, slots=True)
class StepDraft:
    """The columns of one step. `if_true` and `if_false` are keys; None ends the sequence."""

    key: str
    type: str
    name: str = ""
    delay_days: int = 0
    delay_hours: int = 0
    delay_minutes: int = 0
    skip_weekends: bool = False
    send_time: time | None = None
    subject: str = ""
    body: str = ""
    task_type: str = TaskType.GENERIC.value
    task_priority: str = TaskPriority.NORMAL.value
    instructions: str = ""
    wait_for_completion: bool = False
    condition_type: str = ""
    condition_config: Mapping[str, object] = field(default_factory=dict)
    if_true: str | None = None
    if_false: str | None = None

    @property
    def delay(self) -> timedelta:
        return timedelta(days=self.delay_days, hours=self.delay_hours, minutes=self.delay_minutes)

    @property
    def is_split(self) -> bool:
        return self.type == StepType.CONDITIONAL_SPLIT


@dataclass(frozen=True, slots=True)
class SequenceDraft:
    """Steps stand in their order; the number of a step is its place, counted from 1.

    `track_opens` and `track_clicks` None: as the workspace has it.
    """

    name: str
    description: str = ""
    window: Mapping[str, object] = field(default_factory=dict)
    priority: int = DEFAULT_PRIORITY
    track_opens: bool | None = None
    track_clicks: bool | None = None
    steps: tuple[StepDraft, ...] = ()
