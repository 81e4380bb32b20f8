"""How long single moments take: a conditional, a kill, a start, and 10,000 enrollments that become due at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import processes
from benchmarks.mail_sink import mail_sink
from benchmarks.processes import Worker, end, start, together, wait_until
from benchmarks.report import Report, most
from benchmarks.rounds import Spread, WrongResultError
from benchmarks.tables import NOW, Filling, check_queued, check_split, count_messages, fill
from common.notify import notify_engine
from execution.models import Worker as Heartbeat
from sequences.models import Enrollment

DUE_AT_ONCE = 10_000
_SINGLE = 300
_AHEAD = timedelta(seconds=15)
_PACED = 120

_FREE = """
SELECT count(*) FROM (
    SELECT 1 FROM sequences_enrollment WHERE wake_at <= %s LIMIT %s FOR NO KEY UPDATE SKIP LOCKED) free
"""


def measure(report: Report, rounds: int, batch: int, tell: Callable[[str], None]) -> None:
    with processes.workers(1) as (worker,):
        single, each, inside = _conditionals(worker, rounds, batch, tell)
    _add(report, "one conditional, claim to commit", single, "ms", 5)
    _add(report, "one conditional in a batch", each, "µs", 20)
    _add(report, "one conditional in a batch inside PostgreSQL, without facts", inside, "µs")
    _add(report, "kill −9 → its rows are claimable", _kills(rounds, batch, tell), "ms", 100)
    with mail_sink() as sink:
        _add(report, "process start → first commit", _starts(rounds, sink.port, tell), "s", 1.5)
        late = _due_at_once(rounds, sink.port, tell)
    _add(report, f"due → decided, p95, {DUE_AT_ONCE:,} due at once, default settings", late, "s", 5)


def _add(report: Report, name: str, found: Spread, unit: str, bound: float | None = None) -> None:
    text = f"{found.median:.2f} ({found.least:.2f}–{found.most:.2f}) {unit}"
    report.add(name, text, found.median, None if bound is None else most(bound, f" {unit}"))


def _conditionals(worker: Worker, rounds: int, batch: int, tell: Callable[[str], None]) -> tuple[Spread, ...]:
    """Milliseconds of one alone (a round's median), microseconds of each in full batches: ours, inside PostgreSQL."""
    single: list[float] = []
    each: dict[str, list[float]] = {"engine": [], "branch in database": []}
    for number in range(rounds + 1):
        tell(f"conditionals, round {number} of {rounds}")
        fill(Filling(_SINGLE, splits=True))
        alone = worker.ask("one by one")["each"]
        check_split(_SINGLE)
        # the first round warms up
        if number:
            single.append(Spread.of(alone).median * 1e3)
        for way, took in each.items():
            fill(Filling(DUE_AT_ONCE, splits=True))
            done, seconds = together([worker], way, batch=batch)
            check_split(DUE_AT_ONCE)
            if number:
                took.append(seconds / done * 1e6)
    return Spread.of(single), *(Spread.of(took) for took in each.values())


def _kills(rounds: int, batch: int, tell: Callable[[str], None]) -> Spread:
    """From SIGKILL, of a process that has written a whole batch and not committed it, until all its rows are free."""
    took = []
    fill(Filling(batch))
    for number in range(rounds):
        tell(f"kill −9, round {number + 1} of {rounds}")
        with processes.workers(1) as (worker,):
            worker.ask("hold", batch=batch)
            if _free(batch):
                raise WrongResultError("rows of a worker in the middle of its batch can be claimed")
            began = time.perf_counter()
            worker.kill()
            wait_until(lambda: _free(batch) == batch, "the rows are free", pause=0.001)
            took.append((time.perf_counter() - began) * 1e3)
        if count_messages():
            raise WrongResultError("what was not committed is there")
    return Spread.of(took)


def _free(batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FREE, [NOW, batch])
        return int(cursor.fetchone()[0])


def _starts(rounds: int, port: int, tell: Callable[[str], None]) -> Spread:
    """From the start of `run_executor` until it has committed its first batch."""
    took = []
    for number in range(rounds):
        tell(f"start → first commit, round {number + 1} of {rounds}")
        fill(Filling(500, at=timezone.now(), port=port, gap_seconds=_PACED))
        began = time.perf_counter()
        with _executor():
            wait_until(count_messages, "the first commit", pause=0.002)
            took.append(time.perf_counter() - began)
    return Spread.of(took)


def _due_at_once(rounds: int, port: int, tell: Callable[[str], None]) -> Spread:
    """With a running executor of default settings: until 95 of 100 messages are committed, seen within 10 ms."""
    took = []
    for number in range(rounds):
        tell(f"due → decided, round {number + 1} of {rounds}")
        fill(Filling(DUE_AT_ONCE, at=timezone.now() + timedelta(days=1), port=port, gap_seconds=_PACED))
        Heartbeat.objects.all().delete()
        with _executor():
            wait_until(Heartbeat.objects.exists, "the executor runs")
            due_at = timezone.now() + _AHEAD
            with transaction.atomic():
                Enrollment.objects.update(previous_ended_at=due_at, next_step_at=due_at, wake_at=due_at)
                notify_engine()
            if timezone.now() >= due_at:
                raise WrongResultError("the executor could not know in time what is due; is the machine so busy?")
            wait_until(lambda: count_messages() >= DUE_AT_ONCE * 0.95, "95 of 100 are decided", pause=0.01)
            took.append((timezone.now() - due_at).total_seconds())
            wait_until(lambda: count_messages() >= DUE_AT_ONCE, "all are decided")
        check_queued(DUE_AT_ONCE)
    return Spread.of(took)


@contextmanager
def _executor() -> Iterator[None]:
    process = start("manage.py", "run_executor", quiet=True)
    try:
        yield
    finally:
        end(process)
