"""Several hosts on one database: clusters and executors in processes of their own share the work, and do it once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any

import psutil
import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

from common.notify import notify_engine
from emails.models import EmailMessage, Mailbox
from execution.models import Worker
from execution.worker.schedules import sync_schedules
from sequences.models import Enrollment, Sequence
from simulation.mail_server import MailServer
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.processes import DEADLINE_SECONDS, Executor, wait_until
from tests.faults.promises import assert_ledger_explains

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

CLUSTERS, EXECUTORS, MAILBOXES, PEOPLE = 2, 2, 24, 60
# A cluster looks at its schedules when it has run for half a minute: this one takes half a minute a round.
LOOKS_AT_ONCE = "import django; django.setup(); from django_q.conf import Conf; Conf.GUARD_CYCLE = 30"
# Small batches, so that there is work for every process.
ENV: dict[str, Any] = {"Q_WORKERS": "1", "EXECUTOR_BATCH_SIZE": "5", "LOG_LEVEL": "ERROR"}


class Crowd:
    """People enrolled until each worker has decided and sent something, however late the machine lets it begin."""

    def __init__(self, port: int) -> None:
        self.sequence: Sequence = SequenceFactory()
        StepFactory(sequence=self.sequence)
        StepFactory(sequence=self.sequence, subject="", body="Did this reach you?")
        self.mailboxes: list[Mailbox] = [
            MailboxFactory(workspace=self.sequence.workspace, smtp_port=port) for _ in range(MAILBOXES)
        ]

    def has_reached_every_process(self) -> bool:
        if all(worker.decided and worker.delivered for worker in Worker.objects.all()):
            return True
        if Enrollment.objects.filter(status="active").count() < PEOPLE:
            self._enroll()
        return False

    def _enroll(self) -> None:
        with transaction.atomic():
            for number in range(PEOPLE):
                EnrollmentFactory(sequence=self.sequence, mailbox=self.mailboxes[number % MAILBOXES], at=timezone.now())
            notify_engine()


def test_clusters_and_executors_share_the_work_and_each_schedule_runs_once(database_url: str) -> None:
    sync_schedules(engines=CLUSTERS)
    # due now, and again after the test
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1), minutes=60)
    with MailServer() as server, ExitStack() as stack:
        crowd = Crowd(server.port)
        executors = [stack.enter_context(Executor(database_url, "run_executor", **ENV)) for _ in range(EXECUTORS)]
        clusters = [stack.enter_context(cluster(database_url)) for _ in range(CLUSTERS)]
        wait_until(lambda: Worker.objects.count() == EXECUTORS + CLUSTERS, "all of them run")
        jobs = [int(name.rpartition(":")[2]) for name in names_of("qcluster")]
        # one on each host, though either could have taken both
        assert sorted(map(cluster_of, jobs)) == sorted(host.process.pid for host in clusters)

        wait_until(crowd.has_reached_every_process, "each has decided and sent something")
        wait_until(lambda: not Enrollment.objects.filter(status="active").exists(), "all people have come to their end")
        assert [executor.stop() for executor in executors] == [0] * EXECUTORS
        for host in clusters:
            host.send(signal.SIGTERM)
        assert [host.process.wait(DEADLINE_SECONDS) for host in clusters] == [0] * CLUSTERS
        received = list(server.messages)

    people = Enrollment.objects.filter(status="completed").count()
    assert people == Enrollment.objects.count()
    assert_ledger_explains(received)
    assert len(received) == EmailMessage.objects.filter(status="sent").count() == 2 * people
    workers = list(Worker.objects.all())
    assert len(workers) == EXECUTORS + CLUSTERS, "no schedule was run a second time"
    assert all(worker.stopped_at for worker in workers)
    assert sum(worker.delivered for worker in workers) == len(received)


@contextmanager
def cluster(database_url: str) -> Iterator[Executor]:
    """A `qcluster`; whatever it has left when the test fails is ended with it."""
    with Executor(database_url, "qcluster", prelude=LOOKS_AT_ONCE, **ENV) as started:
        family = psutil.Process(started.process.pid)
        try:
            yield started
        finally:
            for child in family.children(recursive=True) if family.is_running() else ():
                with suppress(psutil.NoSuchProcess):
                    child.kill()


def names_of(kind: str) -> list[str]:
    return list(Worker.objects.filter(kind=kind).values_list("name", flat=True))


def cluster_of(job: int) -> int:
    """The process of `qcluster` that a job runs under: its worker's sentinel's parent."""
    pid: int = psutil.Process(job).parents()[1].pid
    return pid
