"""One job per email step, the work of `row_by_row` in each: as tasks of procrastinate, dramatiq and django-q2.

Also the program of their worker processes: `python -m benchmarks.queue_jobs procrastinate|dramatiq`, which works until
its queue is empty. django-q2 has a program of its own.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import django

THREADS = 4


def work(enrollment_id: int) -> None:
    """Called by django-q2 by name."""
    from benchmarks.row_by_row import decide_email

    decide_email(enrollment_id)


@cache
def _procrastinate_task() -> Any:
    from procrastinate.contrib.django import app

    return app.task(queue="bench", name="decide_email")(work)


@cache
def _dramatiq_actor() -> Any:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS_URL"]))
    return dramatiq.actor(work, queue_name="bench")


def enqueue(peer: str, enrollment_ids: Sequence[int]) -> None:
    """One job for each; before anything is measured."""
    if peer == "procrastinate":
        _procrastinate_task().batch_defer(*({"enrollment_id": id} for id in enrollment_ids))
    elif peer == "dramatiq":
        actor = _dramatiq_actor()
        for id in enrollment_ids:
            actor.send(id)
    else:
        from django_q.tasks import async_task

        for id in enrollment_ids:
            async_task("benchmarks.queue_jobs.work", id)


def _run_procrastinate() -> None:
    from procrastinate.contrib.django import app

    _procrastinate_task()
    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:
        worker_app.run_worker(
            queues=["bench"], concurrency=THREADS, wait=False, listen_notify=False, delete_jobs="always"
        )


def _run_dramatiq() -> None:
    import dramatiq

    actor = _dramatiq_actor()
    worker = dramatiq.Worker(actor.broker, worker_threads=THREADS)
    worker.start()
    actor.broker.join("bench")
    worker.join()
    worker.stop()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    logging.disable(logging.CRITICAL)
    django.setup()
    {"procrastinate": _run_procrastinate, "dramatiq": _run_dramatiq}[sys.argv[1]]()


if __name__ == "__main__":
    main()
