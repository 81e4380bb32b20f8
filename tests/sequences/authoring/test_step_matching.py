"""Which step of an edited sequence matches which stored step."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.step_fields import StepDraft
from sequences.authoring.step_matching import adopt_ids, match_steps


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


def test_unchanged_steps_keep_their_identity() -> None:
    assert match("e1 t1 e2", "e1 t1 e2") == [0, 1, 2]


def test_an_inserted_step_changes_no_other_match() -> None:
    assert match("e1 t1 e2", "e1 d1 t1 e9 e2") == [0, None, 1, None, 2]


def test_a_removed_step_has_no_match() -> None:
    assert match("e1 t1 e2", "e1 e2") == [0, 2]


def test_a_changed_step_in_its_place_keeps_its_identity() -> None:
    assert match("e1 t1 e2", "e1 t9 e2") == [0, 1, 2]
    assert match("e1 e2 e3", "e1 e9 e3") == [0, 1, 2]


def test_a_step_of_another_type_is_another_step() -> None:
    assert match("e1 t1 e2", "e1 d1 e2") == [0, None, 2]


def test_steps_that_swap_places_keep_their_identity() -> None:
    assert sorted(place for place in match("e1 t1 e2", "e2 e1 t1") if place is not None) == [0, 1, 2]


def test_steps_are_matched_by_name_through_changes() -> None:
    old = SequenceDraft("x", steps=tuple(replace(step, name=step.body) for step in steps("t1 t2 t3", "o").steps))
    new = SequenceDraft(
        "x", steps=tuple(replace(step, name=step.body, instructions="new") for step in steps("t3 t1", "n").steps)
    )
    assert match_steps(old, new) == {"n0": "o2", "n1": "o0"}


_words = st.lists(st.sampled_from(["e1", "e2", "t1", "t2", "d1"]), max_size=8).map(" ".join)


@given(_words, _words)
def test_a_step_is_matched_once_and_within_its_type(old: str, new: str) -> None:
    found = [(there, here) for there, here in enumerate(match(old, new)) if here is not None]
    assert len({here for _, here in found}) == len(found)
    assert all(new.split()[there][0] == old.split()[here][0] for there, here in found)


@given(_words)
def test_what_did_not_change_is_matched_completely(words: str) -> None:
    assert match(words, words) == list(range(len(words.split())))


TEXTS = {
    "Ferry": "The ferry leaves at nine from pier four.",
    "Bridge": "The bridge is the other way across, and free.",
    "Tunnel": "The tunnel is new, and dark.",
    "Ford": "At low water there is a ford.",
}


def emails(*names: str, prefix: str = "n", **texts: str) -> tuple[StepDraft, ...]:
    """With delays that stay with the places, whatever stands there."""
    return tuple(
        StepDraft(f"{prefix}{place}", "email", subject=name, body=(TEXTS | texts)[name], delay_days=place)
        for place, name in enumerate(names)
    )


@given(st.permutations(list(TEXTS)), st.permutations(list(TEXTS)))
def test_texts_are_matched_at_any_position_with_any_delay(old: list[str], new: list[str]) -> None:
    found = match_steps(SequenceDraft("x", steps=emails(*old, prefix="o")), SequenceDraft("x", steps=emails(*new)))
    assert {there: old[int(here[1:])] for there, here in found.items()} == {f"n{n}": name for n, name in enumerate(new)}


def test_a_text_that_moved_and_was_corrected_is_the_same() -> None:
    old = SequenceDraft("x", steps=emails("Ferry", "Bridge", "Tunnel", prefix="o"))
    new = emails("Bridge", "Ferry", "Tunnel", Ferry="The ferry leaves at ten from pier four!")
    assert match_steps(old, SequenceDraft("x", steps=new)) == {"n0": "o1", "n1": "o0", "n2": "o2"}


def test_a_typing_error_in_a_short_text_is_a_correction() -> None:
    old = (StepDraft("o0", "email", subject="Hello", body="Wecome back"), *emails("Ford", prefix="p"))
    new = (*emails("Ford"), StepDraft("n1", "email", subject="Hello", body="Welcome back"))
    assert match_steps(SequenceDraft("x", steps=old), SequenceDraft("x", steps=new)) == {"n0": "p0", "n1": "o0"}


def test_ids_win_over_texts_and_a_step_without_one_is_new_in_its_place() -> None:
    old = SequenceDraft("x", steps=emails("Ferry", "Bridge", "Tunnel", prefix="1"))
    swapped = tuple(replace(step, key=key) for step, key in zip(emails("Bridge", "Ferry"), ("10", "11"), strict=True))
    other = StepDraft("mine", "email", subject="Other", body="Quite another text.")
    adopted, became = adopt_ids(old, SequenceDraft("x", steps=(*swapped, other)), keys_are_ids=True)
    assert became == {"10": "10", "11": "11", "mine": "mine"}
    assert [step.key for step in adopted.steps] == ["10", "11", "mine"]


def test_gotos_follow_their_steps_and_keys_are_not_ids() -> None:
    old = SequenceDraft("x", steps=emails("Ferry", "Bridge", prefix="1"))
    split = StepDraft("s", "conditional_split", condition_type="email_opened", if_true="10", if_false="b")
    new = StepDraft("10", "email", subject="Other", body="Quite another text.")
    moved = replace(emails("Ferry")[0], key="b")
    adopted, became = adopt_ids(old, SequenceDraft("x", steps=(split, moved, new)), keys_are_ids=False)
    assert became["b"] == "10"
    assert (adopted.steps[0].if_true, adopted.steps[0].if_false) == (became["10"], "10")
    assert became["10"] != "10"


def test_many_rewritten_texts_stay_in_their_places() -> None:
    old = SequenceDraft("x", steps=tuple(StepDraft(f"o{n}", "email", body=f"{'old ' * 300}{n}") for n in range(200)))
    new = SequenceDraft("x", steps=tuple(StepDraft(f"n{n}", "email", body=f"{'new ' * 300}{n}") for n in range(200)))
    assert match_steps(old, new) == {f"n{n}": f"o{n}" for n in range(200)}
