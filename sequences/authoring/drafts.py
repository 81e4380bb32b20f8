"""A sequence as it is meant to become: the one form that files, the API and validation share. Pure.

Steps are addressed by `key`, a word that lives inside the draft only; the code that stores it turns keys into ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from sequences.authoring.step_fields import StepDraft
from sequences.choices import OnReply

DEFAULT_PRIORITY = 50


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
    on_reply: str = OnReply.STOP.value
    goal: Mapping[str, object] = field(default_factory=dict)
    requires_approval: bool = False
    steps: tuple[StepDraft, ...] = ()


#: The fields of a sequence beside its steps, under their names in the model and the API.
SEQUENCE_FIELDS = tuple(each.name for each in fields(SequenceDraft) if each.name != "steps")
