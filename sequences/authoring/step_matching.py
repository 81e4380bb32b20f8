"""Which step of an edited sequence is which stored step, so that an edit moves no enrollment needlessly. Pure.

In this order, each only for what is still without a match, and never across types:

1. a step whose key is the id of a stored step is that step
2. the same text, wherever it stands; texts are compared without their delays, times and names
3. a corrected text: most words, or nearly all letters, are the same
4. the same name
5. the same gap between steps that are matched: a text that was rewritten in its place

Rules 4 and 5 hold only where no step names an id: an author who names some means the others to be new.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.step_fields import STEP_FIELDS, Kind, StepDraft
from sequences.choices import StepType

# From here on two texts are the same one with corrections. Letters tell a typing error in a text of few words.
_SAME_WORDS = 0.7
_SAME_LETTERS = 0.9
_FEW_WORDS = 20
# Bounds the work for long sequences: beyond so many pairs only steps up to this distance are compared.
_FAR = 30
_MANY_PAIRS = 10_000
_LONGEST_COMPARED = 4_000
_WORD = re.compile(r"\w+")
# By type, the fields that a reader gets, and those of them that are texts. The name of a task is its title.
_CONTENTS = {
    step_type.value: tuple(
        spec
        for spec in STEP_FIELDS
        if spec.template_of is step_type or (spec.is_content and spec.is_used_by(step_type))
    )
    for step_type in StepType
}
_TEXTS = {
    step_type: tuple(spec.name for spec in specs if spec.kind in {Kind.TEXT, Kind.LONG_TEXT})
    for step_type, specs in _CONTENTS.items()
}


def adopt_ids(
    stored: SequenceDraft, edited: SequenceDraft, *, keys_are_ids: bool
) -> tuple[SequenceDraft, dict[str, str]]:
    """The edited draft with the ids of stored steps as the keys of those it has kept, and what each key became.

    `keys_are_ids`: a key that is the id of a stored step means that step; otherwise keys mean nothing outside.
    """
    ids = {step.key for step in stored.steps}
    given = {step.key: step.key for step in edited.steps if keys_are_ids and step.key in ids}
    matches = given | match_steps(stored, edited, given)
    # a key that only looks like an id must not be taken for one
    became = {
        step.key: matches.get(step.key, f"new-{step.key}" if step.key in ids else step.key) for step in edited.steps
    }
    steps = tuple(
        replace(
            step,
            key=became[step.key],
            if_true=became.get(step.if_true, step.if_true) if step.if_true else None,
            if_false=became.get(step.if_false, step.if_false) if step.if_false else None,
        )
        for step in edited.steps
    )
    return replace(edited, steps=steps), became


def match_steps(old: SequenceDraft, new: SequenceDraft, given: dict[str, str] | None = None) -> dict[str, str]:
    """Keys of the new steps to keys of the old ones; a new step without an entry is new, an old one removed.

    `given` are matches that are known already, by key; they are part of the result.
    """
    matching = _Matching(old.steps, new.steps)
    places = {step.key: here for here, step in enumerate(old.steps)}
    for there, step in enumerate(new.steps):
        if given and step.key in given:
            matching.add(there, places[given[step.key]])
    _match_same(matching)
    _match_corrected(matching)
    if not given:
        _match_named(matching)
        _match_in_place(matching)
    return {new.steps[there].key: old.steps[here].key for there, here in matching.found.items()}


class _Matching:
    """Places in the old and the new order, and which of them are matched: `found` maps new places to old ones."""

    def __init__(self, old: Sequence[StepDraft], new: Sequence[StepDraft]) -> None:
        self.old, self.new = old, new
        self.found: dict[int, int] = {}
        self._taken: set[int] = set()

    def add(self, there: int, here: int) -> None:
        self.found[there] = here
        self._taken.add(here)

    def open_old(self) -> list[int]:
        return [here for here in range(len(self.old)) if here not in self._taken]

    def open_new(self) -> list[int]:
        return [there for there in range(len(self.new)) if there not in self.found]


def _match_same(matching: _Matching) -> None:
    # of several with one content those in the same order first, then any
    old = [_content(matching.old[here]) for here in matching.open_old()]
    new = [_content(matching.new[there]) for there in matching.open_new()]
    open_old, open_new = matching.open_old(), matching.open_new()
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            matching.add(open_new[block.b + offset], open_old[block.a + offset])
    free: dict[Hashable, list[int]] = {}
    for here in matching.open_old():
        free.setdefault(_content(matching.old[here]), []).append(here)
    for there in matching.open_new():
        if found := free.get(_content(matching.new[there])):
            matching.add(there, found.pop(0))


def _content(step: StepDraft) -> Hashable:
    """What a reader or the engine gets of a step. A delay has nothing but its length, a split only its question."""
    if step.type == StepType.DELAY:
        return step.type, step.delay
    if step.variants:
        return step.type, *sorted((key, _words(subject), _words(body)) for key, subject, body in step.texts)
    values = [getattr(step, spec.name) for spec in _CONTENTS.get(step.type, ()) if spec.kind is not Kind.VARIANTS]
    return step.type, *(_words(value) if isinstance(value, str) else repr(sorted(value.items())) for value in values)


def _match_corrected(matching: _Matching) -> None:
    pairs = sorted(_find_similar(matching), key=lambda pair: (-pair[0], abs(pair[1] - pair[2]), pair[1]))
    old, new = set(matching.open_old()), set(matching.open_new())
    for _, there, here in pairs:
        if there in new and here in old:
            matching.add(there, here)
            new.discard(there)
            old.discard(here)


def _find_similar(matching: _Matching) -> Iterator[tuple[float, int, int]]:
    """Pairs that are the same text with corrections, as (similarity, new place, old place)."""
    old = [(here, words, Counter(words)) for here in matching.open_old() if (words := _text(matching.old[here]))]
    new = [(there, words, Counter(words)) for there in matching.open_new() if (words := _text(matching.new[there]))]
    is_large = len(old) * len(new) > _MANY_PAIRS
    for there, words, counts in new:
        for here, others, other_counts in old:
            if matching.old[here].type != matching.new[there].type or (is_large and abs(here - there) > _FAR):
                continue
            shared = 2 * sum((counts & other_counts).values()) / (len(words) + len(others))
            if shared >= _SAME_WORDS and (found := _ratio(words, others)) >= _SAME_WORDS:
                yield found, there, here
                continue
            if max(len(words), len(others)) > _FEW_WORDS:
                continue
            if (found := _ratio(" ".join(words), " ".join(others))) >= _SAME_LETTERS:
                yield found, there, here


def _ratio(one: Sequence[str], other: Sequence[str]) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _text(step: StepDraft) -> list[str]:
    # a step that is given variants keeps its text as one of them, by custom the first
    own = (
        step.texts[0][1:]
        if step.type == StepType.EMAIL
        else [getattr(step, name) for name in _TEXTS.get(step.type, ())]
    )
    text = " ".join(own)
    return _words(text[:_LONGEST_COMPARED]).split()


def _words(text: str) -> str:
    """Without case, punctuation and the form of white space, which no reader takes for another text."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _match_named(matching: _Matching) -> None:
    by_name = {(step.type, step.name): here for here in matching.open_old() if (step := matching.old[here]).name}
    for there in matching.open_new():
        step = matching.new[there]
        here = by_name.pop((step.type, step.name), None)
        if here is not None:
            matching.add(there, here)


def _match_in_place(matching: _Matching) -> None:
    after = -1
    for there, step in enumerate(matching.new):
        if there in matching.found:
            after = max(after, matching.found[there])
            continue
        later = [here for place, here in matching.found.items() if place > there and here > after]
        before = min(later, default=len(matching.old))
        for here in matching.open_old():
            if after < here < before and matching.old[here].type == step.type:
                matching.add(there, here)
                after = here
                break
