"""A mail of 50 MB on a real IMAP server: its beginning counts, and no more of it is fetched or held."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from emails.choices import EventType
from emails.inbound import poll_due_inboxes
from emails.inbound.imap import FetchedMail
from emails.inbound.polling import store_mails
from emails.models import EmailEvent, HookRecord
from tests.emails.inbound.test_hostile import LATER, sent_to
from tests.factories import NOW
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap

pytestmark = [pytest.mark.imap, pytest.mark.django_db(transaction=True)]
LINE = b"QUJD" * 19 + b"\r\n"


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


def test_a_mail_of_50_mb_counts_by_its_beginning_and_is_fetched_no_further(imap: ImapServer) -> None:
    mailbox = imap_mailbox(imap)
    enrollment, message_id = sent_to(mailbox)
    head = b"From: ada@prospect.example\r\nSubject: Re: Hello\r\nIn-Reply-To: " + message_id + b"\r\n"
    head += b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    text = b"--b\r\nContent-Type: text/plain\r\n\r\nTell me more, please.\r\n--b\r\n"
    attached = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    attached += LINE * (50 * 2**20 // len(LINE)) + b"--b--\r\n"
    imap.append(mailbox.address, head + text + attached, NOW)
    # the vocabularies are read once, before the memory is measured
    store_mails(
        [FetchedMail(1, NOW, b"From: jo@else.example\r\nSubject: Hello\r\n\r\nHello, are you there?")], mailbox, NOW
    )
    tracemalloc.start()
    try:
        assert poll_due_inboxes(LATER, [mailbox.pk]) == 1
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    event = EmailEvent.objects.get(type=EventType.REPLIED)
    assert (event.enrollment_id, event.payload["text"]) == (enrollment.pk, "Tell me more, please.")
    assert HookRecord.objects.get().what == "a mail is set aside: it is larger than 25 MB, only its beginning was read"
