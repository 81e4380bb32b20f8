"""Replies from a real IMAP server: kept, classified, answered in their thread; opt-outs suppress; absences resume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage as Mail
from typing import Any

import pytest

from emails.choices import ReplyIntent
from emails.inbound import poll_due_inboxes
from emails.models import EmailMessage, Mailbox, Reply, Suppression
from execution.control.answers import AnswerError, answer_reply
from execution.control.enroll_rules import SkipCode
from execution.control.replies import Wanted, classify_reply
from execution.engine.policy import engine_policy
from execution.insight.replies import read_thread
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from sequences.models import Contact, Enrollment
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    SequenceFactory,
    StepFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap
from tests.support.enrolling import enroll

pytestmark = [pytest.mark.imap, pytest.mark.django_db(transaction=True)]

HOUR = timedelta(hours=1)


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
    imap: ImapServer
    smtp: MailServer
    mailbox: Mailbox
    enrollment: Enrollment
    now: datetime = field(default=NOW)

    def run(self, at: datetime, stage: Stage = Stage.ALL) -> None:
        self.now = at
        run_until_idle(Options(policy=engine_policy(), stage=stage), lambda: self.now)

    @property
    def user(self) -> Any:
        return self.mailbox.owner

    def receive(self, text: str, at: datetime, **headers: str) -> None:
        contact: Contact = self.enrollment.contact
        mail = Mail()
        mail["From"] = f"Bob Prospect <{contact.email}>"
        mail["To"] = self.mailbox.address
        mail["Subject"] = "Re: Hello"
        mail["Message-ID"] = f"<{len(text)}-{at:%H%M}@prospect.example>"
        mail["In-Reply-To"] = mail["References"] = self.smtp.messages[-1].message_id
        for name, value in headers.items():
            del mail[name.replace("_", "-")]
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        mail.add_attachment(b"x" * 1500, maintype="application", subtype="pdf", filename="offer.pdf")
        self.imap.append(self.mailbox.address, mail, at)

    def poll(self, at: datetime) -> None:
        self.now = at
        poll_due_inboxes(at)


@pytest.fixture
def scene(imap: ImapServer, smtp: MailServer, request: pytest.FixtureRequest) -> Scene:
    workspace = WorkspaceFactory()
    mailbox = imap_mailbox(
        imap,
        workspace=workspace,
        address=f"{request.node.name[:40].replace('[', '').lower()}@sender.example",
        owner=UserFactory(),
        smtp_port=smtp.port,
        signature="Ada from Sender",
        gap_seconds=0,
        jitter_seconds=0,
        inbox_read_at=NOW,
    )
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, delay_days=1)
    contact = ContactFactory(workspace=workspace, first_name="Bob", last_name="Prospect")
    enrollment = EnrollmentFactory(sequence=sequence, contact=contact, mailbox=mailbox, owner=mailbox.owner)
    scene = Scene(imap, smtp, mailbox, enrollment)
    scene.run(NOW, Stage.DECIDE)
    scene.run(NOW, Stage.DELIVER)
    scene.run(NOW, Stage.DECIDE)
    assert len(smtp.messages) == 1
    return scene


def test_a_reply_is_kept_whole_and_answered_in_its_thread_after_the_sequence_has_ended(scene: Scene) -> None:
    long_text = "Sounds great, let us talk. " + "A detail that matters to us. " * 100
    scene.receive(long_text, NOW + HOUR)
    scene.poll(NOW + 2 * HOUR)
    scene.run(NOW + 2 * HOUR, Stage.DECIDE)
    scene.enrollment.refresh_from_db()
    assert scene.enrollment.status == "replied"

    reply = Reply.objects.get()
    assert len(reply.text) > 2_000
    assert (reply.intent, reply.sender) == (ReplyIntent.INTERESTED, scene.enrollment.contact.email)
    assert reply.attachments == [{"name": "offer.pdf", "type": "application/pdf", "size": 1500}]
    scene.poll(NOW + 3 * HOUR)
    assert Reply.objects.count() == 1

    user = scene.user
    message = answer_reply(reply, "**Great**, {{ when }} suits you?", user=user, now=NOW + 3 * HOUR)
    assert answer_reply(reply, "**Great**, {{ when }} suits you?", user=user, now=NOW + 3 * HOUR).pk == message.pk
    scene.run(NOW + 3 * HOUR, Stage.DELIVER)
    assert len(scene.smtp.messages) == 2
    sent: Any = scene.smtp.messages[-1].parsed
    assert sent["Subject"] == "Re: Hello"
    assert sent["In-Reply-To"] == reply.header_id
    assert sent["References"].split() == [scene.smtp.messages[0].message_id, reply.header_id]
    assert sent["List-Unsubscribe"] is None
    text = sent.get_body(("plain",)).get_content()
    assert "{{ when }} suits you?" in text
    assert "Ada from Sender" in text
    scene.enrollment.refresh_from_db()
    assert (scene.enrollment.status, scene.enrollment.emails_sent) == ("replied", 1)
    reply.refresh_from_db()
    assert reply.is_handled
    assert [entry.kind for entry in read_thread(reply)] == ["email", "reply", "answer"]

    scene.receive("Tuesday at ten.", NOW + 4 * HOUR)
    scene.poll(NOW + 5 * HOUR)
    assert [entry.kind for entry in read_thread(reply)] == ["email", "reply", "answer", "reply"]


def test_an_opt_out_in_words_suppresses_within_one_tick_and_cannot_be_enrolled(scene: Scene) -> None:
    scene.receive("Please remove me from your list and do not contact me again.", NOW + HOUR)
    scene.poll(NOW + 2 * HOUR)
    scene.run(NOW + 2 * HOUR, Stage.DECIDE)
    contact = scene.enrollment.contact
    assert Suppression.objects.filter(email=contact.email.lower(), reason="unsubscribed").exists()
    scene.enrollment.refresh_from_db()
    assert scene.enrollment.auto_exit_reason == "unsubscribed"
    other = StepFactory(sequence__workspace=contact.workspace).sequence
    assert [skipped.code for skipped in enroll(other, [contact], scene.mailbox).skipped] == [SkipCode.SUPPRESSED]
    with pytest.raises(AnswerError, match="opted out"):
        answer_reply(Reply.objects.get(), "But why?", user=scene.user, now=NOW + 3 * HOUR)


def test_a_possible_opt_out_holds_the_contact_until_a_user_decides(scene: Scene) -> None:
    scene.receive("Hi", NOW + HOUR)
    scene.poll(NOW + 2 * HOUR)
    reply = Reply.objects.get()
    user, contact = scene.user, scene.enrollment.contact
    classify_reply(reply, Wanted(ReplyIntent.POSSIBLE_OPT_OUT), user=user, now=NOW + 2 * HOUR)
    scene.run(NOW + 2 * HOUR, Stage.DECIDE)
    other = StepFactory(sequence__workspace=contact.workspace).sequence
    assert [s.code for s in enroll(other, [contact], scene.mailbox).skipped] == [SkipCode.POSSIBLE_OPT_OUT]
    with pytest.raises(AnswerError, match="classify"):
        answer_reply(reply, "Hello", user=user, now=NOW + 3 * HOUR)
    classify_reply(reply, Wanted(ReplyIntent.INTERESTED), user=user, now=NOW + 3 * HOUR)
    assert [s.code for s in enroll(other, [contact], scene.mailbox).skipped] == [SkipCode.ANSWERED]


def test_an_opt_out_that_comes_after_the_answer_was_written_withholds_it(scene: Scene) -> None:
    scene.receive("Tell me more about it please", NOW + HOUR)
    scene.poll(NOW + 2 * HOUR)
    reply = Reply.objects.get()
    message = answer_reply(reply, "With pleasure.", user=scene.user, now=NOW + 2 * HOUR)
    classify_reply(reply, Wanted(ReplyIntent.OPT_OUT), user=scene.user, now=NOW + 2 * HOUR)
    scene.run(NOW + 3 * HOUR, Stage.ALL)
    message.refresh_from_db()
    assert (message.status, message.withheld_reason) == ("withheld", "unsubscribed")
    assert len(scene.smtp.messages) == 1
    assert EmailMessage.objects.filter(status="queued").count() == 0


def test_an_absence_of_200_days_resumes_on_its_day(scene: Scene) -> None:
    back = date(2026, 9, 18)
    text = f"I am on parental leave. I will be back on {back:%d %B %Y}."
    scene.receive(text, NOW + HOUR, Subject="Out of office", Auto_Submitted="auto-replied")
    scene.poll(NOW + 2 * HOUR)
    scene.run(NOW + 2 * HOUR, Stage.DECIDE)
    scene.enrollment.refresh_from_db()
    assert scene.enrollment.resume_at is not None
    assert (scene.enrollment.status, scene.enrollment.resume_at.date()) == ("paused", back)
    assert not Reply.objects.exists()
    scene.run(datetime(2026, 9, 17, 23, 0, tzinfo=UTC), Stage.DECIDE)
    scene.enrollment.refresh_from_db()
    assert scene.enrollment.status == "paused"
    scene.run(datetime(2026, 9, 18, 0, 1, tzinfo=UTC), Stage.DECIDE)
    scene.enrollment.refresh_from_db()
    assert scene.enrollment.status == "active"
