"""The faults that a trial can inject, by name, and when: a schedule drawn from the seed. Pure.

Every fault names the promise that it tries to break.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Fault(StrEnum):
    """The value is what `simulate --faults` takes."""

    KILL = "kill"
    FREEZE = "freeze"
    TWO_ENGINES = "two-engines"
    CONNECTION = "connection"
    DATABASE_ERRORS = "database-errors"
    READ_ONLY = "read-only"
    OUTAGE = "outage"
    REFUSALS = "refusals"
    LOST_ANSWERS = "lost-answers"
    LOGIN = "login"
    SILENCE = "silence"
    SLOW_DOT = "slow-dot"
    CERTIFICATE = "certificate"
    INBOX_DOWN = "inbox-down"
    RENUMBER = "renumber"
    DUPLICATES = "duplicates"
    REPEATS = "repeats"
    LATE_FACTS = "late-facts"
    PAUSES = "pauses"
    ARCHIVE = "archive"
    REMOVED_STEPS = "removed-steps"
    POISON = "poison"
    NEWCOMERS = "newcomers"
    SLOW_SERVERS = "slow-servers"
    SLOW_INBOXES = "slow-inboxes"
    SLOW_HOOKS = "slow-hooks"
    CLOCK_LEAP = "clock-leap"


DESCRIPTIONS = {
    Fault.KILL: "SIGKILL a worker at a point of the loop or of the mail dialogue (P1 P4 P7)",
    Fault.FREEZE: "SIGSTOP a worker for two lease times, then let it go on (P1)",
    Fault.TWO_ENGINES: "two engines at the same work at the same time (P1 P3)",
    Fault.CONNECTION: "PostgreSQL terminates a worker's connection in the middle (P1 P4)",
    Fault.DATABASE_ERRORS: "PostgreSQL reports a deadlock, a serialization failure or a statement time-out (P1 P4)",
    Fault.READ_ONLY: "PostgreSQL ends a worker's session and is read-only for a while (P1 P4 P8)",
    Fault.OUTAGE: "the mail server refuses all mail for an hour (P8)",
    Fault.REFUSALS: "421, 452 and cut connections, here and there (P4 P8)",
    Fault.LOST_ANSWERS: "the server's answer to the final dot is lost, the mail kept or not (P1)",
    Fault.LOGIN: "a mailbox's password is refused until its owner looks (P8)",
    Fault.SILENCE: "the mail server falls silent at a stage of the dialogue, until the worker gives up (P1 P8)",
    Fault.SLOW_DOT: "the answer to the final dot takes longer than the dialogue before it may (P1)",
    Fault.CERTIFICATE: "a mailbox's server shows an expired certificate for an hour (P8)",
    Fault.INBOX_DOWN: "a fifth of the inboxes cannot be read for two hours (P2)",
    Fault.RENUMBER: "an inbox renumbers its mails (P1 P2)",
    Fault.DUPLICATES: "one answer in twenty arrives twice (P1)",
    Fault.REPEATS: "one in three of the unsubscriptions arrives eight times at once while the engine works (P1 P10)",
    Fault.LATE_FACTS: "a reply or an unsubscription is stored while the engine works (P2)",
    Fault.PAUSES: "people pause the executor, a sequence, a mailbox, enrollments, also while it works (P2 P4)",
    Fault.ARCHIVE: "a sequence is archived under its people, messages queued (P2 P4)",
    Fault.REMOVED_STEPS: "an email step is removed under its people (P2 P4)",
    Fault.POISON: "contacts without a field that their email needs (P4)",
    Fault.CLOCK_LEAP: "a worker's clock leaps an hour ahead or back in the middle of its work (P3 P5)",
    Fault.NEWCOMERS: "people come by CSV and are enrolled from two sides at once while the engine works (P1 P4)",
    Fault.SLOW_SERVERS: "24 lanes of one workspace meet a silent mail server, beside 8 healthy lanes (P12 P13)",
    Fault.SLOW_INBOXES: "24 inboxes of one workspace answer nothing after the login, beside 8 healthy ones (P12 P13)",
    Fault.SLOW_HOOKS: "two webhook receivers of one workspace do not answer, beside a healthy one (P12 P13)",
}
# Where the database is spoken to, so that an error of it can come.
REFUSABLE = (
    *("claimed", "applied", "lane leased", "marked", "results written"),
    *(f"statement {number} of apply" for number in range(1, 6)),
)
# Where a worker has something to write, also what it knows and cannot learn again.
READ_ONLY_AT = ("claimed", "marked", "mark committed", "dot answered", "handed over")
SQLSTATES = ("40P01", "40001", "57014")
# Outside of transactions: a frozen holder of row locks is the business of PostgreSQL's idle time-out, by real time.
FREEZABLE = ("lane leased", "mark committed", "composed", "RCPT answered", "dot answered", "handed over")
_PER_DAY = {
    Fault.KILL: 40,
    Fault.FREEZE: 6,
    Fault.TWO_ENGINES: 20,
    Fault.CONNECTION: 10,
    Fault.DATABASE_ERRORS: 10,
    Fault.READ_ONLY: 6,
    Fault.OUTAGE: 1,
    Fault.LOGIN: 2,
    Fault.SILENCE: 4,
    Fault.SLOW_DOT: 4,
    Fault.CERTIFICATE: 2,
    Fault.INBOX_DOWN: 1,
    Fault.RENUMBER: 3,
    Fault.PAUSES: 8,
    Fault.NEWCOMERS: 3,
    Fault.CLOCK_LEAP: 8,
    Fault.ARCHIVE: 1,
    Fault.REMOVED_STEPS: 1,
    Fault.SLOW_SERVERS: 1,
    Fault.SLOW_INBOXES: 1,
    Fault.SLOW_HOOKS: 1,
}
_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault at one moment; `chance` decides what exactly, the same for every run of the seed."""

    at: datetime
    fault: Fault
    chance: float


def parse_faults(text: str) -> frozenset[Fault]:
    """`all`, `none` or names with commas between. Raises ValueError with the names there are."""
    if text in {"all", "none"}:
        return frozenset(Fault) if text == "all" else frozenset()
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - {fault.value for fault in Fault})
    if unknown or not names:
        there_are = ", ".join(fault.value for fault in Fault)
        raise ValueError(f"no fault is called {', '.join(unknown) or repr(text)}: all, none or some of {there_are}")
    return frozenset(Fault(name) for name in names)


def plan_strikes(seed: int, faults: Iterable[Fault], start_at: datetime, days: float) -> list[Strike]:
    """In the order of time. What is spread over single dialogues (`strikes_here`) has no moment of its own."""
    strikes = []
    for fault in sorted(faults):
        dice = random.Random(f"{seed}:{fault}")
        for _ in range(round(_PER_DAY.get(fault, 0) * days)):
            at = start_at + timedelta(days=days * dice.random())
            strikes.append(Strike(at, fault, dice.random()))
    return sorted(strikes, key=lambda strike: (strike.at, strike.fault))


def strikes_here(draw: Callable[..., int], fault: Fault, *names: object) -> str:
    """What a single dialogue meets, if anything: the name of the trouble or nothing."""
    drawn = draw(fault, *names, below=_EVERY)
    shares = {
        Fault.REFUSALS: (("421", 8), ("452", 8), ("cut at mail", 3), ("cut at data", 3), ("cut in body", 3)),
        Fault.LOST_ANSWERS: (("kept", 3), ("lost", 3)),
    }[fault]
    for name, share in shares:
        if drawn < share:
            return name
        drawn -= share
    return ""
