"""What really happened in a trial: what the mail server saw and what was scripted. Knows nothing of any table.

Everything carries an `order`, one count for the whole trial, so that "before" and "after" need no clock.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from simulation.trial_cast import Action, Persona


@dataclass(frozen=True, slots=True)
class Hours:
    """When a sequence may send: weekdays (Monday is 0), from `opens` to `closes` o'clock."""

    weekdays: frozenset[int]
    opens: int
    closes: int
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """`zone` is the one that the person's window is read in unless the sequence names another."""

    number: int
    address: str
    workspace: str
    sequence: str
    mailbox: str
    zone: ZoneInfo
    persona: Persona

    @property
    def domain(self) -> str:
        return self.address.partition("@")[2]


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `maximum` messages of `senders` (to `domain`, if one is named) within `seconds`."""

    name: str
    senders: frozenset[str]
    seconds: int
    maximum: int
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An email that the mail server took. `step` is the mark that its author put into it, `text` what a reader sees.

    `was_in_flight`: its sender was stopped after it had claimed the message; `at` is when it was stopped.
    """

    order: int
    at: datetime
    sender: str
    recipient: str
    step: str
    message_id: str
    text: str = ""
    was_in_flight: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a person did, from the moment at which the product had stored it."""

    order: int
    at: datetime
    address: str
    action: Action


@dataclass(slots=True)
class PauseSpan:
    """A stretch in which nothing may be sent to `addresses`; the ends are None until it is over."""

    what: str
    addresses: frozenset[str]
    start_order: int
    start_at: datetime
    end_order: int | None = None
    end_at: datetime | None = None

    def overlaps(self, since: datetime, until: datetime) -> bool:
        return self.start_at <= until and (self.end_at is None or self.end_at >= since)


@dataclass(slots=True)
class Crash:
    """A worker that died at `point`. `resumed_after`: seconds until all that it held or left was taken up again."""

    at: datetime
    point: str
    resumed_after: float | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """Slow servers beside healthy ones. `unserved`: healthy items that were not served within 30 seconds; `seconds`
    until all were. `is_named`: that the slow ones stand still, and no others, was reported after five minutes.
    """

    kind: str
    at: datetime
    unserved: int
    seconds: float
    is_named: bool


@dataclass(slots=True)
class Truth:
    """The record of one trial. Sequences are named by the slug of their workspace and their name.

    `removed`: the mark of the step that was taken out of a sequence, and since which order.
    """

    people: dict[str, Person] = field(default_factory=dict)
    hours: dict[str, Hours] = field(default_factory=dict)
    caps: list[Cap] = field(default_factory=list)
    gaps: dict[str, int] = field(default_factory=dict)
    workspaces: dict[str, str] = field(default_factory=dict)
    archived: set[tuple[str, str]] = field(default_factory=set)
    removed: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    account_stop: frozenset[str] = frozenset()
    # how often a contact was named for enrolling again in its sequence, and how often that made an enrollment
    named_again: int = 0
    enrolled_again: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    holds: list[PauseSpan] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    tenancy_leaks: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _orders: itertools.count[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_order(self) -> int:
        with self._lock:
            return next(self._orders)
