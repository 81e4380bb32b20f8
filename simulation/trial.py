"""One run of the simulation from its four numbers to its results, and the search for a smaller one that fails too."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from django.core.management import call_command
from django.utils import timezone

from execution.engine.backoff import Policy
from execution.worker.options import Options
from simulation.trial_clock import TrialClock
from simulation.trial_faults import Fault, plan_strikes
from simulation.trial_forecast import ForecastFigures, ForecastWatch
from simulation.trial_inboxes import Inboxes
from simulation.trial_injector import FaultInjector
from simulation.trial_population import count_mailboxes, enroll_again, populate
from simulation.trial_promises import PromiseResult, check_promises
from simulation.trial_server import TrialServer
from simulation.trial_state import probe_other_workspaces, read_stored_state
from simulation.trial_truth import Truth
from simulation.trial_world import TrialWorld

# A Monday at midnight; daylight saving time begins within the week in some of the zones.
_START_AT = datetime(2026, 3, 23, tzinfo=UTC)
_SMALLEST_PEOPLE, _SMALLEST_DAYS = 20, 0.5

Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a run depends on; the same give the same people, actions and strikes. `is_quiet`: nothing comes back."""

    days: float
    people: int
    faults: frozenset[Fault]
    seed: int
    is_quiet: bool = False

    def command(self) -> str:
        faults = ",".join(sorted(self.faults)) if len(self.faults) < len(Fault) else "all"
        return (
            f"simulate --days {self.days:g} --enrollments {self.people} --faults {faults or 'none'} --seed {self.seed}"
            f"{' --quiet' if self.is_quiet else ''}"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """`seconds` of real time; `troubles`: endpoints of the product that did not answer as promised."""

    trial: Trial
    results: list[PromiseResult]
    troubles: list[str]
    people: int
    mailboxes: int
    emails: int
    turns: int
    seconds: float
    forecast: ForecastFigures

    @property
    def is_kept(self) -> bool:
        return not self.troubles and not any(result.broken for result in self.results)

    def present(self) -> dict[str, object]:
        return {
            "ok": self.is_kept,
            "days": self.trial.days,
            "enrollments": self.people,
            "faults": sorted(self.trial.faults),
            "seed": self.trial.seed,
            "mailboxes": self.mailboxes,
            "emails": self.emails,
            "promises": {v.promise: {"broken": v.broken, "figure": v.figure, "cases": v.cases} for v in self.results},
            "troubles": self.troubles,
            "forecast": asdict(self.forecast),
            "seconds": round(self.seconds, 1),
        }


def run_trial(trial: Trial, report: Report) -> Result:
    """Empty the database and run the trial in it. `report` receives how many virtual minutes have passed."""
    began = time.monotonic()
    call_command("flush", interactive=False, verbosity=0)
    truth, inboxes, clock = Truth(), Inboxes(), TrialClock(_START_AT)
    server = TrialServer(truth, clock, trial.seed, trial.faults)
    with server.open(), inboxes.taking_over(), _living_by(clock):
        population = populate(
            truth,
            seed=trial.seed,
            people=trial.people,
            smtp_port=server.smtp.port,
            is_poisoned=Fault.POISON in trial.faults,
            has_fleeting=Fault.ARCHIVE in trial.faults,
            some_come_later=Fault.NEWCOMERS in trial.faults,
            is_quiet=trial.is_quiet,
            now=clock(),
        )
        server.let_in(population.mailboxes)
        world = TrialWorld(
            *(truth, population, server, inboxes, clock, Options(policy=Policy())),
            seed=trial.seed,
            faults=trial.faults,
        )
        ends_at = _START_AT + timedelta(days=trial.days)
        watch = ForecastWatch(world, clock(), trial.days)
        # what stays to the end is not gone through again and again, nor copied by every forked worker
        gc.collect()
        gc.freeze()
        FaultInjector(world).plan(plan_strikes(trial.seed, trial.faults, _START_AT, trial.days))
        reported = _START_AT

        def tell(now: datetime) -> None:
            nonlocal reported
            if (minutes := int((min(now, ends_at) - reported).total_seconds() // 60)) > 0:
                reported += timedelta(minutes=minutes)
                report(minutes)

        world.advance(ends_at, tell)
        world.drain(tell)
        forecast = watch.read(clock())
        # every enrollment has ended: a contact that were enrolled again now would get every text again
        enroll_again(truth, population, clock())
        world.drain(tell)
        gc.unfreeze()
        probe_other_workspaces(truth, population)
        stored = read_stored_state()
    return Result(
        trial=trial,
        results=check_promises(truth, stored),
        troubles=truth.troubles,
        people=trial.people,
        mailboxes=count_mailboxes(trial.people),
        emails=len(truth.receipts),
        turns=world.turns,
        seconds=time.monotonic() - began,
        forecast=forecast,
    )


@contextmanager
def _living_by(clock: TrialClock) -> Iterator[None]:
    with patch.object(timezone, "now", clock):
        yield


def shrink(failed: Result, run: Callable[[Trial], Result]) -> Result:
    """The smallest trial found that breaks a promise too: fewer faults, then fewer people, then fewer days."""
    smallest = failed

    def try_out(trial: Trial) -> bool:
        nonlocal smallest
        result = run(trial)
        if not result.is_kept:
            smallest = result
        return not result.is_kept

    for fault in sorted(failed.trial.faults):
        try_out(replace(smallest.trial, faults=smallest.trial.faults - {fault}))
    while smallest.trial.people // 2 >= _SMALLEST_PEOPLE:
        if not try_out(replace(smallest.trial, people=smallest.trial.people // 2)):
            break
    while smallest.trial.days / 2 >= _SMALLEST_DAYS:
        if not try_out(replace(smallest.trial, days=smallest.trial.days / 2)):
            break
    return smallest
