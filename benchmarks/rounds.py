"""Contestants take turns within one run; only their ratios count, since a shared machine changes its speed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Rates = dict[str, list[float]]


class WrongResultError(RuntimeError):
    """A contestant did not do the measured work."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """`run` prepares its tables, works, checks the result, and returns its rate."""

    name: str
    run: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        kept = list(values)
        return cls(statistics.median(kept), min(kept), max(kept))


def take_turns(rounds: int, contestants: Sequence[Contestant], tell: Callable[[str], None]) -> Rates:
    """Rates of each contestant, round by round, every other round in reverse order."""
    rates: Rates = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        for contestant in contestants if number % 2 == 0 else reversed(contestants):
            tell(f"round {number + 1} of {rounds}: {contestant.name}")
            rates[contestant.name].append(contestant.run())
    return rates


def ratio(rates: Mapping[str, Sequence[float]], ours: str, theirs: str) -> Spread:
    """Ratios, round by round."""
    return Spread.of(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))


def best(rates: Mapping[str, Sequence[float]], names: Iterable[str]) -> str | None:
    """The contestant with the highest median."""
    there = [name for name in names if name in rates]
    return max(there, key=lambda name: statistics.median(rates[name]), default=None)
