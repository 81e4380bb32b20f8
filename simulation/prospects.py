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
    UNCONFIRMED = "server that hangs up"


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


# Those whose day is yesterday when the demo reaches the present: something of every kind to look at.
TRIAL_CAST = (
    *(Persona.REPLIER, Persona.CLICKER, Persona.REPLIER, Persona.AWAY, Persona.READER, Persona.UNCONFIRMED),
    *(Persona.REPLIER, Persona.READER, Persona.SILENT, Persona.REPLIER, Persona.CLICKER, Persona.READER),
)
# What a contact that is no sample does with its mail. The mail server knows nothing of them, so none bounces.
_VISITORS_CAST = (Persona.READER, Persona.CLICKER, Persona.REPLIER)
_REPLIES = (
    "this comes at a good time: our old machine gives up in spring. Could you send me prices for about 300 cups a day? "
    "I am interested in a call next week.",
    "one question before we go on: what does the service cost in the second year, and who comes when it breaks?",
    "this is not a good time, our budget is closed. Please write to me again in March.",
    "I am not the right person for this. Please write to our office manager, {colleague}.",
    "thank you, but we have just signed with another supplier. We are not interested.",
    "yes, I would like to see a demo. Does Thursday at 10 suit you?",
)


def cast_personas(addresses: Sequence[str], cast: Sequence[Persona] = _CAST) -> dict[str, Persona]:
    """Who of one list of contacts is who, by address in lower case."""
    return {address.lower(): cast[index % len(cast)] for index, address in enumerate(addresses)}


def cast_visitor(address: str) -> Persona:
    """Who a contact is that a visitor of the demo has added."""
    return _VISITORS_CAST[crc32(address.encode()) % len(_VISITORS_CAST)]


def write_words(address: str, nth_reply: int) -> str:
    """What a person writes in the `nth_reply` (from 0); no two of the first six in a row are equal."""
    colleague = f"office@{address.partition('@')[2]}"
    text = _REPLIES[nth_reply % len(_REPLIES)].format(colleague=colleague)
    name = address.partition("@")[0].partition(".")[0].capitalize()
    return f"Hello,\n\n{text}\n\nBest regards\n{name}"


def plan_acts(persona: Persona, address: str, nth_email: int) -> tuple[Act, ...]:
    """What a person does with the `nth_email` (from 1) that reached them, counted from its arrival.

    Every prospect takes at least minutes: what comes within seconds of sending is taken for a machine's visit.
    """
    reads_after = timedelta(minutes=4 + crc32(f"{address}{nth_email}".encode()) % 400)
    opens = Act(reads_after, Action.OPEN)
    match persona:
        case Persona.SILENT | Persona.GONE:
            return ()
        case Persona.READER | Persona.BUSY_SERVER | Persona.UNCONFIRMED:
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
