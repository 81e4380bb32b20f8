"""The schedules that django-q2 runs: exactly these, no more. The cluster distributes them; our rows hold the truth."""

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
# the name that rows of earlier releases call, so it stays (see execution/jobs.py)
_ENGINE = "execution.jobs.run_engine"


def list_jobs(engines: int) -> list[Job]:
    """That many engines at once, on whichever hosts: a schedule runs once a minute, however many clusters there are."""
    names = [f"{_OURS}engine{f' {number}' if number > 1 else ''}" for number in range(1, engines + 1)]
    return [Job(name, _ENGINE, 1) for name in names]


def sync_schedules(engines: int | None = None) -> tuple[int, int]:
    """Make the schedules exactly those listed. Idempotent; None keeps the number. Returns (installed, removed)."""
    there = Schedule.objects.filter(name__startswith=_OURS, func=_ENGINE).count()
    jobs = list_jobs(engines or max(there, 1))
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
