"""The form of one row of the table of reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a failure concerns: the recipient for good, the recipient for now, or the sender."""

    HARD = "hard"
    SOFT = "soft"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: the words by which a reason is known, and what it concerns."""

    outcome: Outcome
    name: str
    pattern: re.Pattern[str]


def rule(outcome: Outcome, name: str, *patterns: str) -> Rule:
    return Rule(outcome, name, re.compile("|".join(patterns), re.IGNORECASE))
