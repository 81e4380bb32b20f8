"""Messages of unknown outcome: what the Sent folder of a real IMAP server proves, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from emails.choices import MessageStatus
from emails.inbound import resolve_unknown_by_evidence
from emails.models import EmailMessage, Mailbox
from sequences.models import Enrollment
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap

pytestmark = [pytest.mark.imap, pytest.mark.django_db]

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


def copy_of(message: EmailMessage) -> bytes:
    return f"Message-ID: {message.message_id}\r\nSubject: Hello\r\n\r\nA word.\r\n".encode()


def unknown_message(mailbox: Mailbox, at: datetime) -> EmailMessage:
    message: EmailMessage = EmailMessageFactory(
        enrollment=EnrollmentFactory(sequence__workspace=mailbox.workspace, mailbox=mailbox, wake_at=None),
        status=MessageStatus.UNKNOWN.value,
        attempts=1,
        handed_over_at=at,
        unknown_at=at,
    )
    return message


def test_a_copy_in_the_sent_folder_proves_that_an_unknown_message_left(imap: ImapServer) -> None:
    mailbox = imap_mailbox(imap)
    left, lost = unknown_message(mailbox, NOW), unknown_message(mailbox, NOW)
    imap.append(mailbox.address, copy_of(left), NOW, folder="Outbox")

    assert resolve_unknown_by_evidence(NOW + MINUTE) == 1

    left.refresh_from_db()
    lost.refresh_from_db()
    assert (left.status, left.sent_at, left.resolved_by) == ("sent", NOW, "evidence:imap")
    assert lost.status == "unknown"
    enrollment = Enrollment.objects.get(pk=left.enrollment_id)
    assert (enrollment.wake_at, enrollment.emails_sent) == (NOW + MINUTE, 1)


def test_evidence_is_searched_once_a_minute_for_an_hour(imap: ImapServer) -> None:
    mailbox = imap_mailbox(imap)
    message = unknown_message(mailbox, NOW)
    assert resolve_unknown_by_evidence(NOW + MINUTE) == 0
    imap.append(mailbox.address, copy_of(message), NOW, folder="Outbox")
    assert resolve_unknown_by_evidence(NOW + MINUTE + timedelta(seconds=59)) == 0
    assert resolve_unknown_by_evidence(NOW + timedelta(minutes=60)) == 0
    assert resolve_unknown_by_evidence(NOW + timedelta(minutes=59)) == 1


def test_an_unavailable_imap_server_proves_nothing_and_harms_nothing(imap: ImapServer) -> None:
    mailbox = imap_mailbox(imap)
    Mailbox.objects.filter(pk=mailbox.pk).update(credentials={"imap_password": "wrong-secret"})
    message = unknown_message(mailbox, NOW)
    imap.append(mailbox.address, copy_of(message), NOW, folder="Outbox")
    assert resolve_unknown_by_evidence(NOW + MINUTE) == 0
    message.refresh_from_db()
    assert message.status == MessageStatus.UNKNOWN
