"""The statistics of variants: intervals, how many sends a difference needs, and when one is shown. Pure.

docs/variants.md explains each of them with its source, and tests/execution/insight simulates them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.8
#: Fewer hits than this are never called a difference.
FEWEST_HITS = 10
# How closely the mixture of alternatives lies around "no difference": as if so many hits had been seen already.
_PRIOR = 10.0


@dataclass(frozen=True, slots=True)
class Count:
    """Of the emails of one variant that were delivered (or sent), how many had the event in question."""

    hits: int
    sends: int

    @property
    def rate(self) -> float:
        return self.hits / self.sends if self.sends else 0.0


def wilson_interval(hits: int, sends: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a share (Wilson 1927). Without sends nothing is known: from 0 to 1."""
    if not sends:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf(0.5 + confidence / 2)
    share = hits / sends
    middle = share + z * z / (2 * sends)
    spread = z * math.sqrt(share * (1 - share) / sends + z * z / (4 * sends * sends))
    scale = 1 + z * z / sends
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def needed_sends(base_rate: float, difference: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """How many sends each of two variants needs for a test of two proportions (Fleiss, Levin and Paik 2003, 4.14).

    The rates are `base_rate` and `base_rate + difference`, each between 0 and 1; raises `ValueError` otherwise.
    """
    other = base_rate + difference
    if not (0 <= base_rate <= 1 and 0 <= other <= 1 and difference):
        raise ValueError("both rates must be from 0 to 1, and differ")
    middle = (base_rate + other) / 2
    by_chance = _NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    by_power = _NORMAL.inv_cdf(power) * math.sqrt(base_rate * (1 - base_rate) + other * (1 - other))
    return math.ceil((by_chance + by_power) ** 2 / difference**2)


def evidence(one: Count, other: Count) -> float:
    """How much better "their rates differ" explains what was seen than "they are the same", as a test martingale.

    Where the rates are the same, every hit is of `one` with the probability of its share of the sends, whatever the
    rate. The beta mixture of alternatives (Robbins 1970) then is a martingale that begins at 1: however often one
    looks, the probability that it ever reaches 1 / alpha is alpha at most (Ville 1939).
    """
    if not one.sends or not other.sends or one.hits + other.hits < FEWEST_HITS:
        return 1.0
    share = one.sends / (one.sends + other.sends)
    prior_one, prior_other = _PRIOR * share, _PRIOR * (1 - share)
    log_mixture = _log_beta(prior_one + one.hits, prior_other + other.hits) - _log_beta(prior_one, prior_other)
    log_same = one.hits * math.log(share) + other.hits * math.log(1 - share)
    return math.exp(min(log_mixture - log_same, 700.0))


def is_shown(one: Count, other: Count, alpha: float = ALPHA) -> bool:
    """Whether the rates differ, with at most `alpha` false alarms over all looks ever taken."""
    return evidence(one, other) >= 1 / alpha


def ratio_interval(one: Count, other: Count, alpha: float = ALPHA) -> tuple[float, float]:
    """By which factor the rate of `one` is that of `other`: an interval that holds at all looks at once.

    All ratios that the mixture does not refute; from 0 to infinity where nothing is known.
    """
    if not one.sends or not other.sends or not one.hits + other.hits:
        return 0.0, math.inf
    share = one.sends / (one.sends + other.sends)
    prior_one, prior_other = _PRIOR * share, _PRIOR * (1 - share)
    log_mixture = _log_beta(prior_one + one.hits, prior_other + other.hits) - _log_beta(prior_one, prior_other)
    best = one.hits / (one.hits + other.hits)

    def is_refuted(theta: float) -> bool:
        log_here = one.hits * math.log(theta) + other.hits * math.log(1 - theta)
        return log_mixture - log_here >= math.log(1 / alpha)

    tiny = 1e-12
    low = _bisect(tiny, best, is_refuted) if one.hits else 0.0
    high = _bisect(1 - tiny, best, is_refuted) if other.hits else 1.0
    odds = (1 - share) / share
    return low / (1 - low) * odds, high / (1 - high) * odds if high < 1 else math.inf


def find_better(counts: Sequence[Count], alpha: float = ALPHA) -> int | None:
    """The place of the variant that is better than each of the others; None: no difference is shown yet.

    `alpha` is divided by the number of pairs (Bonferroni), so it holds for all of them together.
    """
    pairs = max(len(counts) * (len(counts) - 1) // 2, 1)
    best = max(range(len(counts)), key=lambda place: counts[place].rate, default=None)
    if best is None or len(counts) < 2:
        return None
    others = [each for place, each in enumerate(counts) if place != best]
    return best if all(is_shown(counts[best], each, alpha / pairs) for each in others) else None


def find_harmful(counts: Sequence[Count], alpha: float = ALPHA) -> list[int]:
    """The places of variants that do clearly more harm than the others together.

    Hits are opt-outs, complaints and bounces. `alpha` is divided by the number of variants.
    """
    found = []
    for place, one in enumerate(counts):
        rest = [each for other, each in enumerate(counts) if other != place]
        others = Count(sum(each.hits for each in rest), sum(each.sends for each in rest))
        if one.rate > others.rate and is_shown(one, others, alpha / len(counts)):
            found.append(place)
    return found


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)


def _bisect(refuted: float, kept: float, is_refuted: Callable[[float], bool]) -> float:
    """The bound between a value that is refuted and one that is not."""
    if not is_refuted(refuted):
        return refuted
    for _ in range(60):
        middle = (refuted + kept) / 2
        if is_refuted(middle):
            refuted = middle
        else:
            kept = middle
    return kept
