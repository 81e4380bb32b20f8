"""Reports that come in to the envelope sender of one message: the same proof as its Message-ID."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from emails.inbound.imap import FetchedMail
from emails.inbound.polling import store_mails
from emails.models import EmailEvent, EmailMessage, Mailbox, Suppression
from emails.tracking.bounce_addresses import bounce_address
from simulation.mail_server import MailServer
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(hours=1)
OPTION = {"bounce_token": True}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def send_one(server: MailServer, **options: object) -> EmailMessage:
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?", delay_days=3)
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port, transport_options=options)
    EnrollmentFactory(sequence=sequence, mailbox=mailbox)
    DrivenClock().run()
    return EmailMessage.objects.get()


def report(to: str, recipient: str, header: str = "To") -> bytes:
    return f"""From: MAILER-DAEMON@mx.prospect.example
{header}: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@mx.prospect.example>
Content-Type: text/plain

Your message could not be delivered:

<{recipient}>: 550 5.1.1 User unknown
""".encode()


def store(mailbox: Mailbox, raw: bytes) -> EmailEvent:
    store_mails([FetchedMail(1, LATER, raw)], mailbox, LATER)
    return EmailEvent.objects.get()


def test_the_envelope_sender_alone_carries_the_token(server: MailServer) -> None:
    message = send_one(server, **OPTION)
    [received] = server.messages
    assert received.sender == bounce_address(message.mailbox.address, message.pk)
    assert received.recipients == (message.recipient,)
    assert message.mailbox.address in str(received.parsed["From"])
    assert "+b-" not in received.data.decode()


def test_without_the_option_the_mailbox_itself_is_the_sender(server: MailServer) -> None:
    message = send_one(server)
    assert server.messages[0].sender == message.mailbox.address


@pytest.mark.parametrize("header", ["To", "Delivered-To", "X-Original-To", "Original-Recipient"])
def test_a_report_to_the_token_has_a_permanent_effect(server: MailServer, header: str) -> None:
    message = send_one(server, **OPTION)
    to = bounce_address(message.mailbox.address, message.pk)
    value = f"rfc822; {to}" if header == "Original-Recipient" else to
    event = store(message.mailbox, report(value, message.recipient, header))
    assert (event.type, event.bounce_type, event.message_id) == ("bounced", "hard", message.pk)
    assert Suppression.objects.get().email == message.recipient


def test_a_forged_token_proves_nothing(server: MailServer) -> None:
    message = send_one(server, **OPTION)
    forged = f"sdr+b-{message.pk:x}-aaaaaaaaaaaaaaaa@sender.example"
    event = store(message.mailbox, report(forged, message.recipient))
    assert (event.type, event.bounce_type) == ("bounced", "soft")
    assert not Suppression.objects.exists()


def test_a_token_proves_nothing_about_another_recipient(server: MailServer) -> None:
    message = send_one(server, **OPTION)
    to = bounce_address(message.mailbox.address, message.pk)
    event = store(message.mailbox, report(to, "another@prospect.example"))
    assert event.bounce_type == "soft"
    assert not Suppression.objects.exists()


def test_a_token_of_another_workspace_concerns_nothing(server: MailServer) -> None:
    message = send_one(server, **OPTION)
    to = bounce_address(message.mailbox.address, message.pk)
    store_mails([FetchedMail(1, LATER, report(to, message.recipient))], MailboxFactory(), LATER)
    assert not EmailEvent.objects.exists()
