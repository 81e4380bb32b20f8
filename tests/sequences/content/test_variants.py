"""Which variant a contact gets, and which lists of variants are refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sequences.content.variants import Variant, VariantError, choose_variant, read_variants

A = {"key": "A", "weight": 1, "subject": "First", "body": "One"}
B = {"key": "B", "weight": 1, "subject": "Second", "body": "Two"}
CONTACTS = range(1, 10_001)


def arms(**weights: int) -> tuple[Variant, ...]:
    return tuple(Variant(key, weight, key, key) for key, weight in weights.items())


def choices(offered: tuple[Variant, ...], step: int = 7) -> list[str]:
    return [chosen.key for each in CONTACTS if (chosen := choose_variant(each, step, offered))]


@pytest.mark.parametrize("weights", [{"A": 1, "B": 1}, {"A": 80, "B": 20}, {"A": 1, "B": 2, "C": 0, "D": 5}])
def test_shares_follow_the_weights_within_binomial_bounds(weights: dict[str, int]) -> None:
    found = choices(arms(**weights))
    for key, weight in weights.items():
        share = weight / sum(weights.values())
        bound = 4 * math.sqrt(len(CONTACTS) * share * (1 - share))
        assert abs(found.count(key) - len(CONTACTS) * share) <= bound


def test_a_new_variant_takes_contacts_only_for_itself() -> None:
    before, after = choices(arms(A=1, B=1)), choices(arms(A=1, B=1, C=1))
    moved = {(old, new) for old, new in zip(before, after, strict=True) if old != new}
    assert moved == {("A", "C"), ("B", "C")}


def test_the_choices_of_two_steps_are_independent() -> None:
    both = zip(choices(arms(A=1, B=1), 7), choices(arms(A=1, B=1), 8), strict=True)
    same = sum(one == other for one, other in both)
    assert abs(same - len(CONTACTS) / 2) <= 4 * math.sqrt(len(CONTACTS) / 4)


def test_who_has_a_variant_keeps_it_until_it_is_switched_off() -> None:
    for each in CONTACTS[:200]:
        assert choose_variant(each, 7, arms(A=1, B=1000), "A") == arms(A=1)[0]
        assert choose_variant(each, 7, arms(A=0, B=1), "A") == arms(B=1)[0]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("A", "must be a list"),
        ([A], "one variant alone has nothing to compare with"),
        ([A, A], "two variants have the key 'A'"),
        ([A, {**B, "weight": 0}, {**A, "key": "C", "wieght": 1}], "variant 3 has the unknown key 'wieght'"),
        ([A, {name: value for name, value in B.items() if name != "weight"}], "variant 2 has no weight"),
        ([A, {**B, "weight": -1}], "variant B: weight must be a whole number from 0 to 1000, not '-1'"),
        ([A, {**B, "weight": True}], "variant B: weight must be a whole number"),
        ([A, {**B, "weight": 1.5}], "variant B: weight must be a whole number"),
        ([{**A, "weight": 0}, {**B, "weight": 0}], "every variant has the weight 0"),
        ([A, {**B, "key": "b b"}], "key must be up to 32 letters"),
        ([A, {**B, "key": ""}], "key must be up to 32 letters"),
        ([A, {**B, "body": " "}], "variant B has no body"),
        ([A, {**B, "subject": "a\nb"}], "variant B: subject must be one line"),
        ([A, {**B, "subject": None}], "variant B: subject must be text"),
        ([A, "B"], "variant 2 must be"),
        ([{**A, "key": f"k{each}"} for each in range(11)], "there are 11 variants: 10 are allowed"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(raw: Any, text: str) -> None:
    with pytest.raises(VariantError) as refused:
        read_variants(raw)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)
