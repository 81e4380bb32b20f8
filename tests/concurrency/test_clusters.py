"""Several clusters on one database: each schedule is run once, and each of its engines adds to the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from unittest import mock

import pytest
from django.db import connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from emails.models import EmailMessage
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.worker.job_broker import FreeWorkersBroker
from execution.worker.schedules import sync_schedules
from sequences.models import Enrollment
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db(transaction=True)
CLUSTERS = 4


def at_once(work: Callable[[], None]) -> None:
    """Each as a host of its own would: on a connection of its own, all at the same moment."""
    start = threading.Barrier(CLUSTERS)

    def run(number: int) -> None:
        try:
            start.wait(30)
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(CLUSTERS) as pool:
        list(pool.map(run, range(CLUSTERS)))


def test_a_due_schedule_is_queued_once_by_any_number_of_clusters() -> None:
    sync_schedules(engines=2)
    due = timezone.now() - timedelta(minutes=5)
    Schedule.objects.update(next_run=due)
    # what django-q2 does with idle connections would close that of the test's thread
    with mock.patch("django_q.scheduler.close_old_django_connections"):
        at_once(partial(scheduler, ORM("sequence-executor")))
    queued = Counter(row.task["group"] for row in OrmQ.objects.all())
    assert queued == {"sequence-executor: engine": 1, "sequence-executor: engine 2": 1}
    # what was missed is not made up for
    assert all(row.next_run > timezone.now() for row in Schedule.objects.all())


def count_jobs(broker: FreeWorkersBroker) -> int:
    """How many it takes when it looks once."""
    return len(broker.dequeue() or ())


def test_a_cluster_takes_no_more_jobs_than_it_has_free_workers() -> None:
    first, second = FreeWorkersBroker(), FreeWorkersBroker()
    for _ in range(5):
        OrmQ.objects.create(key=first.list_key, payload="job", lock=timezone.now() - timedelta(seconds=1))
    with (
        mock.patch.object(Conf, "WORKERS", 2),
        mock.patch("execution.worker.job_broker.time") as clock,
        mock.patch("django_q.brokers.orm.db.close_old_connections"),
    ):
        clock.monotonic.return_value = 0.0
        assert [count_jobs(first) for _ in range(4)] == [1, 1, 0, 0]
        assert count_jobs(second) == 1
        # one of its jobs has ended
        first.acknowledge(next(iter(first._taken)))
        assert [count_jobs(first) for _ in range(2)] == [1, 0]
        # a worker that was killed says nothing any more: its cluster has a new one
        clock.monotonic.return_value = 80.0
        assert count_jobs(first) == 1
    assert OrmQ.objects.filter(lock__lt=timezone.now()).count() == 0


def test_running_clusters_limit_the_jobs_they_take() -> None:
    assert type(get_broker()) is FreeWorkersBroker
    assert Conf.BULK == Conf.QUEUE_LIMIT == 1


def test_engines_of_several_hosts_share_the_work_and_do_nothing_twice() -> None:
    step = StepFactory(sequence=SequenceFactory())
    mailbox = MailboxFactory(workspace=step.sequence.workspace)
    for _ in range(40):
        EnrollmentFactory(sequence=step.sequence, current_step=step, mailbox=mailbox)
    decided: list[int] = []

    def run_to_the_end() -> None:
        while claimed := run_tick(NOW, 3, Policy()).claimed:
            decided.append(claimed)

    at_once(run_to_the_end)
    assert sum(decided) == 40
    assert EmailMessage.objects.count() == len(set(EmailMessage.objects.values_list("enrollment", flat=True))) == 40
    assert not Enrollment.objects.filter(wake_at__lte=NOW).exists()
