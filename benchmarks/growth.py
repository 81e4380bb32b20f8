"""The cost of a full table: the engine's rate with many active enrollments compared with 10,000.

The large tables are a database of their own, filled once, so that both sizes can take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from django.db import connection

from benchmarks import processes
from benchmarks.processes import Worker, end, start
from benchmarks.report import Report, least, most
from benchmarks.rounds import Contestant, WrongResultError, ratio, take_turns
from benchmarks.tables import Filling, check_decided, fill

SMALL = 10_000
_DATABASE = "bench_large"
_OPENS = 1


def measure(report: Report, rounds: int, active: int, batch: int, tell: Callable[[str], None]) -> None:
    tell(f"filling tables with {active:,} active enrollments")
    _create_database()
    large_database = {"BENCH_DATABASE": _DATABASE}
    small_name, large_name = f"{SMALL:,} active", f"{active:,} active"
    with ExitStack() as stack:
        (small,) = stack.enter_context(processes.workers(1))
        (filler,) = stack.enter_context(processes.workers(1, large_database))
        filler.ask("fill", count=active, opens=_OPENS)
        (large,) = stack.enter_context(processes.workers(1, large_database))
        # the tables must still be nearly full in the last round
        share = min(SMALL, active // (rounds + 1) // 2)
        decided = 0

        def run_large() -> float:
            nonlocal decided
            answer = large.ask("engine", batch=batch, limit=share)
            decided += share
            filler.ask("check", count=decided)
            return float(answer["done"] / answer["seconds"])

        run_large()
        contestants = [Contestant(small_name, _small(small, batch)), Contestant(large_name, run_large)]
        rates = take_turns(rounds, contestants, tell)
        peak = large.ask("memory")["megabytes"]
    report.add_rates("The engine, 1 worker, all enrollments due", "steps/s", rates)
    report.add_ratio(f"{active:,} active ÷ {SMALL:,} active, rate", ratio(rates, large_name, small_name), least(0.7))
    report.add(f"worker memory at {active:,} active, peak", f"{peak:.0f} MB", peak, most(120, " MB"))


def _small(worker: Worker, batch: int) -> Callable[[], float]:
    def once() -> float:
        fill(Filling(SMALL, opens=_OPENS))
        answer = worker.ask("engine", batch=batch)
        check_decided(SMALL)
        return float(answer["done"] / answer["seconds"])

    return once


def _create_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE])
        if not cursor.fetchone():
            cursor.execute(f"CREATE DATABASE {_DATABASE}")
    migration = start("manage.py", "migrate", "--verbosity", "0", environment={"BENCH_DATABASE": _DATABASE})
    failed = migration.wait()
    end(migration)
    if failed:
        raise WrongResultError(f"the database {_DATABASE} cannot be migrated; its error stands above")
