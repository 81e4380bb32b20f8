"""Which step of an edited sequence is which stored one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.step_fields import StepDraft
from sequences.authoring.step_matching import match_steps


def steps(words: str, prefix: str) -> SequenceDraft:
    """Two letters a step: the type (e, t, d) and its content."""
    kinds = {"e": "email", "t": "task", "d": "delay"}
    found = [
        StepDraft(key=f"{prefix}{place}", type=kinds[word[0]], body=word[1:])
        for place, word in enumerate(words.split())
    ]
    return SequenceDraft(name="x", steps=tuple(found))


def match(old: str, new: str) -> list[int | None]:
    """For each new step the place of the old one that it is."""
    found = match_steps(steps(old, "o"), steps(new, "n"))
    places = [found.get(f"n{place}") for place in range(len(new.split()))]
    return [None if key is None else int(key[1:]) for key in places]


def test_steps_that_stay_are_themselves() -> None:
    assert match("e1 t1 e2", "e1 t1 e2") == [0, 1, 2]


def test_an_inserted_step_moves_no_other() -> None:
    assert match("e1 t1 e2", "e1 d1 t1 e9 e2") == [0, None, 1, None, 2]


def test_a_removed_step_is_nobody() -> None:
    assert match("e1 t1 e2", "e1 e2") == [0, 2]


def test_a_changed_step_in_its_place_is_itself() -> None:
    assert match("e1 t1 e2", "e1 t9 e2") == [0, 1, 2]
    assert match("e1 e2 e3", "e1 e9 e3") == [0, 1, 2]


def test_a_step_of_another_type_is_another_step() -> None:
    assert match("e1 t1 e2", "e1 d1 e2") == [0, None, 2]


def test_steps_that_change_places_stay_themselves() -> None:
    assert sorted(place for place in match("e1 t1 e2", "e2 e1 t1") if place is not None) == [0, 1, 2]


def test_a_name_is_followed_through_changes() -> None:
    old = SequenceDraft("x", steps=tuple(replace(step, name=step.body) for step in steps("t1 t2 t3", "o").steps))
    new = SequenceDraft(
        "x", steps=tuple(replace(step, name=step.body, instructions="new") for step in steps("t3 t1", "n").steps)
    )
    assert match_steps(old, new) == {"n0": "o2", "n1": "o0"}


_words = st.lists(st.sampled_from(["e1", "e2", "t1", "t2", "d1"]), max_size=8).map(" ".join)


@given(_words, _words)
def test_no_step_is_two_and_no_type_changes(old: str, new: str) -> None:
    found = [(there, here) for there, here in enumerate(match(old, new)) if here is not None]
    assert len({here for _, here in found}) == len(found)
    assert all(new.split()[there][0] == old.split()[here][0] for there, here in found)


@given(_words)
def test_what_did_not_change_is_matched_completely(words: str) -> None:
    assert match(words, words) == list(range(len(words.split())))
