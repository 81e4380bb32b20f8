"""Redis as the broker of a cluster: it distributes jobs and holds nothing else, so that losing it loses nothing."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from execution.models import Worker
from execution.worker.schedules import sync_schedules
from sequences.models import Enrollment, Sequence
from simulation.mail_server import MailServer
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.fakes.redis_server import RedisServer
from tests.faults.processes import Executor, wait_until
from tests.faults.promises import assert_ledger_explains
from tests.support.programs import find_program, required

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

# A cluster looks at its schedules when it has run for half a minute: this one takes half a minute a round.
LOOKS_AT_ONCE = "import django; django.setup(); from django_q.conf import Conf; Conf.GUARD_CYCLE = 30"


@pytest.fixture
def redis_program(is_ci: bool) -> str:
    return required(find_program("redis-server"), "redis-server", is_ci)


def enroll(sequence: Sequence, port: int, people: int) -> None:
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=port)
    for _ in range(people):
        EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=timezone.now())


def due_now() -> None:
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1))


def no_one_waits() -> bool:
    return not Enrollment.objects.filter(status="active").exists()


def test_a_cluster_takes_its_jobs_from_redis_and_loses_nothing_with_it(
    redis_program: str, database_url: str, tmp_path: Path
) -> None:
    sync_schedules()
    due_now()
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    log = tmp_path / "cluster.log"
    with MailServer() as server, RedisServer(redis_program) as redis:
        env: dict[str, Any] = {"REDIS_URL": redis.url, "Q_WORKERS": "1", "LOG_LEVEL": "ERROR"}
        enroll(sequence, server.port, 5)
        with Executor(database_url, "qcluster", prelude=LOOKS_AT_ONCE, log=log, **env) as cluster:
            wait_until(no_one_waits, "its job has sent the emails")
            assert server.message_count == 5
            redis.kill()
            enroll(sequence, server.port, 5)
            wait_until(no_one_waits, "the job that runs already goes on without redis")
            redis.start()
            before = Worker.objects.count()
            wait_until(lambda: Worker.objects.filter(stopped_at=None).count() == 0, "that job has ended", 120)
            enroll(sequence, server.port, 5)
            due_now()
            wait_until(lambda: Worker.objects.count() > before, "a job is taken from the new redis", 180)
            wait_until(no_one_waits, "it sends what waited")
            cluster.send(signal.SIGTERM)
            assert cluster.process.wait(120) == 0
        assert_ledger_explains(server.messages)
        assert server.message_count == 15
    assert not OrmQ.objects.exists(), "the database was not the broker"
