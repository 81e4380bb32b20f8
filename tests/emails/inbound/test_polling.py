"""Inbound mail from a real IMAP server: what is read, what it does to sequences, what a broken server does not do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage as Mail
from unittest import mock

import pytest
from django.utils import timezone

from emails.choices import EventType, MessageStatus, Security
from emails.inbound import poll_due_inboxes
from emails.inbound.imap import Imap
from emails.models import EmailEvent, EmailMessage, InboxState, Mailbox, Suppression
from execution.engine.policy import engine_policy
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap
from tests.support.bounce_mail import bounce
from tests.support.shell import Shell, one_error

pytestmark = [pytest.mark.imap, pytest.mark.django_db(transaction=True)]

NEXT_DAY = NOW + timedelta(days=1, minutes=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@dataclass
class Scene:
    """One mailbox with an inbox, one contact in a sequence of two emails a day apart, and a clock that is driven."""

    imap: ImapServer
    smtp: MailServer
    mailbox: Mailbox
    enrollment: Enrollment
    now: datetime = field(default=NOW)

    def run(self, stage: Stage, at: datetime | None = None) -> None:
        self.now = at or self.now
        run_until_idle(Options(policy=engine_policy(), stage=stage), lambda: self.now)

    def send_first(self) -> str:
        self.run(Stage.DECIDE, NOW)
        self.run(Stage.DELIVER)
        self.run(Stage.DECIDE)
        assert len(self.smtp.messages) == 1
        return self.smtp.messages[0].message_id

    def receive(self, mail: Mail, at: datetime) -> None:
        self.imap.append(self.mailbox.address, mail, at)

    def poll(self, at: datetime) -> int:
        self.now = at
        return poll_due_inboxes(at)

    @property
    def fresh(self) -> Enrollment:
        return Enrollment.objects.get(pk=self.enrollment.pk)

    @property
    def events(self) -> list[str]:
        return list(EmailEvent.objects.order_by("type").values_list("type", flat=True))


@pytest.fixture
def scene(imap: ImapServer, smtp: MailServer) -> Scene:
    mailbox = imap_mailbox(imap, smtp_port=smtp.port)
    sequence = SequenceFactory(workspace=mailbox.workspace)
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, subject="", body="Did this reach you?", delay_days=1)
    contact = ContactFactory(workspace=mailbox.workspace)
    enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox, contact=contact)
    return Scene(imap, smtp, mailbox, enrollment)


def mail_from(sender: str, text: str = "Sounds good, call me.", **headers: str) -> Mail:
    mail = Mail()
    mail["From"] = sender
    mail["To"] = "sdr@sender.example"
    mail["Subject"] = "Re: Hello"
    mail["Message-ID"] = f"<{abs(hash((sender, text, tuple(headers.items()))))}@prospect.example>"
    for name, value in headers.items():
        name = name.replace("_", "-")
        del mail[name]
        mail[name] = value
    mail.set_content(text)
    return mail


def test_a_reply_stops_the_sequence_before_the_queued_follow_up_leaves(scene: Scene) -> None:
    message_id = scene.send_first()
    scene.receive(
        mail_from("assistant@elsewhere.example", In_Reply_To=message_id, Message_ID="<answer@elsewhere.example>"),
        NOW + timedelta(hours=1),
    )
    scene.run(Stage.DECIDE, NEXT_DAY)
    assert EmailMessage.objects.filter(status=MessageStatus.QUEUED.value).count() == 1

    scene.run(Stage.ALL)

    assert len(scene.smtp.messages) == 1
    assert scene.fresh.status == "replied"
    assert scene.fresh.auto_exit_reason == "replied"
    follow_up = EmailMessage.objects.get(message_id__isnull=False, is_first_touch=False)
    assert (follow_up.status, follow_up.withheld_reason) == ("withheld", "replied")
    event = EmailEvent.objects.get()
    assert event.type == EventType.REPLIED
    assert event.occurred_at == NOW + timedelta(hours=1)
    assert event.message is not None and event.message.message_id == message_id
    assert event.provider_event_id == f"{scene.mailbox.pk}:<answer@elsewhere.example>"
    assert event.payload["text"] == "Sounds good, call me."
    flags = scene.imap.flags(scene.mailbox.address)
    assert len(flags) == 1
    assert b"\\Seen" not in flags[0], "reading must leave the mail unread"


def test_a_follow_up_waits_for_a_stale_inbox_and_goes_after_it_was_read(scene: Scene) -> None:
    scene.send_first()
    scene.run(Stage.DECIDE, NEXT_DAY)
    scene.run(Stage.DELIVER)
    follow_up = EmailMessage.objects.get(status=MessageStatus.QUEUED.value)
    assert follow_up.held_by.startswith("inbox_stale")
    assert len(scene.smtp.messages) == 1

    scene.run(Stage.INBOUND)

    scene.mailbox.refresh_from_db()
    assert scene.mailbox.inbox_read_at == NEXT_DAY
    assert scene.mailbox.lane_at == NEXT_DAY
    scene.run(Stage.DELIVER)
    assert len(scene.smtp.messages) == 2


def test_a_follow_up_stays_while_the_inbox_cannot_be_read(scene: Scene) -> None:
    scene.send_first()
    Mailbox.objects.filter(pk=scene.mailbox.pk).update(credentials={"imap_password": "no-longer-valid"})

    scene.run(Stage.DECIDE, NEXT_DAY)
    scene.run(Stage.ALL)

    assert len(scene.smtp.messages) == 1
    scene.mailbox.refresh_from_db()
    assert scene.mailbox.inbox_read_at is None
    state = InboxState.objects.get()
    assert state.last_error.startswith(f"{scene.imap.host}:{scene.imap.port}: ")
    assert "\n" not in state.last_error
    assert "no-longer-valid" not in state.last_error


def test_failures_back_off_until_a_success(scene: Scene) -> None:
    good = scene.mailbox.credentials
    Mailbox.objects.filter(pk=scene.mailbox.pk).update(credentials={"imap_password": "no-longer-valid"})
    scene.poll(NOW)
    scene.poll(NOW + MINUTE)
    assert InboxState.objects.get().checked_at == NOW, "the second try comes after two minutes"
    scene.poll(NOW + 2 * MINUTE)
    assert InboxState.objects.get().failures == 2

    Mailbox.objects.filter(pk=scene.mailbox.pk).update(credentials=good)
    scene.poll(NOW + 6 * MINUTE)
    state = InboxState.objects.get()
    assert (state.failures, state.last_error) == (0, "")


def test_a_mail_is_read_once_and_only_new_mail_is_fetched_again(scene: Scene) -> None:
    message_id = scene.send_first()
    scene.receive(mail_from("a@prospect.example", "one", In_Reply_To=message_id), NOW + MINUTE)
    assert scene.poll(NOW + 2 * MINUTE) == 1
    with mock.patch.object(Imap, "fetch") as fetch:
        assert scene.poll(NOW + 4 * MINUTE) == 0
    fetch.assert_not_called()
    scene.receive(mail_from("a@prospect.example", "two", In_Reply_To=message_id), NOW + 5 * MINUTE)
    assert scene.poll(NOW + 6 * MINUTE) == 1
    assert InboxState.objects.get().last_uid == 2


def test_an_inbox_is_read_once_a_minute(scene: Scene) -> None:
    scene.poll(NOW)
    scene.poll(NOW + timedelta(seconds=59))
    assert InboxState.objects.get().checked_at == NOW
    scene.poll(NOW + MINUTE)
    assert InboxState.objects.get().checked_at == NOW + MINUTE


def test_an_inbox_that_another_worker_reads_is_skipped_until_the_lease_ends(scene: Scene) -> None:
    scene.poll(NOW)
    later = NOW + 2 * MINUTE
    InboxState.objects.update(lease_token="00000000-0000-0000-0000-000000000001", leased_until=later + MINUTE)
    assert scene.poll(later) == 0
    assert InboxState.objects.get().checked_at == NOW
    scene.poll(later + MINUTE)
    assert InboxState.objects.get().checked_at == later + MINUTE


def test_new_numbers_of_the_server_bring_no_event_twice(scene: Scene) -> None:
    message_id = scene.send_first()
    scene.receive(mail_from("a@prospect.example", "one", In_Reply_To=message_id), NOW + MINUTE)
    scene.receive(mail_from("a@prospect.example", "two", In_Reply_To=message_id), NOW + MINUTE)
    assert scene.poll(NOW + 2 * MINUTE) == 2
    before = InboxState.objects.get().uidvalidity

    scene.imap.renew_uidvalidity(scene.mailbox.address)
    scene.receive(mail_from("a@prospect.example", "three", In_Reply_To=message_id), NOW + 3 * MINUTE)

    assert scene.poll(NOW + 4 * MINUTE) == 1
    assert InboxState.objects.get().uidvalidity != before
    assert EmailEvent.objects.count() == 3


def test_new_numbers_after_a_long_silence_hide_no_answer(scene: Scene) -> None:
    message_id = scene.send_first()
    assert scene.poll(NOW + MINUTE) == 0
    scene.receive(mail_from("a@prospect.example", "one", In_Reply_To=message_id), NOW + timedelta(days=2))
    scene.imap.renew_uidvalidity(scene.mailbox.address)
    assert scene.poll(NOW + timedelta(days=30)) == 1


def test_the_first_poll_reads_seven_days_back(scene: Scene) -> None:
    contact = scene.enrollment.contact
    early = NOW - timedelta(days=30)
    SentMessageFactory(enrollment=scene.enrollment, at=early, visit=99)
    scene.receive(mail_from(contact.email, "long ago"), NOW - timedelta(days=20))
    scene.receive(mail_from(contact.email, "last week"), NOW - timedelta(days=6))
    assert scene.poll(NOW) == 1
    assert EmailEvent.objects.get().occurred_at == NOW - timedelta(days=6)


def test_an_empty_first_poll_skips_older_mail_for_good(scene: Scene) -> None:
    SentMessageFactory(enrollment=scene.enrollment, at=NOW - timedelta(days=30), visit=99)
    scene.receive(mail_from(scene.enrollment.contact.email, "long ago"), NOW - timedelta(days=20))
    assert scene.poll(NOW) == 0
    assert InboxState.objects.get().last_uid == 1
    assert scene.poll(NOW + 2 * MINUTE) == 0


def test_a_mail_without_thread_is_matched_by_its_sender(scene: Scene) -> None:
    scene.send_first()
    scene.receive(mail_from(f"Ada <{scene.enrollment.contact.email.upper()}>"), NOW + MINUTE)
    scene.poll(NOW + 2 * MINUTE)
    event = EmailEvent.objects.get()
    assert event.contact == scene.enrollment.contact
    assert event.enrollment == scene.enrollment


def test_unrelated_mail_is_not_stored(scene: Scene) -> None:
    message_id = scene.send_first()
    other = imap_mailbox(scene.imap, workspace=scene.mailbox.workspace)
    never_mailed = ContactFactory(workspace=scene.mailbox.workspace)
    foreign = SentMessageFactory(enrollment=EnrollmentFactory(sequence=SequenceFactory(workspace=WorkspaceFactory())))
    contact = scene.enrollment.contact.email
    scene.receive(mail_from("friend@elsewhere.example"), NOW + MINUTE)
    scene.receive(mail_from(never_mailed.email), NOW + MINUTE)
    scene.receive(mail_from("x@elsewhere.example", In_Reply_To=foreign.message_id), NOW + MINUTE)
    scene.receive(mail_from(scene.mailbox.address, In_Reply_To=message_id), NOW + MINUTE)
    scene.receive(mail_from(contact, List_Id="<news.prospect.example>", Subject="Our newsletter"), NOW + MINUTE)
    scene.receive(mail_from(contact, "before our email"), NOW - MINUTE)
    scene.imap.append(other.address, mail_from(contact, "in a colleague's inbox"), NOW + MINUTE)
    assert scene.poll(NOW + 2 * MINUTE) == 0
    scene.run(Stage.DECIDE)
    assert scene.fresh.status == "active"


def test_an_out_of_office_answer_pauses_until_the_day_of_return_and_no_longer(scene: Scene) -> None:
    message_id = scene.send_first()
    text = "I am away until March 11, 2026 and will answer then."
    answer = mail_from(scene.enrollment.contact.email, text, In_Reply_To=message_id, Auto_Submitted="auto-replied")
    scene.receive(answer, NOW + MINUTE)
    scene.run(Stage.ALL, NOW + 2 * MINUTE)
    assert scene.fresh.status == "paused"
    assert scene.fresh.resume_at is not None
    assert scene.fresh.resume_at.date().isoformat() == "2026-03-12"
    assert EmailEvent.objects.get().verdict == "machine"
    back = scene.fresh.resume_at
    scene.run(Stage.ALL, back - MINUTE)
    assert scene.fresh.status == "paused"
    assert len(scene.smtp.messages) == 1
    scene.run(Stage.ALL, back)
    assert scene.fresh.status == "completed"
    assert len(scene.smtp.messages) == 2


def test_a_hard_bounce_exits_and_suppresses(scene: Scene) -> None:
    message_id = scene.send_first()
    scene.receive(bounce(scene.enrollment.contact.email, message_id, "5.1.1"), NOW + MINUTE)
    scene.run(Stage.ALL, NOW + 2 * MINUTE)
    assert (scene.fresh.status, scene.fresh.auto_exit_reason) == ("auto_exited", "bounced")
    assert Suppression.objects.get().email == scene.enrollment.contact.email


def test_a_departed_contact_exits_and_the_successor_becomes_a_task(scene: Scene) -> None:
    message_id = scene.send_first()
    text = "Jo is no longer with the company. Please contact new.colleague@prospect.example instead."
    answer = mail_from(
        scene.enrollment.contact.email,
        text,
        In_Reply_To=message_id,
        Auto_Submitted="auto-replied",
        Subject="Automatic reply: Hello",
    )
    scene.receive(answer, NOW + MINUTE)
    scene.run(Stage.ALL, NOW + 2 * MINUTE)
    assert (scene.fresh.status, scene.fresh.auto_exit_reason) == ("auto_exited", "left_company")
    assert Suppression.objects.get().reason == "left_company"
    (task,) = scene.enrollment.tasks.all()
    assert (task.status, task.title) == ("open", "Contact the successor: new.colleague@prospect.example")


def test_an_opt_out_in_a_reply_suppresses_and_is_no_success(scene: Scene) -> None:
    message_id = scene.send_first()
    text = "Please remove me from your list.\n\nOn Mon, Mar 2, 2026 at 10:00 AM Ada <a@b.example> wrote:\n> Hello\n"
    scene.receive(mail_from(scene.enrollment.contact.email, text, References=message_id), NOW + MINUTE)
    scene.run(Stage.ALL, NOW + 2 * MINUTE)
    assert scene.events == [EventType.UNSUBSCRIBED]
    assert Suppression.objects.get().reason == "unsubscribed"
    assert (scene.fresh.status, scene.fresh.auto_exit_reason) == ("auto_exited", "unsubscribed")


def test_a_mail_that_cannot_be_parsed_does_not_stop_others(scene: Scene) -> None:
    message_id = scene.send_first()
    scene.imap.append(
        scene.mailbox.address, b"\xff\xfe: \x80\r\nFrom: =?x?q?\xff?= <<>>\r\nContent-Type: /;;=\r\n\r\n\x80", NOW
    )
    scene.receive(mail_from("a@prospect.example", In_Reply_To=message_id), NOW + MINUTE)
    assert scene.poll(NOW + 2 * MINUTE) == 1


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_an_inbox_is_read_over_tls_that_is_verified(imap: ImapServer, security: Security) -> None:
    mailbox = imap_mailbox(
        imap, imap_security=security.value, imap_port=imap.tls_port if security is Security.TLS else imap.port
    )
    poll_due_inboxes(NOW)
    assert "certificate" in InboxState.objects.get().last_error

    Mailbox.objects.filter(pk=mailbox.pk).update(transport_options={"ca_pem": imap.ca_file.read_text()})
    poll_due_inboxes(NOW + 2 * MINUTE)
    mailbox.refresh_from_db()
    assert mailbox.inbox_read_at == NOW + 2 * MINUTE


def test_many_inboxes_are_read_in_one_go(imap: ImapServer) -> None:
    mailboxes = [imap_mailbox(imap) for _ in range(6)]
    for mailbox in mailboxes:
        message = SentMessageFactory(
            enrollment=EnrollmentFactory(sequence__workspace=mailbox.workspace, mailbox=mailbox), visit=1
        )
        imap.append(mailbox.address, mail_from("x@elsewhere.example", In_Reply_To=message.message_id), NOW)
    assert poll_due_inboxes(NOW + MINUTE) == 6
    assert set(Mailbox.objects.values_list("inbox_read_at", flat=True)) == {NOW + MINUTE}


def test_the_command_reads_every_inbox_and_reports_the_results(scene: Scene, shell: Shell) -> None:
    scene.send_first()
    # the command reads the real clock, and looks back from there
    now = timezone.now()
    EmailMessage.objects.update(handed_over_at=now - timedelta(hours=2))
    scene.receive(mail_from(scene.enrollment.contact.email), now - timedelta(hours=1))
    ended = shell("poll_inboxes", "--once", "--json")
    assert ended.status == 0
    assert ended.data == {"inboxes": 1, "events": 1, "failed": []}
    assert shell("poll_inboxes", "--once", "--json").data["events"] == 0


def test_the_command_names_the_inbox_that_cannot_be_read(scene: Scene, shell: Shell) -> None:
    Mailbox.objects.filter(pk=scene.mailbox.pk).update(credentials={"imap_password": "wrong-secret"})
    detail = one_error(shell("poll_inboxes", "--once"), 1)
    assert scene.mailbox.address in detail
    assert "test_mailbox" in detail
    assert "wrong-secret" not in detail
