"""How much processor time one incoming mail may take. Pure; measures the calling thread, so it works in any of them.

Every stage of reading has its own limits of bytes, parts and steps; this is the one over all of them.
"""

from __future__ import annotations

import time

CPU_SECONDS = 3.0


class TooExpensiveError(Exception):
    """Reading the mail took too long. The text says so in one line."""


class CpuBudget:
    """Begins when it is made."""

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        self._seconds = seconds
        self._ends = time.thread_time() + seconds

    def check(self) -> None:
        """Call between two stages. Raises `TooExpensiveError` when the time is used up."""
        if time.thread_time() > self._ends:
            raise TooExpensiveError(f"reading it took more than {self._seconds:g} seconds of processor time")
