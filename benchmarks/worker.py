"""A loaded process that works on request: `python -m benchmarks.worker`.

One order per line on standard input ({"way": …, and what the way takes}), one answer per line on standard output. So
nothing is measured but the work: Django is set up and connected before.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django


def _engine(batch: int, limit: int | None = None) -> dict[str, Any]:
    from benchmarks.tables import NOW
    from execution.engine.backoff import Policy
    from execution.engine.tick import run_tick

    done = 0
    while limit is None or done < limit:
        size = batch if limit is None else min(batch, limit - done)
        claimed = run_tick(NOW, size, Policy()).claimed
        if not claimed:
            break
        done += claimed
    return {"done": done}


def _one_by_one() -> dict[str, Any]:
    """Each due row as a batch of its own: how long each takes."""
    from benchmarks.tables import NOW
    from execution.engine.backoff import Policy
    from execution.engine.tick import run_tick

    seconds = []
    while True:
        started = time.perf_counter()
        if not run_tick(NOW, 1, Policy()).claimed:
            return {"done": len(seconds), "each": seconds}
        seconds.append(time.perf_counter() - started)


def _hold(batch: int) -> dict[str, Any]:
    """Do a batch's work but for its commit, say so, and wait until this process is killed."""
    from execution.engine import tick as engine

    apply = engine.apply_outcomes

    def apply_and_stand(*given: Any) -> None:
        apply(*given)
        _say({"done": batch})
        signal.pause()

    engine.apply_outcomes = apply_and_stand
    return _engine(batch)


def _fill(count: int, opens: int) -> dict[str, Any]:
    from benchmarks.tables import Filling, fill

    fill(Filling(count, opens=opens))
    return {}


def _check(count: int) -> dict[str, Any]:
    from benchmarks.tables import check_decided

    check_decided(count)
    return {}


def _row_by_row(batch: int) -> dict[str, Any]:
    from benchmarks.row_by_row import decide_email, due_ids

    ids = due_ids()
    for enrollment_id in ids:
        decide_email(enrollment_id)
    return {"done": len(ids)}


def _in_database(batch: int) -> dict[str, Any]:
    from benchmarks.in_database import decide_with_facts

    return {"done": decide_with_facts(batch)}


def _in_database_bare(batch: int) -> dict[str, Any]:
    from benchmarks.in_database import decide_bare

    return {"done": decide_bare(batch)}


def _branch_in_database(batch: int) -> dict[str, Any]:
    from benchmarks.in_database import branch

    return {"done": branch(batch)}


_copies: Any = None


def _prepare_copies(share: int, shares: int) -> dict[str, Any]:
    from benchmarks.in_database import Copies

    global _copies
    _copies = Copies(share, shares)
    return {}


def _copy(batch: int) -> dict[str, Any]:
    return {"done": _copies.write(batch)}


def _send(name: str) -> Callable[..., dict[str, Any]]:
    def send(**order: Any) -> dict[str, Any]:
        from benchmarks import sending

        found: dict[str, Any] = getattr(sending, name)(**order)
        return found

    return send


def _memory() -> dict[str, Any]:
    with open("/proc/self/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    return {"megabytes": int(peak.split()[1]) / 1024}


WAYS: dict[str, Callable[..., dict[str, Any]]] = {
    "engine": _engine,
    "one by one": _one_by_one,
    "row by row": _row_by_row,
    "in database": _in_database,
    "in database, bare": _in_database_bare,
    "branch in database": _branch_in_database,
    "prepare copies": _prepare_copies,
    "copy": _copy,
    "lane": _send("through_one_lane"),
    "lanes": _send("through_lanes"),
    "lanes of many": _send("through_lanes_of_many"),
    "django": _send("with_django_kept"),
    "post_office": _send("with_post_office"),
    "mailer": _send("with_mailer"),
    "hold": _hold,
    "fill": _fill,
    "check": _check,
    "memory": _memory,
}


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    logging.disable(logging.CRITICAL)
    django.setup()
    from django.db import connection

    from execution.worker.garbage import freeze_loaded_objects

    connection.ensure_connection()
    # for every contestant, as the executor does when it starts
    freeze_loaded_objects()
    for line in sys.stdin:
        order = json.loads(line)
        started = time.perf_counter()
        answer = WAYS[order.pop("way")](**order)
        _say({"seconds": time.perf_counter() - started} | answer)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
