"""Which executor processes are alive: one row each, updated every few seconds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from common.clocks import is_wrong
from execution.models import Worker

ALIVE_SECONDS = 60
_KEPT = timedelta(days=7)


def start(worker_id: uuid.UUID, name: str, kind: str, now: datetime) -> None:
    Worker.objects.filter(heartbeat_at__lt=now - _KEPT).delete()
    Worker.objects.create(id=worker_id, name=name, kind=kind, started_at=now, heartbeat_at=now)


def beat(
    worker_id: uuid.UUID,
    now: datetime,
    decided: int,
    delivered: int,
    last_processed_at: datetime | None,
    turns: Mapping[str, datetime],
    clock_offset_seconds: float | None = None,
) -> bool:
    """`turns`: when each loop of the process had its last turn. False: there is no such worker.

    `clock_offset_seconds`: by how much its clock is ahead of the database's.
    """
    changed = Worker.objects.filter(pk=worker_id).update(
        heartbeat_at=now,
        decided=decided,
        delivered=delivered,
        last_processed_at=last_processed_at,
        turns={loop: at.isoformat() for loop, at in turns.items()},
        clock_offset_seconds=None if clock_offset_seconds is None else round(clock_offset_seconds, 1),
    )
    return changed > 0


def wrong_clocks(now: datetime) -> list[Worker]:
    """Alive workers that take nothing because their clock is wrong."""
    return [worker for worker in alive_workers(now) if is_wrong(worker.clock_offset_seconds or 0.0)]


def stop(worker_id: uuid.UUID, now: datetime, decided: int, delivered: int, last_processed_at: datetime | None) -> None:
    Worker.objects.filter(pk=worker_id).update(
        heartbeat_at=now, stopped_at=now, decided=decided, delivered=delivered, last_processed_at=last_processed_at
    )


def alive_workers(now: datetime) -> list[Worker]:
    """Workers whose heartbeat is at most a minute old and that have not stopped."""
    since = now - timedelta(seconds=ALIVE_SECONDS)
    return list(Worker.objects.filter(heartbeat_at__gte=since, stopped_at__isnull=True).order_by("started_at"))


def last_processed_at() -> datetime | None:
    return (
        Worker.objects.exclude(last_processed_at=None)
        .order_by("-last_processed_at")
        .values_list("last_processed_at", flat=True)
        .first()
    )
