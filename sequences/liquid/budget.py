"""What one rendering may cost: units of work that are counted, and the processor time of the thread. Pure.

Units make the same template fail for every contact and on every machine; the time is the limit for what they do not
count. Signals could not do it: rendering runs in threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from liquid.undefined import is_undefined

MOST_UNITS = 10_000_000
CPU_SECONDS = 2.0
LARGEST_VALUE = 262_144
MOST_ITERATIONS = 10_000
TOO_MANY_ITERATIONS = f"its loops run more than {MOST_ITERATIONS} times"
TOO_COSTLY = "rendering it costs more than is allowed: take out loops and filters, or shorten it"
_UNITS_PER_LOOK = 2_000


class TooCostlyError(Exception):
    """Rendering was given up. The text is the one line that authors see."""

    def __init__(self) -> None:
        super().__init__(TOO_COSTLY)


class Budget:
    """`units`: the work that was counted so far; a character that a filter reads or writes is one."""

    __slots__ = ("_ends", "_looks_at", "units")

    def __init__(self) -> None:
        self.units = 0
        self._looks_at = _UNITS_PER_LOOK
        self._ends = time.thread_time() + CPU_SECONDS

    def charge(self, units: int) -> None:
        """Raises `TooCostlyError` when units or time are used up. The clock is read now and then: that costs too."""
        self.units += units
        if self.units < self._looks_at:
            return
        if self.units > MOST_UNITS or time.thread_time() > self._ends:
            raise TooCostlyError
        self._looks_at = self.units + _UNITS_PER_LOOK

    def check_time(self) -> None:
        """Raises `TooCostlyError`."""
        if time.thread_time() > self._ends:
            raise TooCostlyError


_current: ContextVar[Budget | None] = ContextVar("render_budget", default=None)


@contextmanager
def one_budget() -> Iterator[Budget]:
    """All that is rendered within shares one budget, that of an outer block if there is one."""
    if outer := _current.get():
        yield outer
        return
    token = _current.set(Budget())
    try:
        yield current_budget()
    finally:
        _current.reset(token)


def current_budget() -> Budget:
    """That of the block around; one of its own outside of any."""
    return _current.get() or Budget()


def size_of(value: object) -> int:
    """Characters that a value has when it is written; counted up to `LARGEST_VALUE`, beyond which it is too large."""
    size, pending = 0, [value]
    while pending and size <= LARGEST_VALUE:
        match pending.pop():
            case str() as text:
                size += len(text)
            case int() as number:
                size += 1 + number.bit_length() // 3
            case list() | tuple() as items:
                size += len(items)
                pending += items
            case Mapping() as pairs if not is_undefined(pairs):
                size += len(pairs)
                pending += pairs.values()
            case _:
                size += 8
    return size
