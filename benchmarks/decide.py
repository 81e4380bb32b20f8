"""Deciding an email step: the engine, one row at a time, one job per step on other queues, and PostgreSQL's own limits.

Every contestant starts from the same tables and leaves the same rows, which are counted, or the run fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from unittest.mock import patch

from django.db import connection

from benchmarks import in_database, processes, queue_jobs, row_by_row
from benchmarks.processes import Worker, end, start, together, wait_until
from benchmarks.report import Report, least, most
from benchmarks.rounds import Contestant, Rates, best, ratio, take_turns
from benchmarks.tables import (
    HOT_TABLES,
    NOW,
    Filling,
    check_decided,
    count_messages,
    fill,
    message_seconds,
)
from common import db
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick

ENGINE_1, ENGINE_2 = "the engine, 1 worker", "the engine, 2 workers"
NAIVE = "row by row, 1 process"
INSIDE_1, INSIDE_2 = "inside PostgreSQL with facts, 1 connection", "inside PostgreSQL with facts, 2 connections"
BARE_1, BARE_2 = "inside PostgreSQL without facts, 1 connection", "inside PostgreSQL without facts, 2 connections"
COPY_2 = "three writes only, by COPY, 2 connections"
QUEUES = {
    "procrastinate": f"one job per step: procrastinate, 2 processes of {queue_jobs.THREADS}",
    "dramatiq": f"one job per step: dramatiq with Redis, 2 processes of {queue_jobs.THREADS} threads",
    "django-q2": "one job per step: django-q2 with its ORM broker, 2 processes",
}


_LIVED_IN = 50_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many steps each contestant gets a round, and how many the engine takes per transaction."""

    steps: int
    slow_steps: int
    batch: int


def measure(report: Report, rounds: int, sizes: Sizes, tell: Callable[[str], None]) -> None:
    with ExitStack() as stack:
        pair = stack.enter_context(processes.workers(2))
        redis = stack.enter_context(processes.redis_server())
        contestants = [*_batched(pair, sizes), _naive(pair[0], sizes), *_queues(redis, sizes)]
        for contestant in contestants[:2]:
            contestant.run()  # imports, first plans and growing files are not measured
        rates = take_turns(rounds, contestants, tell)
    skipped = [] if redis else ["dramatiq: skipped, since redis-server is not installed"]
    report.add_rates("Deciding an email step", "steps/s", rates, skipped)
    _compare(report, rates)
    _describe_batches(report, sizes)


def _compare(report: Report, rates: Rates) -> None:
    queue = best(rates, QUEUES.values())
    if queue is not None:
        figure = ratio(rates, ENGINE_2, queue)
        report.add_ratio("decided steps/s ÷ best one-job-per-step queue, both with 2 processes", figure, least(30))
    report.add_ratio("decided steps/s ÷ the naive loop, 1 process each", ratio(rates, ENGINE_1, NAIVE), least(50))
    report.add_ratio("÷ everything inside PostgreSQL, 1 connection", ratio(rates, ENGINE_1, INSIDE_1), least(0.6))
    report.add_ratio("÷ everything inside PostgreSQL, 2 connections", ratio(rates, ENGINE_2, INSIDE_2), least(0.6))
    report.add_ratio("÷ the same without looking at facts, 1 connection", ratio(rates, ENGINE_1, BARE_1))
    report.add_ratio("÷ the same without looking at facts, 2 connections", ratio(rates, ENGINE_2, BARE_2))
    report.add_ratio("÷ three writes only, by COPY, 2 connections", ratio(rates, ENGINE_2, COPY_2))
    report.add_ratio("2 workers ÷ 1", ratio(rates, ENGINE_2, ENGINE_1), least(1.7))


def _batched(pair: Sequence[Worker], sizes: Sizes) -> list[Contestant]:
    def run(way: str, count: int) -> Callable[[], float]:
        def once() -> float:
            fill(Filling(sizes.steps, history=1))
            done, seconds = together(pair[:count], way, batch=sizes.batch)
            check_decided(sizes.steps)
            return done / seconds

        return once

    def copy() -> float:
        fill(Filling(sizes.steps, history=1))
        for share, worker in enumerate(pair):
            worker.ask("prepare copies", share=share, shares=len(pair))
        done, seconds = together(pair, "copy", batch=sizes.batch)
        in_database.check_copied(sizes.steps)
        return done / seconds

    ways = {"engine": (ENGINE_1, ENGINE_2), "in database": (INSIDE_1, INSIDE_2), "in database, bare": (BARE_1, BARE_2)}
    batched = [Contestant(names[n - 1], run(way, n)) for n in (1, 2) for way, names in ways.items()]
    return [*batched, Contestant(COPY_2, copy)]


def _naive(worker: Worker, sizes: Sizes) -> Contestant:
    def once() -> float:
        fill(Filling(sizes.slow_steps, history=1))
        done, seconds = together([worker], "row by row", batch=1)
        check_decided(sizes.slow_steps)
        return done / seconds

    return Contestant(NAIVE, once)


def _queues(redis: str | None, sizes: Sizes) -> Iterator[Contestant]:
    """Rates from the first step's commit to the last one's: neither enqueueing nor starting is held against them."""

    def run(peer: str) -> Callable[[], float]:
        def once() -> float:
            fill(Filling(sizes.slow_steps, history=1))
            queue_jobs.enqueue(peer, row_by_row.due_ids())
            _work_off(peer, sizes.slow_steps)
            check_decided(sizes.slow_steps)
            return (sizes.slow_steps - 1) / message_seconds()

        return once

    if redis is not None:
        os.environ["BENCH_REDIS_URL"] = redis
    for peer, name in QUEUES.items():
        if peer != "dramatiq" or redis is not None:
            yield Contestant(name, run(peer))


def _work_off(peer: str, count: int) -> None:
    command = ["manage.py", "qcluster"] if peer == "django-q2" else ["-m", "benchmarks.queue_jobs", peer]
    peers = {"BENCH_PEERS": "1"}
    started = [start(*command, environment=peers) for _ in range(1 if peer == "django-q2" else 2)]
    try:
        wait_until(
            lambda: count_messages() >= count or any(process.poll() for process in started),
            f"{peer} decides {count} steps",
            seconds=120,
            pause=0.2,
        )
    finally:
        for process in started:
            end(process)


def _describe_batches(report: Report, sizes: Sizes) -> None:
    """What does not depend on the machine: statements, commits, WAL and sequential scans of full batches.

    In tables that have lived for a while: in an empty one a sequential scan is the fastest way.
    """
    batches = 20
    fill(Filling(_LIVED_IN, history=3))
    for _ in range(batches):
        run_tick(NOW, sizes.batch, Policy())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    before = _counters()
    with (
        patch.object(db, "_execute", wraps=db._execute) as execute,
        patch.object(connection, "_commit", wraps=connection._commit) as commit,
    ):
        done = sum(run_tick(NOW, sizes.batch, Policy()).claimed for _ in range(batches))
    statements, commits = execute.call_count, commit.call_count
    wal, scans = (after - was for after, was in zip(_counters(), before, strict=True))
    report.add("statements per batch", f"{statements / batches:.1f}", statements / batches, most(10))
    report.add("commits per batch", f"{commits / batches:.1f}", commits / batches, most(1))
    report.add("WAL per email step", f"{wal / done / 1000:.2f} kB", wal / done / 1000, most(3.5, " kB"))
    report.add("sequential scans in hot statements", str(scans), scans, most(0))


def _counters() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, "
            "(SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname = ANY(%s))",
            [list(HOT_TABLES)],
        )
        wal, scans = cursor.fetchone()
        return int(wal), int(scans)
