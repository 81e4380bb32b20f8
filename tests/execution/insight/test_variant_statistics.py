"""The rules for variants against a simulation: false alarms however often one looks, power at the stated sample."""

from __future__ import annotations

import math
import random

import pytest

from execution.insight.variant_statistics import (
    Count,
    evidence,
    find_better,
    find_harmful,
    needed_sends,
    ratio_interval,
    wilson_interval,
)
from execution.insight.variants import SEQUENTIAL_FACTOR

RUNS = 300


def first_alarm(rates: tuple[float, float], sends: int, rng: random.Random, share: float = 0.5) -> int | None:
    """After how many sends a difference is shown when one looks after every hit; None: never."""
    hits, sent = [0, 0], [0, 0]
    for count in range(1, sends + 1):
        arm = int(rng.random() >= share)
        sent[arm] += 1
        if rng.random() < rates[arm]:
            hits[arm] += 1
            if evidence(Count(hits[0], sent[0]), Count(hits[1], sent[1])) >= 20:
                return count
    return None


@pytest.mark.parametrize(("rate", "share"), [(0.02, 0.5), (0.1, 0.8)])
def test_without_a_difference_looking_all_the_time_shows_one_in_at_most_five_percent(rate: float, share: float) -> None:
    rng = random.Random(21)
    found = sum(first_alarm((rate, rate), 4000, rng, share) is not None for _ in range(RUNS))
    assert found / RUNS <= 0.05


def test_a_harmless_variant_is_stopped_in_at_most_five_percent() -> None:
    rng = random.Random(5)
    stopped = 0
    for _ in range(RUNS):
        counts = [[0, 0], [0, 0], [0, 0]]
        for _ in range(3000):
            arm = counts[rng.randrange(3)]
            arm[1] += 1
            if rng.random() < 0.03:
                arm[0] += 1
                if find_harmful([Count(*each) for each in counts]):
                    stopped += 1
                    break
    assert stopped / RUNS <= 0.05
    assert find_harmful([Count(60, 1000), Count(20, 1000), Count(20, 1000)]) == [0]


def test_the_stated_sample_finds_the_difference_in_four_of_five_runs() -> None:
    base, difference = 0.05, 0.05
    sends = needed_sends(base, difference)
    assert sends == 435
    rng = random.Random(8)
    found_at_the_end = found_when_looking = 0
    for _ in range(RUNS):
        one, other = (sum(rng.random() < rate for _ in range(sends)) for rate in (base, base + difference))
        middle = (one + other) / (2 * sends)
        z = abs(one - other) / sends / math.sqrt(2 * middle * (1 - middle) / sends)
        found_at_the_end += z > 1.96
        at = first_alarm((base, base + difference), math.ceil(2 * sends * SEQUENTIAL_FACTOR), rng)
        found_when_looking += at is not None
    assert 0.74 <= found_at_the_end / RUNS <= 0.87
    assert 0.74 <= found_when_looking / RUNS <= 0.9


def test_intervals() -> None:
    # Newcombe 1998, table I, and nothing known
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    low, high = ratio_interval(Count(60, 1000), Count(20, 1000))
    assert 1 < low < 3 < high
    assert ratio_interval(Count(0, 0), Count(0, 0)) == (0.0, math.inf)


def test_a_winner_is_better_than_each_other_one_and_few_hits_show_nothing() -> None:
    assert find_better([Count(20, 1000), Count(70, 1000)]) == 1
    assert find_better([Count(20, 1000), Count(70, 1000), Count(60, 1000)]) is None
    assert find_better([Count(0, 20), Count(9, 20)]) is None
    assert find_better([]) is None
