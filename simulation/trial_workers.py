"""Workers of a trial that may die: the engine in forked children, killed, stopped or robbed of their connection.

The signals are real and hit between two lines of the product's own code; see crash_points.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from django.db import connection
from psycopg import sql

from common.db import execute
from simulation.crash_points import POINTS

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended. `is_stopped`: it stands still and can go on; `pid` is its process then."""

    pid: int
    is_killed: bool = False
    is_stopped: bool = False


def run_killed(work: Work, point: str, nth: int) -> Ending:
    """A worker that dies when it passes `point` for the `nth` time, if it ever does."""
    return _await(_fork(work, point, nth, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def run_frozen(work: Work, point: str) -> Ending:
    """A worker that stands still at `point`, if it gets there."""
    return _await(_fork(work, point, 1, lambda: os.kill(os.getpid(), signal.SIGSTOP)))


def thaw(pid: int) -> None:
    """Let a frozen worker go on to its end."""
    os.kill(pid, signal.SIGCONT)
    _await(pid)


def run_cut_off(work: Work, point: str, nth: int) -> Ending:
    """A worker whose database connection PostgreSQL has terminated when it passes `point`."""

    def cut() -> None:
        with suppress(psycopg.OperationalError):
            execute("SELECT pg_terminate_backend(pg_backend_pid())", {})

    return _await(_fork(work, point, nth, cut))


def run_refused(work: Work, point: str, nth: int, sqlstate: str) -> Ending:
    """A worker to which PostgreSQL answers with that error at `point`."""

    def refuse() -> None:
        execute(f"DO $$BEGIN RAISE EXCEPTION 'refused by the trial' USING ERRCODE = '{sqlstate}'; END$$", {})

    return _await(_fork(work, point, nth, refuse))


def run_read_only(work: Work, point: str, seconds: float) -> Ending:
    """A worker whose session is ended at `point` while the database is read-only, for so many real seconds."""

    def turn_read_only() -> None:
        _set_read_only(is_on=True)
        ending = threading.Timer(seconds, _set_read_only)
        ending.daemon = True
        ending.start()
        with suppress(psycopg.OperationalError):
            execute("SELECT pg_terminate_backend(pg_backend_pid())", {})

    try:
        return _await(_fork(work, point, 1, turn_read_only))
    finally:
        _set_read_only()


def _set_read_only(*, is_on: bool = False) -> None:
    """For sessions that begin from now on."""
    params = {key: value for key, value in connection.get_connection_params().items() if key != "cursor_factory"}
    name = sql.Identifier(connection.settings_dict["NAME"])
    with psycopg.connect(**params, autocommit=True) as session:
        session.execute("SET default_transaction_read_only = off")
        change = "SET default_transaction_read_only = on" if is_on else "RESET default_transaction_read_only"
        session.execute(sql.SQL("ALTER DATABASE {} " + change).format(name))


def run_side_by_side(work: Work, workers: int) -> None:
    """Several workers at the same work at once."""
    for pid in [_fork(work) for _ in range(workers)]:
        _await(pid)


def _fork(work: Work, point: str = "", nth: int = 1, strike: Callable[[], None] | None = None) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        # the parent's: cannot be shared, not even to be closed, and is forgotten unclosed when the child ends
        _inherited, connection.connection = connection.connection, None
        if strike is not None:
            POINTS[point](_counting(strike, nth))
        work()
        status = 0
    finally:
        os._exit(status)


def _counting(strike: Callable[[], None], nth: int) -> Callable[[], None]:
    left = nth

    def trigger() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            strike()

    return trigger


def _await(pid: int) -> Ending:
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return Ending(pid, is_stopped=True)
    return Ending(pid, is_killed=os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
