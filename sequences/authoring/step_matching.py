"""Which step of an edited sequence is which stored step, so that editing moves nobody. Pure.

A step that stayed as it was keeps its identity wherever it stands; a changed one keeps it when its type stands in the
same gap between steps that stayed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.step_fields import StepDraft


def match_steps(old: SequenceDraft, new: SequenceDraft) -> dict[str, str]:
    """Keys of the new steps to keys of the old ones; a new step without an entry is new, an old one gone."""
    matches: dict[int, int] = {}
    contents = SequenceMatcher(None, _contents(old.steps), _contents(new.steps), autojunk=False)
    for block in contents.get_matching_blocks():
        for offset in range(block.size):
            matches[block.b + offset] = block.a + offset
    _match_moved(old.steps, new.steps, matches)
    _match_changed(old.steps, new.steps, matches)
    return {new.steps[there].key: old.steps[here].key for there, here in matches.items()}


def _contents(steps: Sequence[StepDraft]) -> list[Hashable]:
    return [
        (
            step.type,
            step.name,
            step.delay,
            step.send_time,
            step.subject,
            step.body,
            step.task_type,
            step.instructions,
            step.condition_type,
            tuple(sorted((key, str(value)) for key, value in step.condition_config.items())),
        )
        for step in steps
    ]


def _match_moved(old: Sequence[StepDraft], new: Sequence[StepDraft], matches: dict[int, int]) -> None:
    taken = set(matches.values())
    free: dict[Hashable, list[int]] = {}
    for here, content in enumerate(_contents(old)):
        if here not in taken:
            free.setdefault(content, []).append(here)
    for there, content in enumerate(_contents(new)):
        if there not in matches and free.get(content):
            matches[there] = free[content].pop(0)


def _match_changed(old: Sequence[StepDraft], new: Sequence[StepDraft], matches: dict[int, int]) -> None:
    taken = set(matches.values())
    by_name = {(step.type, step.name): here for here, step in enumerate(old) if here not in taken and step.name}
    for there, step in enumerate(new):
        here = by_name.pop((step.type, step.name), None) if there not in matches else None
        if here is not None:
            matches[there] = here
    taken = set(matches.values())
    after = -1
    for there, step in enumerate(new):
        if there in matches:
            after = max(after, matches[there])
            continue
        ahead = [here for later, here in matches.items() if later > there and here > after]
        before = min(ahead, default=len(old))
        for here in range(after + 1, before):
            if here not in taken and old[here].type == step.type:
                matches[there] = here
                taken.add(here)
                after = here
                break
