"""The folders beside the inbox, on a real IMAP server: answers in spam, and what the owner writes by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage as Mail
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.inbound import poll_due_inboxes, reading
from emails.inbound.classify import classify_mail
from emails.inbound.findings import MailReading
from emails.inbound.folders import LOOKED_AT_EVERY
from emails.inbound.parse import InboundMail
from emails.models import EmailEvent, HookRecord, InboxState, Mailbox
from emails.tracking.links import unsubscribe_url
from execution.engine.backoff import Policy
from execution.insight.alerts import find_troubles
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.models import Enrollment
from tests.factories import NOW, EnrollmentFactory, SentMessageFactory, StepFactory
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap
from tests.support.shell import Shell, one_error

pytestmark = [pytest.mark.imap, pytest.mark.django_db(transaction=True)]

LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


@pytest.fixture
def mailbox(imap: ImapServer) -> Mailbox:
    return imap_mailbox(imap)


@pytest.fixture
def person(mailbox: Mailbox) -> Enrollment:
    step = StepFactory(sequence__workspace=mailbox.workspace)
    StepFactory(sequence=step.sequence, delay_days=3)
    enrollment: Enrollment = EnrollmentFactory(
        sequence=step.sequence, mailbox=mailbox, contact__workspace=mailbox.workspace, wake_at=None
    )
    SentMessageFactory(enrollment=enrollment)
    poll_due_inboxes(NOW)  # from here on, what is new counts
    return enrollment


def write(sender: str, to: str, **headers: str) -> Mail:
    mail = Mail()
    mail["From"], mail["To"], mail["Subject"] = sender, to, "About Tuesday"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Let us talk.")
    return mail


def test_a_reply_in_the_spam_folder_is_found_once(imap: ImapServer, mailbox: Mailbox, person: Enrollment) -> None:
    message = person.messages.get()
    answer = write(person.contact.email, mailbox.address, In_Reply_To=message.message_id, Message_ID="<a@x.example>")
    imap.append(mailbox.address, answer, LATER, folder="Bulk")
    assert poll_due_inboxes(NOW + LOOKED_AT_EVERY - timedelta(seconds=1)) == 0
    assert poll_due_inboxes(LATER) == 1
    assert EmailEvent.objects.get().type == "replied"
    imap.append(mailbox.address, answer, LATER)
    assert poll_due_inboxes(LATER + 2 * LOOKED_AT_EVERY) == 0
    assert EmailEvent.objects.count() == 1


def test_older_mail_in_the_folders_is_ignored(imap: ImapServer, mailbox: Mailbox) -> None:
    step = StepFactory(sequence__workspace=mailbox.workspace)
    person = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, contact__workspace=mailbox.workspace)
    imap.append(mailbox.address, write(mailbox.address, person.contact.email), NOW, folder="Outbox")
    assert poll_due_inboxes(NOW) == poll_due_inboxes(LATER) == 0
    assert set(InboxState.objects.get().folders) == {"junk", "sent"}


@pytest.mark.parametrize(("policy", "status"), [("ignore", "active"), ("pause", "paused")])
def test_an_email_written_by_hand_is_recognized(
    imap: ImapServer, mailbox: Mailbox, person: Enrollment, policy: str, status: str
) -> None:
    mailbox.workspace.hand_written_policy = policy
    mailbox.workspace.save()
    ours = person.messages.get()
    imap.append(
        mailbox.address, write(mailbox.address, person.contact.email, Message_ID=ours.message_id), LATER, "Outbox"
    )
    imap.append(mailbox.address, write(mailbox.address, "stranger@elsewhere.example"), LATER, "Outbox")
    assert poll_due_inboxes(LATER) == 0
    by_hand = write(mailbox.address, f"Jo <{person.contact.email.upper()}>, x@y.example", Message_ID="<hand@sender>")
    imap.append(mailbox.address, by_hand, LATER + LOOKED_AT_EVERY, "Outbox")
    at = LATER + 2 * LOOKED_AT_EVERY
    assert poll_due_inboxes(at) == 1
    event = EmailEvent.objects.get()
    assert (event.type, event.enrollment_id, event.detail) == ("hand_written", person.pk, "About Tuesday")
    run_until_idle(Options(policy=Policy(), stage="decide"), lambda: at)  # type: ignore[arg-type]
    person.refresh_from_db()
    assert person.status == status
    if status == "paused":
        assert "by hand" in person.pause_reason


def test_a_copy_of_ours_under_another_name_was_not_written_by_hand(
    imap: ImapServer, mailbox: Mailbox, person: Enrollment
) -> None:
    link = f"<{unsubscribe_url(person.messages.get().pk)}>"
    for name, header in (
        ("ours", link),
        ("forged", link.replace("/u/", "/u/x")),
        ("letter", "<https://x.example/u/1>"),
    ):
        copy = write(mailbox.address, person.contact.email, Message_ID=f"<{name}@server>", List_Unsubscribe=header)
        imap.append(mailbox.address, copy, LATER, "Outbox")
    assert poll_due_inboxes(LATER) == 2
    assert {event.payload["message_id"] for event in EmailEvent.objects.all()} == {"<forged@server>", "<letter@server>"}


def test_a_renumbered_folder_is_read_from_the_last_position_on(
    imap: ImapServer, mailbox: Mailbox, person: Enrollment
) -> None:
    ours = person.messages.get().message_id

    def answer(name: str) -> Mail:
        return write(person.contact.email, mailbox.address, In_Reply_To=ours, Message_ID=f"<{name}@x.example>")

    imap.append(mailbox.address, answer("before"), NOW - timedelta(days=30), folder="Bulk")
    imap.append(mailbox.address, answer("read"), LATER, folder="Bulk")
    poll_due_inboxes(LATER)
    known = EmailEvent.objects.count()
    imap.append(mailbox.address, answer("between"), LATER + timedelta(minutes=1), folder="Bulk")
    imap.renew_uidvalidity(mailbox.address, "Bulk")
    assert poll_due_inboxes(LATER + 2 * LOOKED_AT_EVERY) == 1
    assert EmailEvent.objects.count() == known + 1
    assert poll_due_inboxes(LATER + 4 * LOOKED_AT_EVERY) == 0


def test_a_mail_that_cannot_be_read_is_set_aside(imap: ImapServer, mailbox: Mailbox, person: Enrollment) -> None:
    message = person.messages.get()
    for name in ("<poison@x.example>", "<good@x.example>"):
        answer = write(person.contact.email, mailbox.address, In_Reply_To=message.message_id, Message_ID=name)
        imap.append(mailbox.address, answer, LATER)

    def fail(mail: InboundMail, *rest: Any, **named: Any) -> MailReading:
        if "poison" in mail.identity:
            raise ValueError("beyond reading")
        return classify_mail(mail, *rest, **named)

    with mock.patch.object(reading, "classify_mail", fail):
        assert poll_due_inboxes(LATER) == 1
    record = HookRecord.objects.get()
    assert record.what == "a mail is set aside: it cannot be read: ValueError: beyond reading"
    assert "poison" in record.payload["begins"]
    assert poll_due_inboxes(LATER + timedelta(minutes=2)) == 0


def test_an_inbox_that_stays_unreadable_raises_an_alert_until_it_is_read(mailbox: Mailbox) -> None:
    InboxState.objects.create(mailbox=mailbox, failures=2, last_error="login failed")
    assert find_troubles(NOW) == []
    InboxState.objects.update(failures=3)
    (trouble,) = find_troubles(NOW)
    assert mailbox.address in trouble.title and "login failed" in trouble.title
    assert "Follow-ups of this mailbox wait" in trouble.remedy
    poll_due_inboxes(NOW)
    assert find_troubles(NOW) == []


def test_polling_can_be_kept_to_a_workspace_or_a_mailbox(imap: ImapServer, mailbox: Mailbox, shell: Shell) -> None:
    other = imap_mailbox(imap)
    assert poll_due_inboxes(NOW, workspace_id=other.workspace_id) == 0
    read = InboxState.objects.exclude(checked_at=None).values_list("mailbox_id", flat=True)
    assert list(read) == [other.pk]
    done = shell("poll_inboxes", "--once", "--workspace", mailbox.workspace.slug, "--json").data
    assert done["inboxes"] == 1
    assert sorted(read.all()) == sorted([other.pk, mailbox.pk])
    assert shell("poll_inboxes", "--once", "--mailbox", mailbox.address, "--json").data["inboxes"] == 1
    Mailbox.objects.filter(pk=mailbox.pk).update(inbound="none")
    assert "not read by IMAP" in one_error(shell("poll_inboxes", "--once", "--mailbox", mailbox.address), 2)


def test_an_email_written_by_hand_stops_no_enrollment_by_itself(person: Enrollment) -> None:
    new = NewEvent(EventType.HAND_WRITTEN, "imap", "x", LATER, contact_id=person.contact_id)
    assert record_events([new], LATER) == 1
    call_command("run_executor", "--once", "--stage", "decide", "--json")
    person.refresh_from_db()
    assert person.status == "active"
