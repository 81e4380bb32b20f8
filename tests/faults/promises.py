"""Invariants after any kill: the server's messages against the ledger, and every enrollment at an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from emails.models import EmailMessage
from execution.engine.backoff import Policy
from execution.models import DeadLetter
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.models import Enrollment
from simulation.mail_server import ReceivedMessage

LEASE_IS_OVER = timedelta(minutes=2)


def run_successor(ahead: timedelta = LEASE_IS_OVER) -> tuple[int, int]:
    """Run another executor after every lease has expired, until nothing is due."""
    return run_until_idle(Options(policy=Policy()), lambda: timezone.now() + ahead)


def run_at(now: datetime) -> tuple[int, int]:
    return run_until_idle(Options(policy=Policy()), lambda: now)


def assert_ledger_explains(received: Sequence[ReceivedMessage]) -> None:
    """P1: the server has no message twice, none that the ledger does not know, and every one the ledger calls sent.

    What the server has beyond that is `unknown` in the ledger, never queued: it cannot be sent again by itself.
    """
    ledger = {message.message_id: message for message in EmailMessage.objects.all()}
    at_server = Counter(message.message_id for message in received)
    assert not [message_id for message_id, count in at_server.items() if count > 1], "a message was sent twice"
    assert not set(at_server) - set(ledger), "the server has a message that the ledger does not know"
    runs = Counter((ledger[id].enrollment_id, ledger[id].step_id, ledger[id].visit) for id in at_server)
    assert not [run for run, count in runs.items() if count > 1], "a step was sent twice"
    sent = {message_id for message_id, message in ledger.items() if message.status == "sent"}
    assert not sent - set(at_server), "the ledger calls a message sent that the server never saw"
    beyond = {message_id: ledger[message_id].status for message_id in set(at_server) - sent}
    assert set(beyond.values()) <= {"unknown"}, beyond


def assert_no_enrollment_is_lost() -> None:
    """P4: every enrollment has completed, or needs review because the outcome of one message is unknown."""
    for enrollment in Enrollment.objects.exclude(status="completed"):
        unknown = list(enrollment.messages.filter(status="unknown").values_list("id", flat=True))
        story = list(enrollment.messages.values_list("status", "leased_until", "mailbox__lane_at"))
        assert enrollment.status == "quarantined", (enrollment.pk, enrollment.status, enrollment.wake_at, story)
        row = DeadLetter.objects.get(enrollment=enrollment, resolved_at=None)
        assert row.error_class == "unknown_outcome", row.error
        assert unknown == [row.facts["message"]]
