"""What validation finds in a sequence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sequences.choices import Choice


class Severity(Choice):
    """`error` prevents activation, `warning` prevents nothing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """`step_number` None: the sequence itself. `field` is the model's name of what to change.

    `fits_draft`: an error that later steps or settings may remedy, so a draft can be stored with it.
    """

    step_number: int | None
    field: str
    message: str
    severity: Severity = Severity.ERROR
    fits_draft: bool = False

    def __str__(self) -> str:
        return self.message if self.step_number is None else f"step {self.step_number}: {self.message}"


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Those that prevent activation."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def draft_errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Those that prevent even storing a draft."""
    return [problem for problem in errors_of(problems) if not problem.fits_draft]
