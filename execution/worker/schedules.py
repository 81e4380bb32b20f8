"""The schedules that django-q2 runs: exactly these. The cluster distributes them and holds no other state."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django_q.models import Schedule


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is safe to run twice, late, or never for a while; `minutes` apart."""

    name: str
    function: str
    minutes: int


_OURS = "sequence-executor: "
# stored schedules name this path, so it stays (see execution/jobs.py)
ENGINE_FUNCTION = "execution.jobs.run_engine"
#: What the desk lets superusers schedule and run again: all without arguments.
OUR_FUNCTIONS = (ENGINE_FUNCTION,)


def list_jobs(engines: int) -> list[Job]:
    """One schedule per engine: it runs once a minute on one of the hosts, whatever the number of clusters."""
    names = [f"{_OURS}engine{f' {number}' if number > 1 else ''}" for number in range(1, engines + 1)]
    return [Job(name, ENGINE_FUNCTION, 1) for name in names]


def sync_schedules(engines: int | None = None) -> tuple[int, int]:
    """Make the schedules exactly those listed. Idempotent; None keeps the number. Returns (installed, removed)."""
    installed = Schedule.objects.filter(name__startswith=_OURS, func=ENGINE_FUNCTION).count()
    jobs = list_jobs(engines or max(installed, 1))
    with transaction.atomic():
        names = [job.name for job in jobs]
        removed, _ = Schedule.objects.filter(name__startswith=_OURS).exclude(name__in=names).delete()
        for job in jobs:
            Schedule.objects.update_or_create(
                name=job.name,
                defaults={
                    "func": job.function,
                    "schedule_type": Schedule.MINUTES,
                    "minutes": job.minutes,
                    "repeats": -1,
                },
            )
    return len(names), removed
