"""Mailbox health: ramp-up, the bounce rate that pauses, and alerts that are sent once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.models import Mailbox
from emails.pacing.health import measure_health
from execution.control.switches import resume_mailbox
from execution.engine.backoff import Policy
from execution.insight.alerts import reconcile_alerts
from execution.models import Alert
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


class DrivenClock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


def run(clock: DrivenClock) -> None:
    run_until_idle(Options(policy=Policy()), clock)


def sent_messages(mailbox: Mailbox, count: int, at: datetime) -> list[Any]:
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    return [
        SentMessageFactory(
            enrollment=EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=at, wake_at=None),
            at=at,
            is_first_touch=True,
        )
        for _ in range(count)
    ]


def bounce(message: Any, at: datetime) -> None:
    event = NewEvent(EventType.BOUNCED, "test", f"bounce-{message.pk}", at, message_pk=message.pk, bounce_type="hard")
    record_events([event], at)


def test_ramp_up_grows_by_a_step_on_each_day_that_really_sends(server: MailServer) -> None:
    mailbox = MailboxFactory(smtp_port=server.port, ramp_enabled=True, ramp_start=3, ramp_step=2)
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    EnrollmentFactory.create_batch(20, sequence=sequence, mailbox=mailbox)
    clock = DrivenClock(NOW)
    sent: list[int] = []
    # The third day sends nothing, since nothing is due: it must not raise the allowance.
    for day in (0, 1, 3, 4):
        clock.now = NOW + day * DAY + timedelta(minutes=day)
        if day == 1:
            Enrollment.objects.filter(status="active").update(wake_at=clock.now)
        run(clock)
        sent.append(len(server.messages) - sum(sent))
    assert sent == [3, 5, 7, 5]


def test_three_percent_bounces_pause_the_mailbox_and_no_enrollment() -> None:
    mailbox = MailboxFactory()
    messages = sent_messages(mailbox, 100, NOW)
    for message in messages[:2]:
        bounce(message, NOW + timedelta(hours=1))
    mailbox.refresh_from_db()
    assert mailbox.status == "active"
    bounce(messages[2], NOW + timedelta(hours=1))
    mailbox.refresh_from_db()
    assert mailbox.status == "paused"
    assert mailbox.status_actor == "engine"
    assert "3 of the last 100 messages bounced" in mailbox.status_reason
    assert set(Enrollment.objects.filter(mailbox=mailbox).values_list("status", flat=True)) == {"active"}


def test_too_few_messages_conclude_nothing() -> None:
    mailbox = MailboxFactory()
    for message in sent_messages(mailbox, 29, NOW)[:5]:
        bounce(message, NOW)
    mailbox.refresh_from_db()
    assert mailbox.status == "active"
    assert not measure_health(mailbox.pk).is_broken


def test_resuming_an_unhealthy_mailbox_resets_its_count() -> None:
    mailbox = MailboxFactory()
    for message in sent_messages(mailbox, 40, NOW)[:2]:
        bounce(message, NOW)
    mailbox.refresh_from_db()
    assert mailbox.status == "paused"
    resume_mailbox(mailbox, actor="ada@sender.example", now=NOW + DAY)
    assert measure_health(mailbox.pk).messages == 0


def test_an_alert_is_sent_once_until_it_has_cleared(settings: Any) -> None:
    settings.ALERT_EMAILS = ["ops@sender.example"]
    mailbox = MailboxFactory(owner=UserFactory(email="sam@sender.example", username="sam@sender.example"))
    for message in sent_messages(mailbox, 40, NOW)[:2]:
        bounce(message, NOW)

    assert reconcile_alerts(NOW) == 1
    assert reconcile_alerts(NOW + timedelta(minutes=1)) == 0
    # the owner is not shown the operators' addresses
    assert [sent.to for sent in mail.outbox] == [["ops@sender.example"], ["sam@sender.example"]]
    for sent in mail.outbox:
        assert mailbox.address in sent.subject
        assert "resume" in sent.body
        assert f"/admin/emails/mailbox/{mailbox.pk}/change/" in sent.body

    mailbox.refresh_from_db()
    resume_mailbox(mailbox, actor="sam@sender.example", now=NOW + DAY)
    Enrollment.objects.update(wake_at=None)  # what is due and not done would be another trouble
    reconcile_alerts(NOW + DAY)
    assert Alert.objects.get().cleared_at == NOW + DAY


def test_half_of_the_pausing_bounce_rate_warns() -> None:
    mailbox = MailboxFactory()
    messages = sent_messages(mailbox, 100, NOW)
    for message in messages[:2]:
        bounce(message, NOW)
    reconcile_alerts(NOW)
    alert = Alert.objects.get()
    assert alert.key == f"mailbox:{mailbox.pk}:health"
    assert "2 of its last 100 messages bounced" in alert.title


def test_alerts_are_posted_to_the_webhook(settings: Any) -> None:
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as web:
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{web.server_port}/alert"
        thread = threading.Thread(target=web.handle_request)
        thread.start()
        mailbox = MailboxFactory(status="broken", status_reason="535 5.7.8 wrong password", status_actor="engine")
        reconcile_alerts(NOW)
        thread.join(timeout=10)
    assert len(received) == 1
    assert mailbox.address.encode() in received[0]
    assert b"535 5.7.8 wrong password" in received[0]
