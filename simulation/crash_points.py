"""Where a process can be killed: each point wraps a function of the product from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from common import db
from emails.sending import delivery
from emails.transport.errors import Stage
from emails.transport.smtp_session import StagedSMTP
from execution.engine import apply
from execution.engine import tick as engine
from execution.worker import runner

Trigger = Callable[[], None]
FINAL_DOT = b".\r\n"


def _truth(result: Any) -> bool:
    return bool(result)


def _always(result: Any) -> bool:
    return True


def replace(owner: Any, name: str, function: Callable[..., Any]) -> None:
    """For the rest of this process's life."""
    mock.patch.object(owner, name, function).start()


def after(owner: Any, name: str, when: Callable[[Any], bool] = _always) -> Callable[[Trigger], None]:
    """Pull the trigger when the function has returned a result that fits."""

    def arm(trigger: Trigger) -> None:
        run = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = run(*args, **kwargs)
            if when(result):
                trigger()
            return result

        replace(owner, name, wrapped)

    return arm


def before(owner: Any, name: str) -> Callable[[Trigger], None]:
    def arm(trigger: Trigger) -> None:
        run = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            trigger()
            return run(*args, **kwargs)

        replace(owner, name, wrapped)

    return arm


def after_statement_of_apply(number: int) -> Callable[[Trigger], None]:
    """After the n-th statement with which one batch of outcomes is written."""

    def arm(trigger: Trigger) -> None:
        apply_outcomes, execute = apply.apply_outcomes, db._execute
        left = 0

        def counting(*args: Any) -> Any:
            nonlocal left
            cursor = execute(*args)
            left -= 1
            if left == 0:
                trigger()
            return cursor

        def applying(decided: Any, now: Any) -> None:
            nonlocal left
            left = number if decided else 0
            apply_outcomes(decided, now)
            left = 0

        replace(engine, "apply_outcomes", applying)
        replace(db, "_execute", counting)

    return arm


def after_writing(is_wanted: Callable[[StagedSMTP, Any], bool]) -> Callable[[Trigger], None]:
    """When certain bytes have been given to the socket."""

    def arm(trigger: Trigger) -> None:
        send = StagedSMTP.send

        def wrapped(session: StagedSMTP, data: Any) -> None:
            send(session, data)
            if is_wanted(session, data):
                trigger()

        replace(StagedSMTP, "send", wrapped)

    return arm


def after_answer(stage: Stage, code: int) -> Callable[[Trigger], None]:
    """When the server has answered the command of this stage so."""

    def arm(trigger: Trigger) -> None:
        read_answer = StagedSMTP.read_answer

        def wrapped(session: StagedSMTP, to: Stage) -> tuple[int, bytes]:
            answer = read_answer(session, to)
            if to is stage and answer[0] == code:
                trigger()
            return answer

        replace(StagedSMTP, "read_answer", wrapped)

    return arm


POINTS: dict[str, Callable[[Trigger], None]] = {
    "claimed": after(engine, "claim_due", _truth),
    "decided": after(engine, "decide"),
    **{f"statement {number} of apply": after_statement_of_apply(number) for number in range(1, 6)},
    "applied": after(engine, "apply_outcomes"),
    "tick committed": after(runner, "run_tick", lambda tick: tick.claimed > 0),
    "lane leased": after(delivery, "take_lane", _truth),
    "marked": after(delivery, "claim_chunk", lambda chunk: bool(chunk.message_ids)),
    "mark committed": before(delivery, "_send_all"),
    "composed": after(delivery, "compose"),
    "connected": after(StagedSMTP, "connect"),
    "MAIL answered": after_answer(Stage.MAIL, 250),
    "RCPT answered": after_answer(Stage.RCPT, 250),
    "DATA answered": after_answer(Stage.DATA, 354),
    "text written": after_writing(lambda session, data: session.stage is Stage.BODY and data != FINAL_DOT),
    "dot written": after_writing(lambda session, data: data == FINAL_DOT),
    "dot answered": after(StagedSMTP, "write_text"),
    "handed over": after(delivery, "_send_all"),
    "results written": after(delivery, "record_results"),
    "results committed": after(delivery, "_record"),
    "lane released": after(delivery, "release_lane"),
}


def slow_down(seconds: float) -> None:
    """Let each text take its time on the network, so that a kill hits a worker at work."""
    write_text = StagedSMTP.write_text

    def slow(session: StagedSMTP, mime: bytes, following: bytes = b"") -> tuple[int, bytes]:
        time.sleep(seconds / 2)
        answer = write_text(session, mime, following)
        time.sleep(seconds / 2)
        return answer

    replace(StagedSMTP, "write_text", slow)


@contextmanager
def impatient(seconds: float, *, but_for_dot: bool = False) -> Iterator[None]:
    """Within it no worker waits longer than this for an answer of a mail server; production waits longer.

    `but_for_dot`: the answer to the final dot has as long as in production.
    """
    patience = StagedSMTP.patience

    def shorter(session: StagedSMTP) -> float:
        left = patience(session)
        return left if but_for_dot and session.is_dot_written else min(left, seconds)

    with mock.patch.object(StagedSMTP, "patience", shorter):
        yield
