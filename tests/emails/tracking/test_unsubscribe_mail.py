"""The mail that a mail program sends to the address of List-Unsubscribe opts the recipient out."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage as Mail
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from emails.inbound.imap import FetchedMail
from emails.inbound.polling import store_mails
from emails.models import EmailEvent, EmailMessage, Mailbox, Suppression
from emails.rendering.compose import Composed, compose
from emails.tracking import links
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, SentMessageFactory, StepFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def opt_out_mail(url: str, sender: str = "someone.else@alias.example") -> Mail:
    """What a mail program makes of a mailto link."""
    parts = urlsplit(url)
    mail = Mail()
    mail["From"], mail["To"] = sender, unquote(parts.path)
    mail["Subject"] = parse_qs(parts.query)["subject"][0]
    mail["Message-ID"] = "<opt-out@alias.example>"
    mail.set_content("")
    return mail


def receive(message: EmailMessage, mail: Mail) -> int:
    mailbox = Mailbox.objects.select_related("workspace").get(pk=message.mailbox_id)
    return store_mails([FetchedMail(1, LATER, mail.as_bytes())], mailbox, LATER, "imap")


@pytest.fixture
def message() -> EmailMessage:
    return SentMessageFactory()


def test_every_email_names_the_address_and_the_mail_opts_out(message: EmailMessage) -> None:
    step = StepFactory()
    queued = EmailMessageFactory(enrollment=EnrollmentFactory(sequence=step.sequence, current_step=step))
    (composed,) = compose([queued.pk], NOW)
    assert isinstance(composed, Composed)
    assert "<mailto:" in composed.envelope.headers["List-Unsubscribe"]
    url = links.unsubscribe_mailto(message.pk, message.mailbox.address)
    assert receive(message, opt_out_mail(url)) == 1
    assert EmailEvent.objects.get().type == "unsubscribed"
    assert Suppression.objects.get().email == message.recipient.lower()


def test_the_same_mail_read_twice_is_one_opt_out(message: EmailMessage) -> None:
    mail = opt_out_mail(links.unsubscribe_mailto(message.pk, message.mailbox.address))
    assert [receive(message, mail), receive(message, mail)] == [1, 0]


@pytest.mark.parametrize("subject", ["unsubscribe", "unsubscribe WzFd:{forged}", "unsubscribe me: now", "Hi"])
def test_a_subject_without_our_signature_is_not_an_opt_out(message: EmailMessage, subject: str) -> None:
    assert links.find_unsubscribed_message(subject.format(forged="A" * 43)) is None


def test_a_subject_that_was_answered_or_forwarded_still_counts(message: EmailMessage) -> None:
    url = links.unsubscribe_mailto(message.pk, "sam@sender.example")
    subject = parse_qs(urlsplit(url).query)["subject"][0]
    assert links.find_unsubscribed_message(f"Re: {subject} ") == message.pk
