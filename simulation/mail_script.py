"""The words of a mail server's script: at which moment of the dialogue it does what. No network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    """When a script may step in; the server is about to answer this."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # in the middle of the text, before its final dot
    DOT = "dot"  # the final dot was read
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a script is asked. `attempt` counts how often this recipient was named at RCPT, from 1."""

    moment: Moment
    sender: str
    recipient: str
    user: str
    attempt: int
    connection: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer this line (several with a newline between). With `store`, at DOT, the message is kept all the same."""

    text: str
    store: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection without an answer. With `store`, at DOT, the message is kept: accepted, never confirmed."""

    store: bool = False


class Stall:
    """Answer nothing until `release()`, then go on normally. `reached` tells a test that a client waits."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._released = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def waiting(self) -> int:
        """How many clients wait for an answer."""
        with self._lock:
            return len(self._waiting)

    def release(self) -> None:
        with self._lock:
            self._released = True
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)
            self._waiting.clear()

    async def wait(self) -> None:
        event = asyncio.Event()
        with self._lock:
            if self._released:
                return
            self._waiting.append((asyncio.get_running_loop(), event))
        self.reached.set()
        await event.wait()


Action = Reply | Drop | Stall
Behaviour = Callable[[Situation], Action | None]


@dataclass(slots=True)
class Rule:
    """`action` whenever the situation fits; `times` limits how often. Empty recipient or sender: any."""

    moment: Moment
    action: Action
    recipient: str = ""
    sender: str = ""
    times: int | None = None

    def fits(self, situation: Situation) -> bool:
        return (
            self.moment is situation.moment
            and self.times != 0
            and self.recipient.lower() in {"", situation.recipient.lower()}
            and self.sender.lower() in {"", situation.sender.lower()}
        )
