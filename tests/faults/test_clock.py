"""A host whose clock leaps: its worker takes nothing until it is right again, and writes no time of the leap."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from emails.models import EmailMessage, Mailbox
from execution.models import Alert, ExecutionLog, Worker
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.processes import ROOT, Executor, child_env, wait_until
from tests.faults.promises import assert_ledger_explains
from tests.support.programs import find_faketime, required

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

PACE: dict[str, Any] = {"gap_seconds": 1, "jitter_seconds": 1}


class FakedClock:
    """A clock that processes with `env` share and that `leap` moves, their monotonic clocks aside."""

    def __init__(self, file: Path, library: str) -> None:
        self._file = file
        self.leap(0)
        self.env: dict[str, Any] = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def leap(self, seconds: int) -> None:
        """By so many seconds against the true time; 0 is right."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self._file)


@pytest.fixture
def faked(tmp_path: Path, is_ci: bool) -> FakedClock:
    return FakedClock(tmp_path / "clock", required(find_faketime(), "libfaketime", is_ci))


def enroll(server: MailServer, mailboxes: Sequence[Any]) -> None:
    sequence = SequenceFactory(workspace=mailboxes[0].workspace)
    StepFactory(sequence=sequence)
    for mailbox in mailboxes:
        EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=timezone.now())


def check(database_url: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "run_executor", "--check"]
    environment = child_env(database_url, **env)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("leap_seconds", [3600, -3600])
def test_a_clock_that_leaps_stops_its_worker_and_puts_no_lane_to_sleep(
    leap_seconds: int, faked: FakedClock, database_url: str, server: MailServer
) -> None:
    first = MailboxFactory(smtp_port=server.port, **PACE)
    mailboxes = [first, MailboxFactory(smtp_port=server.port, workspace=first.workspace, **PACE)]
    enroll(server, mailboxes)
    with Executor(database_url, "run_executor", EXECUTOR_POLL_SECONDS="1", **faked.env) as executor:
        wait_until(lambda: server.message_count == 2, "it sends while its clock is right")
        later = EnrollmentFactory(
            sequence=Enrollment.objects.first().sequence,  # type: ignore[union-attr]
            mailbox=first,
            at=timezone.now() + timedelta(minutes=30),
        )
        faked.leap(leap_seconds)
        enroll(server, mailboxes)
        wait_until(lambda: Alert.objects.filter(key__startswith="clock:", cleared_at=None).exists(), "an alert")
        assert server.message_count == 2, "nothing is sent by a clock that is wrong"
        worker = Worker.objects.get()
        assert worker.clock_offset_seconds == pytest.approx(leap_seconds, abs=15)
        assert abs(worker.heartbeat_at - timezone.now()) < timedelta(seconds=30), "its heartbeat has the right time"
        direction = "ahead of" if leap_seconds > 0 else "behind"
        for env in ({}, faked.env):
            failed = check(database_url, **env)
            assert failed.returncode == 1
            assert "1 workers alive" in failed.stderr
            assert f"seconds {direction} the database's" in failed.stderr

        faked.leap(0)
        wait_until(lambda: server.message_count == 4, "it goes on with a clock that is right")
        wait_until(lambda: not Alert.objects.filter(cleared_at=None).exists(), "the alert clears")
        assert check(database_url).returncode == 0
        assert executor.stop() == 0
    soon = timezone.now() + timedelta(minutes=1)
    assert not Mailbox.objects.filter(lane_at__gt=soon).exists()
    assert not Mailbox.objects.filter(next_slot_at__gt=soon).exists()
    assert not EmailMessage.objects.filter(handed_over_at__gt=soon).exists()
    assert not ExecutionLog.objects.filter(at__gt=soon).exists()
    later.refresh_from_db()
    assert later.status == "active", "what is due in half an hour was not decided by the leap"
    assert_ledger_explains(server.messages)
