"""Hostile mail: replies count in any form, and no mail keeps later ones from being read."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from emails.inbound import poll_due_inboxes, polling, reading
from emails.inbound.cpu_budget import CpuBudget
from emails.inbound.imap import FetchedMail, Folder
from emails.inbound.polling import store_mails
from emails.models import EmailEvent, HookRecord, InboxState, Mailbox
from sequences.models import Enrollment
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SentMessageFactory, SequenceFactory, StepFactory
from tests.faults.database import failing

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(hours=1)
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"


@dataclass
class Inbox:
    """Stands in for the server: the mails in it are numbered from 1."""

    mails: list[bytes] = field(default_factory=list)
    size: int = 0

    def open_folder(self, name: str) -> Folder:
        return Folder(7, len(self.mails) + 1)

    def list_above(self, uid: int) -> list[int]:
        return [number for number in range(1, len(self.mails) + 1) if number > uid]

    def find_folder(self, role: str) -> None:
        return None

    def list_since(self, day: date) -> list[int]:
        return self.list_above(0)

    def fetch(self, uids: Sequence[int]) -> list[FetchedMail]:
        return [FetchedMail(uid, LATER, self.mails[uid - 1], self.size) for uid in uids]


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Inbox:
    opened = Inbox()

    @contextmanager
    def open_imap(mailbox: Mailbox) -> Iterator[Inbox]:
        yield opened

    monkeypatch.setattr(polling, "open_imap", open_imap)
    return opened


@pytest.fixture
def mailbox() -> Mailbox:
    created: Mailbox = MailboxFactory(inbound="imap", imap_host="127.0.0.1")
    return created


def sent_to(mailbox: Mailbox) -> tuple[Enrollment, bytes]:
    """(enrollment, Message-ID) of an email that the contact can answer."""
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    enrollment: Enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox, wake_at=None)
    return enrollment, SentMessageFactory(enrollment=enrollment).message_id.encode()


def nested(depth: int) -> bytes:
    opened = [b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth)]
    return b"".join([b"MIME-Version: 1.0\r\n", *opened, TEXT, b"Yes."])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"", b"Content-Type: text/plain; charset=idna\r\n\r\nYes, \xfc."),
        (b"", b"Content-Type: text/plain; charset=punycode\r\n\r\nYes, \xfc."),
        (b"", b"Content-Type: text/plain; charset=undefined\r\n\r\nYes."),
        (b"", b"Content-Type: text/plain; charset=utf-8\x00\r\n\r\nYes."),
        (b"", b"Content-Type: text/plain; charset=nonsense\r\n\r\nYes."),
        (b"", b"Content-Type: text/plain; " + b"a=b; " * 20_000 + b"\r\n\r\nYes."),
        (b"", nested(3_000)),
        (b"Subject: a\x00b\r\nReferences: <a\x00b@c> <\xff@c>\r\n", TEXT + b"Ye\x00s."),
        (b"Message-ID: <\xff\xed\xa0\x80@c>\r\n", b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-"),
        (b'From: "' + b'"' * 100_000 + b" <ada@prospect.example>\r\n", TEXT + b"Yes."),
        (b"From: " + b"(" * 100_000 + b" <ada@prospect.example>\r\n", TEXT + b"Yes."),
        (b"From: " + b"a" * 100_000 + b"\r\n", TEXT + b"Yes."),
        (b"", TEXT + b"\n" * 100_000 + b"Yes."),
        (b"", TEXT + b"> \n" * 33_000 + b"Yes."),
        (b"", TEXT + b"From: x\n" + b"\n" * 90_000 + b"Yes."),
    ],
    ids=[
        "idna", "punycode", "undefined", "NUL in charset", "unknown charset", "endless parameters", "deep nesting",
        "NUL", "surrogate", "quotes", "comments", "no address", "blank lines", "quote marks", "quote that never comes",
    ],
)  # fmt: skip
def test_an_answer_counts_however_it_is_written(inbox: Inbox, mailbox: Mailbox, headers: bytes, body: bytes) -> None:
    enrollment, message_id = sent_to(mailbox)
    sender = b"" if b"From:" in headers else b"From: ada@prospect.example\r\n"
    inbox.mails.append(sender + headers + b"In-Reply-To: " + message_id + b"\r\n" + body)
    assert poll_due_inboxes(LATER, [mailbox.pk]) == 1
    event = EmailEvent.objects.get()
    assert (event.type, event.enrollment_id) == ("replied", enrollment.pk)
    enrollment.refresh_from_db()
    assert enrollment.wake_at == LATER


def test_the_address_at_the_end_of_a_long_header_is_found(inbox: Inbox, mailbox: Mailbox) -> None:
    enrollment, _ = sent_to(mailbox)
    address = enrollment.contact.email.encode()
    inbox.mails.append(b"From: " + b"x," * 50_000 + b" <" + address + b">\r\nSubject: Hello\r\n" + TEXT + b"Yes.")
    assert poll_due_inboxes(LATER, [mailbox.pk]) == 1
    assert EmailEvent.objects.get().contact_id == enrollment.contact_id


def test_a_mail_that_the_database_refuses_keeps_no_other_away(inbox: Inbox, mailbox: Mailbox) -> None:
    for text in (b"First.", b"Poison.", b"Last."):
        _, message_id = sent_to(mailbox)
        inbox.mails.append(b"From: a@prospect.example\r\nIn-Reply-To: " + message_id + b"\r\n" + TEXT + text)
    # once for the batch, once for the mail alone
    with failing("emails_emailevent", "INSERT", "22P05", when="NEW.detail = 'Poison.'", times=2):
        assert poll_due_inboxes(LATER, [mailbox.pk]) == 2
        assert poll_due_inboxes(LATER + timedelta(minutes=2), [mailbox.pk]) == 0
    assert set(EmailEvent.objects.values_list("detail", flat=True)) == {"First.", "Last."}
    state = InboxState.objects.get()
    assert (state.last_uid, state.last_error) == (3, "")
    mailbox.refresh_from_db()
    assert mailbox.inbox_read_at == LATER + timedelta(minutes=2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_mails_are_read_in_the_memory_of_a_few(
    inbox: Inbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "MAILS_PER_POLL", 50)
    _, message_id = sent_to(mailbox)
    filler = b"A line that another person wrote, and a long one. " * 800
    inbox.mails += [
        b"From: p%d@prospect.example\r\nMessage-ID: <%d@prospect.example>\r\nIn-Reply-To: %s\r\n"
        % (number, number, message_id if not number % 50 else b"<other@elsewhere.example>") + TEXT + filler
        for number in range(1_000)
    ]  # fmt: skip
    peaks: list[int] = []
    new = 0
    for minute in range(1, 30):
        new += poll_due_inboxes(LATER + timedelta(minutes=2 * minute), [mailbox.pk])
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        if InboxState.objects.get().last_uid == 1_000:
            break
    assert new == 20
    assert len(peaks) == 20
    # the first rounds fill caches; all mails together would be half as much again
    assert peaks[-1] < peaks[3] * 1.15


def answer(message_id: bytes, number: int = 1, body: bytes = b"Yes.") -> bytes:
    headers = b"From: ada@prospect.example\r\nMessage-ID: <%d@prospect.example>\r\nIn-Reply-To: " % number
    return headers + message_id + b"\r\n" + TEXT + body


@pytest.mark.parametrize(("size", "records"), [(25 * 2**20, 0), (25 * 2**20 + 1, 1)])
def test_a_huge_mail_is_set_aside_and_its_beginning_counts(
    inbox: Inbox, mailbox: Mailbox, size: int, records: int
) -> None:
    enrollment, message_id = sent_to(mailbox)
    inbox.mails.append(answer(message_id))
    inbox.size = size
    assert poll_due_inboxes(LATER, [mailbox.pk]) == 1
    assert EmailEvent.objects.get().enrollment_id == enrollment.pk
    found = list(HookRecord.objects.values_list("what", flat=True))
    assert found == ["a mail is set aside: it is larger than 25 MB, only its beginning was read"] * records


def test_a_mail_that_takes_too_long_is_set_aside_and_the_next_is_read(
    inbox: Inbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, message_id = sent_to(mailbox)
    inbox.mails += [answer(message_id, 1), answer(message_id, 2)]
    seconds = iter([-1.0, 60.0, 60.0])
    monkeypatch.setattr(reading, "CpuBudget", lambda: CpuBudget(next(seconds)))
    assert poll_due_inboxes(LATER, [mailbox.pk]) == 2
    assert [event.payload["text"] for event in EmailEvent.objects.order_by("provider_event_id")][1] == "Yes."
    assert "processor time, only its headers count" in HookRecord.objects.get().what


def test_a_mail_whose_body_cannot_be_read_counts_by_its_headers_and_says_so(
    inbox: Inbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(raw: bytes) -> Any:
        raise RecursionError

    enrollment, message_id = sent_to(mailbox)
    inbox.mails.append(answer(message_id))
    monkeypatch.setattr(reading, "parse_mail", fail)
    assert poll_due_inboxes(LATER, [mailbox.pk]) == 1
    assert EmailEvent.objects.get().enrollment_id == enrollment.pk
    assert "its body cannot be read (RecursionError), only its headers count" in HookRecord.objects.get().what


def with_attachment(message_id: bytes, number: int) -> bytes:
    headers = answer(message_id, number).partition(TEXT)[0]
    parts = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + TEXT + b"Yes.\r\n--b\r\n"
    )
    attached = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 20_000
    return headers + parts + attached + b"\r\n--b--\r\n"


def test_many_mails_take_no_more_memory_than_few(mailbox: Mailbox) -> None:
    _, message_id = sent_to(mailbox)

    def read(numbers: range) -> int:
        """The most bytes that reading these mails held at once, beyond what was held before."""
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for start in numbers[::10]:
            batch = [FetchedMail(n, LATER, with_attachment(message_id, n)) for n in range(start, start + 10)]
            store_mails(batch, mailbox, LATER)
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        read(range(10))
        few, many = read(range(10, 30)), read(range(30, 150))
    finally:
        tracemalloc.stop()
    assert EmailEvent.objects.count() == 150
    assert many < 1.5 * few
