"""How engaged a contact or an account is, from 0 to 100: recent opens, clicks and replies of people. Pure.

Each email counts once for each kind of fact, by its newest; every fact halves in worth with each fortnight. So a
hundred visits of one email are worth one, and what is long past is worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from emails.choices import EventType

POINTS = {EventType.OPENED: 10, EventType.CLICKED: 30, EventType.REPLIED: 60}
# A reply that opts out is no engagement: it counts nothing beside one of these about the same email.
OPT_OUTS = frozenset({EventType.UNSUBSCRIBED, EventType.COMPLAINED})
HALF_LIFE = timedelta(days=14)
MOST = 100
# What a recent click with its open is worth, after a few days.
HOT_SCORE = 35
HOT_PRIORITY = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """The newest visit or answer of one kind to one email."""

    type: EventType
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """What all facts of one kind are worth now; `points` are not capped."""

    type: EventType
    count: int
    newest_at: datetime
    points: float


def weigh(facts: Iterable[Fact], now: datetime) -> list[Part]:
    """The parts of a score, the weightiest first."""
    by_type: dict[EventType, list[Fact]] = {}
    for fact in facts:
        if fact.type in POINTS:
            by_type.setdefault(fact.type, []).append(fact)
    parts = [
        Part(
            type_,
            len(found),
            max(fact.occurred_at for fact in found),
            sum(POINTS[type_] * 0.5 ** (max(now - fact.occurred_at, timedelta()) / HALF_LIFE) for fact in found),
        )
        for type_, found in by_type.items()
    ]
    return sorted(parts, key=lambda part: -part.points)


def score(parts: Sequence[Part]) -> int:
    """The whole number that is stored, shown and compared."""
    return min(MOST, round(sum(part.points for part in parts)))


def hot_priority(priority: int, engagement_score: int) -> int:
    """The rank in the lane, 0 first: who is hot goes ahead, whatever the sequence says."""
    return min(priority, HOT_PRIORITY) if engagement_score >= HOT_SCORE else priority
