"""Three executors, one of them killed every second or so. P1, P4: no step is sent twice, no enrollment is lost."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Literal

import pytest
from django.utils import timezone

from emails.models import EmailMessage
from execution.control.switches import resolve_message
from sequences.models import Enrollment
from simulation.mail_server import read_record
from tests.factories import EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.processes import CommandProcess, kill, mail_server_process
from tests.faults.promises import assert_ledger_explains, assert_no_enrollment_is_lost, run_successor

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(280)]

PEOPLE, MAILBOXES, EXECUTORS = 300, 12, 3
KILLING_SECONDS = 30.0
# Something for each kill to hit: a message spends its time on the network.
SLOW_SECONDS = 0.05


def test_three_executors_killed_at_random_lose_and_repeat_nothing(
    command_process: CommandProcess, tmp_path: Path
) -> None:
    chance = random.Random(20260302)
    record = tmp_path / "mail.jsonl"
    with mail_server_process(record) as port:
        _enroll(port)
        executors = [command_process.start("run_executor", slow_seconds=SLOW_SECONDS) for _ in range(EXECUTORS)]
        kills = 0
        ends = time.monotonic() + KILLING_SECONDS
        try:
            while time.monotonic() < ends and Enrollment.objects.filter(status="active").exists():
                threading.Event().wait(chance.uniform(0.6, 1.4))
                chosen = chance.randrange(EXECUTORS)
                kill(executors[chosen])
                kills += 1
                executors[chosen] = command_process.start("run_executor", slow_seconds=SLOW_SECONDS)
        finally:
            for executor in executors:
                kill(executor)
        assert kills >= 5, "the work was done before any process was killed"

        run_successor()
        assert_ledger_explains(read_record(record))
        assert_no_enrollment_is_lost()

        _resolve_unknown_outcomes(record)
        run_successor()
        received = read_record(record)

    assert_ledger_explains(received)
    held = Enrollment.objects.exclude(status="completed")
    assert not held.exists(), list(held.values_list("status", "last_error", "messages__status"))
    assert len({message.message_id for message in received}) == 3 * PEOPLE == len(received)
    assert EmailMessage.objects.filter(status="sent").count() == 3 * PEOPLE


def _enroll(port: int) -> None:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?")
    StepFactory(sequence=sequence, subject="", body="A last word.")
    mailboxes = [MailboxFactory(workspace=sequence.workspace, smtp_port=port) for _ in range(MAILBOXES)]
    now = timezone.now()
    for number in range(PEOPLE):
        EnrollmentFactory(sequence=sequence, mailbox=mailboxes[number % MAILBOXES], at=now)


def _resolve_unknown_outcomes(record: Path) -> None:
    """Look into the server's record as a person looks into the Sent folder, and say for each what is true."""
    arrived = {message.message_id for message in read_record(record)}
    for message in EmailMessage.objects.filter(status="unknown"):
        answer: Literal["sent", "resend"] = "sent" if message.message_id in arrived else "resend"
        resolve_message(message, answer, actor="sam@acme.example", now=timezone.now(), reason="looked at the record")
