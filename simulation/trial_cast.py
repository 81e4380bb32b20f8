"""Who the people of a trial are and what each does with an email. Pure and the same for every run of one seed.

Owns personas, their shares and their actions; how an action reaches the product is the business of trial_endpoints.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Persona(StrEnum):
    SILENT = "silent"
    READER = "reader"
    CLICKER = "clicker"
    REPLIER = "replier"
    LATE_REPLIER = "late replier"
    LEAVER = "leaver"
    WRITING_LEAVER = "writing leaver"
    COMPLAINER = "complainer"
    AWAY = "away"
    SCANNED = "scanned"
    GONE = "gone"
    GONE_LATER = "gone later"
    FULL = "full"
    BUSY_SERVER = "busy server"
    NAMELESS = "nameless"


class Action(StrEnum):
    OPEN = "open"
    CLICK = "click"
    SCAN = "scan"
    REPLY = "reply"
    OPT_OUT = "opt out"
    OUT_OF_OFFICE = "out of office"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAIN = "complain"
    BOUNCE_HARD = "bounce hard"
    BOUNCE_SOFT = "bounce soft"


# What each of these says ends every sequence of the person who says it.
STOPPING = frozenset({Action.REPLY, Action.OPT_OUT, Action.UNSUBSCRIBE, Action.COMPLAIN, Action.BOUNCE_HARD})
AWAY_DAYS = 2
# Shares per thousand contacts; the rest never answer.
_SHARES = (
    (Persona.READER, 170),
    (Persona.CLICKER, 80),
    (Persona.REPLIER, 50),
    (Persona.LATE_REPLIER, 30),
    (Persona.LEAVER, 20),
    (Persona.WRITING_LEAVER, 10),
    (Persona.COMPLAINER, 4),
    (Persona.AWAY, 40),
    (Persona.SCANNED, 80),
    (Persona.GONE, 8),
    (Persona.GONE_LATER, 8),
    (Persona.FULL, 10),
    (Persona.BUSY_SERVER, 30),
    (Persona.NAMELESS, 5),
)


@dataclass(frozen=True, slots=True)
class Act:
    """One action, `after` the email arrived."""

    after: timedelta
    action: Action


def draw(seed: int, *names: object, below: int) -> int:
    """A number from 0 to `below` - 1 that depends on the seed and the names alone."""
    digest = hashlib.blake2b(repr((seed, *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % below


def cast(seed: int, number: int) -> Persona:
    """Who the person with that number is."""
    drawn = draw(seed, "persona", number, below=1000)
    for persona, share in _SHARES:
        if drawn < share:
            return persona
        drawn -= share
    return Persona.SILENT


def plan_acts(seed: int, persona: Persona, address: str, nth_email: int) -> tuple[Act, ...]:
    """What a person does with the `nth_email` (from 1) that reached them.

    People take minutes at least, machines seconds: that is how the product is meant to distinguish them.
    """
    reads_after = timedelta(minutes=4 + draw(seed, "reads", address, nth_email, below=400))
    opens = Act(reads_after, Action.OPEN)
    is_first = nth_email == 1
    match persona:
        case Persona.READER | Persona.BUSY_SERVER:
            return (opens,)
        case Persona.CLICKER:
            return (opens, Act(reads_after + timedelta(minutes=1), Action.CLICK))
        case Persona.REPLIER:
            return (opens, Act(reads_after + timedelta(minutes=12), Action.REPLY))
        case Persona.LATE_REPLIER:
            return (opens,) if is_first else (opens, Act(reads_after + timedelta(minutes=25), Action.REPLY))
        case Persona.LEAVER:
            return (opens, Act(reads_after + timedelta(minutes=2), Action.UNSUBSCRIBE))
        case Persona.WRITING_LEAVER:
            return (Act(reads_after, Action.OPT_OUT),)
        case Persona.COMPLAINER:
            return (opens,) if is_first else (Act(reads_after, Action.COMPLAIN),)
        case Persona.AWAY:
            return (Act(timedelta(minutes=2), Action.OUT_OF_OFFICE),) if is_first else (opens,)
        case Persona.SCANNED:
            return (Act(timedelta(seconds=1), Action.SCAN),)
        case Persona.GONE_LATER:
            return (Act(timedelta(minutes=9), Action.BOUNCE_HARD),)
        case Persona.FULL:
            return (Act(timedelta(minutes=9), Action.BOUNCE_SOFT),) if is_first else ()
        case _:
            return ()
