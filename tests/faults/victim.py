"""A process that runs commands in children which kill themselves at a named point: `python -m tests.faults.victim`.

One order per line on standard input: {"argv", "point", "nth"}; one answer per line: how the child ended. The product
knows nothing of this: functions are wrapped from outside. An empty point kills nobody.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.core.management import execute_from_command_line

django.setup()

from emails import delivery
from emails.errors import Stage
from emails.transport.smtp_session import StagedSMTP
from execution import engine, runner
from sequences import db

Trigger = Callable[[], None]
FINAL_DOT = b".\r\n"


def _truth(result: Any) -> bool:
    return bool(result)


def _always(result: Any) -> bool:
    return True


def after(owner: Any, name: str, when: Callable[[Any], bool] = _always) -> Callable[[Trigger], None]:
    """Pull the trigger when the function has returned a result that fits."""

    def arm(trigger: Trigger) -> None:
        run = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = run(*args, **kwargs)
            if when(result):
                trigger()
            return result

        setattr(owner, name, wrapped)

    return arm


def before(owner: Any, name: str) -> Callable[[Trigger], None]:
    def arm(trigger: Trigger) -> None:
        run = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            trigger()
            return run(*args, **kwargs)

        setattr(owner, name, wrapped)

    return arm


def after_statement_of_apply(number: int) -> Callable[[Trigger], None]:
    """After the n-th statement with which one batch of outcomes is written."""

    def arm(trigger: Trigger) -> None:
        apply_outcomes, execute = engine.apply_outcomes, db._execute
        left = 0

        def counting(*args: Any) -> Any:
            nonlocal left
            cursor = execute(*args)
            left -= 1
            if left == 0:
                trigger()
            return cursor

        def applying(judged: Any, now: Any) -> None:
            nonlocal left
            left = number if judged else 0
            apply_outcomes(judged, now)
            left = 0

        engine.apply_outcomes, db._execute = applying, counting

    return arm


def after_writing(is_wanted: Callable[[StagedSMTP, Any], bool]) -> Callable[[Trigger], None]:
    """When certain bytes have been given to the socket."""

    def arm(trigger: Trigger) -> None:
        send = StagedSMTP.send

        def wrapped(session: StagedSMTP, data: Any) -> None:
            send(session, data)
            if is_wanted(session, data):
                trigger()

        StagedSMTP.send = wrapped  # type: ignore[method-assign]

    return arm


POINTS: dict[str, Callable[[Trigger], None]] = {
    "claimed": after(engine, "claim_due", _truth),
    "decided": after(engine, "decide"),
    **{f"statement {number} of apply": after_statement_of_apply(number) for number in range(1, 6)},
    "applied": after(engine, "apply_outcomes"),
    "tick committed": after(runner, "run_tick", lambda tick: tick.claimed > 0),
    "lane leased": after(delivery, "take_lane", _truth),
    "marked": after(delivery, "claim_chunk", lambda chunk: bool(chunk.message_ids)),
    "mark committed": before(delivery, "_hand_over"),
    "composed": after(delivery, "compose"),
    "connected": after(StagedSMTP, "connect"),
    "MAIL answered": after(StagedSMTP, "mail"),
    "RCPT answered": after(StagedSMTP, "rcpt"),
    "DATA answered": after(StagedSMTP, "docmd", lambda answer: answer[0] == 354),
    "text written": after_writing(lambda session, data: session.stage is Stage.BODY and data != FINAL_DOT),
    "dot written": after_writing(lambda session, data: data == FINAL_DOT),
    "dot answered": after(StagedSMTP, "write_text"),
    "handed over": after(delivery, "_hand_over"),
    "results written": after(delivery, "record_results"),
    "results committed": after(delivery, "_record"),
    "lane released": after(delivery, "release_lane"),
}


def _run_child(order: dict[str, Any]) -> None:
    left = int(order["nth"])

    def trigger() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if order["point"]:
        POINTS[order["point"]](trigger)
    try:
        execute_from_command_line(["manage.py", *order["argv"]])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the children say goes to standard error
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run_child(json.loads(line))
        _, status = os.waitpid(child, 0)
        answers.write(json.dumps({"killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
