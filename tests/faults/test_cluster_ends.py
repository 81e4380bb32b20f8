"""`qcluster` as a family of processes: whichever of them is killed, all end, and a stop ends them in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from execution.models import Worker
from execution.worker.schedules import list_jobs, sync_schedules
from execution.worker.watchdog import SILENT_SECONDS, Watchdog
from tests.faults.processes import DEADLINE_SECONDS, ROOT, child_env, has_ended, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

WORKERS = 2


class Cluster:
    """A `qcluster` in a process group of its own, with its processes by role."""

    def __init__(self, database_url: str, log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "qcluster"], cwd=ROOT, start_new_session=True, stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=child_env(database_url, Q_WORKERS=str(WORKERS), LOG_LEVEL="INFO"),
            )  # fmt: skip
        wait_until(lambda: b"running." in log.read_bytes(), "the cluster runs")
        first = psutil.Process(self.process.pid)
        (sentinel,) = first.children()
        workers = wait_until(lambda: self._find(sentinel, WORKERS + 2), "all processes are there")
        self.roles = dict(zip(("worker", "second worker", "monitor", "pusher"), workers, strict=True))
        self.roles |= {"sentinel": sentinel, "first process": first}

    @staticmethod
    def _find(sentinel: psutil.Process, count: int) -> list[psutil.Process]:
        found = sorted(sentinel.children(), key=lambda process: process.pid)
        return found if len(found) == count else []

    def wait(self, seconds: float = DEADLINE_SECONDS) -> int:
        return self.process.wait(timeout=seconds)

    def left(self) -> list[str]:
        return [role for role, process in self.roles.items() if not has_ended(process)]

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=DEADLINE_SECONDS)


@pytest.fixture
def cluster(database_url: str, tmp_path: Path) -> Iterator[Cluster]:
    started = Cluster(database_url, tmp_path / "cluster.log")
    try:
        yield started
    finally:
        started.close()


def engine_pid() -> int:
    worker = Worker.objects.filter(stopped_at=None).first()
    return int(worker.name.rpartition(":")[2]) if worker else 0


@pytest.mark.parametrize("role", ["worker", "monitor", "pusher", "sentinel"])
def test_a_killed_process_ends_the_whole_cluster_with_an_error(cluster: Cluster, role: str) -> None:
    cluster.roles[role].kill()
    assert cluster.wait() == 1, cluster.log.read_text()
    assert cluster.left() == []
    assert "the cluster has ended, start it again" in cluster.log.read_text().splitlines()[-1]


def test_a_killed_first_process_leaves_none_of_the_others(cluster: Cluster) -> None:
    cluster.process.kill()
    wait_until(lambda: not cluster.left(), "the others have ended")


@pytest.mark.parametrize("role", ["first process", "sentinel", "monitor", "worker with the job"])
def test_a_process_killed_while_an_engine_runs_leaves_no_engine_behind(cluster: Cluster, role: str) -> None:
    async_task(list_jobs(1)[0].function)
    engine = psutil.Process(wait_until(engine_pid, "the engine runs"))
    cluster.roles["worker with the job"] = engine
    cluster.roles[role].kill()
    assert cluster.wait() in {1, -signal.SIGKILL}
    wait_until(lambda: not cluster.left(), "the others have ended")
    if role != "worker with the job":
        # it ended in good order: its leases are released, its end is recorded
        assert not Worker.objects.filter(stopped_at=None).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("by_group", [False, True])
def test_a_signal_to_the_first_process_or_to_all_ends_the_cluster_well(
    cluster: Cluster, number: signal.Signals, by_group: bool
) -> None:
    async_task(list_jobs(1)[0].function)
    wait_until(engine_pid, "the engine runs")
    if by_group:
        os.killpg(cluster.process.pid, number)
    else:
        cluster.process.send_signal(number)
    assert cluster.wait() == 0, cluster.log.read_text()
    assert cluster.left() == []
    assert not Worker.objects.filter(stopped_at=None).exists()
    assert not OrmQ.objects.exists(), "the job was acknowledged"


def test_children_ignore_signals_that_only_the_first_process_takes(cluster: Cluster) -> None:
    for role in ("worker", "monitor", "pusher", "sentinel"):
        cluster.roles[role].send_signal(signal.SIGTERM)
        cluster.roles[role].send_signal(signal.SIGINT)
    async_task(list_jobs(1)[0].function)
    wait_until(engine_pid, "the engine runs")
    assert cluster.process.poll() is None
    assert cluster.left() == list(cluster.roles)


def test_the_watchdog_counts_from_when_a_schedule_was_due_without_a_heartbeat() -> None:
    seconds = 0.0
    sync_schedules()
    Schedule.objects.update(next_run=timezone.now() + timedelta(minutes=1))
    watchdog = Watchdog(lambda: seconds)
    assert watchdog.check() == 0
    seconds = 1_000.0
    assert watchdog.check() == 0, "nothing was due"
    # what the scheduler does: the next run is planned, the job is in the queue and is taken
    Schedule.objects.update(next_run=timezone.now() + timedelta(minutes=2))
    assert watchdog.check() == 0
    seconds += SILENT_SECONDS
    assert watchdog.check() == SILENT_SECONDS
    worker: Any = Worker.objects.create(
        id="00000000-0000-0000-0000-000000000001", name="here:1", kind="qcluster",
        started_at=timezone.now(), heartbeat_at=timezone.now(),
    )  # fmt: skip
    assert watchdog.check() == 0
    Schedule.objects.update(next_run=timezone.now() - timedelta(seconds=1))
    assert watchdog.check() == 0
    seconds += 50
    assert watchdog.check() == 50
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=timezone.now())
    assert watchdog.check() == 0


def test_a_cluster_whose_engine_never_starts_ends_itself(database_url: str, tmp_path: Path) -> None:
    """A worker stands still as if its lock were lost; the watchdog, with little patience, ends all."""
    sync_schedules()
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1))
    code = (
        "import django; django.setup()\n"
        "from execution.worker import watchdog; watchdog.SILENT_SECONDS = 1.0; watchdog._CHECK_SECONDS = 0.2\n"
        "from django_q.conf import Conf; Conf.SCHEDULER = False\n"
        "from django.core.management import execute_from_command_line as run; run(['manage.py', 'qcluster'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=child_env(database_url, Q_WORKERS="1"), text=True,
        capture_output=True, timeout=DEADLINE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no engine has sent a heartbeat for" in done.stderr.splitlines()[-1]
