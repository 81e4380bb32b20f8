"""Ranges of numbers that a loop of a template runs over: each number is charged to the budget. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from liquid import RenderContext
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LoopIterationLimitError

from sequences.liquid.budget import TOO_MANY_ITERATIONS, current_budget

# not so few that a million of them, which one statement of C keeps, fit into the budget
_NUMBER_UNITS = 10
_LARGEST_NUMBER = 2**60


class _Numbers(Sequence[int]):
    """Of a range. Each that a loop passes is charged, also those that `offset` and `reversed` go through at once."""

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        return self._numbers[place]

    def __iter__(self) -> Iterator[int]:
        budget = current_budget()
        for number in self._numbers:
            budget.charge(_NUMBER_UNITS)
            yield number


class ChargedRange(RangeLiteral):
    """A range that a loop runs over."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> Any:
        numbers = super().evaluate(context)
        if numbers.stop > _LARGEST_NUMBER or numbers.start < -_LARGEST_NUMBER:
            raise LoopIterationLimitError(TOO_MANY_ITERATIONS, token=self.token)
        return _Numbers(numbers)
