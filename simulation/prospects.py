"""Scripted people: what each does with the mail that reaches them, and when. Pure and deterministic.

Owns who is who and their plans; how an act reaches the product is the business of demo_endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zlib import crc32


class Persona(StrEnum):
    SILENT = "silent"
    READER = "reader"
    CLICKER = "clicker"
    REPLIER = "replier"
    LATE_REPLIER = "late replier"
    LEAVER = "leaver"
    AWAY = "away"
    GONE = "gone"
    BUSY_SERVER = "busy server"
    COMPLAINER = "complainer"


class Action(StrEnum):
    OPEN = "open"
    CLICK = "click"
    REPLY = "reply"
    OUT_OF_OFFICE = "out of office"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAIN = "complain"


@dataclass(frozen=True, slots=True)
class Act:
    """One action, `after` the email arrived."""

    after: timedelta
    action: Action


# One list of twenty people: most say nothing, as in life.
_CAST = (
    *(Persona.CLICKER, Persona.SILENT, Persona.GONE, Persona.READER, Persona.REPLIER),
    *(Persona.SILENT, Persona.AWAY, Persona.CLICKER, Persona.LATE_REPLIER, Persona.READER),
    *(Persona.BUSY_SERVER, Persona.SILENT, Persona.LEAVER, Persona.READER, Persona.CLICKER),
    *(Persona.SILENT, Persona.REPLIER, Persona.COMPLAINER, Persona.SILENT, Persona.READER),
)


def cast_personas(addresses: Sequence[str]) -> dict[str, Persona]:
    """Who of one list of contacts is who, by address in lower case."""
    return {address.lower(): _CAST[index % len(_CAST)] for index, address in enumerate(addresses)}


def plan_acts(persona: Persona, address: str, nth_email: int) -> tuple[Act, ...]:
    """What a person does with the `nth_email` (from 1) that reached them, counted from its arrival.

    Every prospect takes at least minutes: what comes within seconds of sending is taken for a machine's visit.
    """
    reads_after = timedelta(minutes=4 + crc32(f"{address}{nth_email}".encode()) % 400)
    opens = Act(reads_after, Action.OPEN)
    match persona:
        case Persona.SILENT | Persona.GONE:
            return ()
        case Persona.READER | Persona.BUSY_SERVER:
            return (opens,)
        case Persona.CLICKER:
            return (opens, Act(reads_after + timedelta(minutes=1), Action.CLICK))
        case Persona.REPLIER:
            return (opens, Act(reads_after + timedelta(minutes=12), Action.REPLY))
        case Persona.LATE_REPLIER:
            return (opens,) if nth_email == 1 else (opens, Act(reads_after + timedelta(minutes=25), Action.REPLY))
        case Persona.LEAVER:
            return (opens, Act(reads_after + timedelta(minutes=2), Action.UNSUBSCRIBE))
        case Persona.COMPLAINER:
            return (opens,) if nth_email == 1 else (Act(reads_after, Action.COMPLAIN),)
        case Persona.AWAY:
            return (Act(timedelta(minutes=2), Action.OUT_OF_OFFICE),) if nth_email == 1 else (opens,)
