"""A loaded process that runs commands in its children: `python -m tests.faults.command_process`.

One request per line on standard input, one result per line. {"argv", "point", "nth"}: a child runs the command, kills
itself at the named point (no kill if it is empty), and the result says how it ended. {"argv", "slow_seconds"}: the
result is the pid of a child that goes on; with "freezes" it stops at its point for good. The product knows nothing of
this: functions are wrapped from outside.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Any

import django
from django.core.management import execute_from_command_line


def _run_child(order: dict[str, Any]) -> None:
    # Django is set up in the parent, once
    from simulation.crash_points import POINTS, slow_down

    left = int(order.get("nth", 0))

    def trigger() -> None:
        nonlocal left
        left -= 1
        if left == 0 and order.get("freezes"):
            signal.pause()
        elif left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if order.get("point"):
        POINTS[order["point"]](trigger)
    if order.get("slow_seconds"):
        slow_down(order["slow_seconds"])
    try:
        execute_from_command_line(["manage.py", *order["argv"]])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the children say goes to standard error
    django.setup()
    importlib.import_module("simulation.crash_points")
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run_child(order)
        answers.write(json.dumps({"pid": child} if "slow_seconds" in order else _await(child)) + "\n")
        answers.flush()


def _await(child: int) -> dict[str, bool]:
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL}


if __name__ == "__main__":
    main()
