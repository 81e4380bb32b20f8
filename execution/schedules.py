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


JOBS = (Job("sequence-executor: engine", "execution.jobs.run_engine", 1),)
_OURS = "sequence-executor: "


def sync_schedules() -> tuple[int, int]:
    """Make the schedules exactly those listed. Idempotent. Returns (installed, removed)."""
    with transaction.atomic():
        names = [job.name for job in JOBS]
        removed, _ = Schedule.objects.filter(name__startswith=_OURS).exclude(name__in=names).delete()
        for job in JOBS:
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
