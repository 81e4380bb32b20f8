"""Every way the dialogue with the server can go wrong, over real sockets: what each of them costs (P1, P8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.encryption import Secrets
from emails.choices import AuthMethod, Security
from emails.models import EmailMessage, Mailbox, Suppression
from emails.sending import delivery
from emails.transport.smtp import SmtpTransport
from execution.control.switches import resume_mailbox
from execution.insight.alerts import reconcile_alerts
from execution.models import Alert, DeadLetter
from sequences.models import Contact, Enrollment
from simulation.certificates import make_certificate
from simulation.mail_server import Drop, MailServer, Moment, Reply, Stall
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.faults.driving import DrivenClock
from tests.faults.promises import assert_ledger_explains

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

BEFORE_THE_DOT = [Moment.CONNECT, Moment.MAIL, Moment.RCPT, Moment.DATA]
RECIPIENT = "first@prospect.example"


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    with MailServer(pipelining=request.param) as started:
        yield started


@pytest.fixture
def stalls() -> Iterator[Stall]:
    """Released at the end, so that the server's thread can leave."""
    stall = Stall()
    yield stall
    stall.release()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs of the production's kind, only shorter."""
    seconds = {"operation_seconds": 1.0, "message_seconds": 2.0, "answer_seconds": 2.0}
    monkeypatch.setattr(delivery, "open_transport", lambda mailbox: SmtpTransport(mailbox, **seconds))


def enroll(server: MailServer, people: int = 1, **fields: Any) -> Mailbox:
    """The first of them is called RECIPIENT; one email each, due now."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    mailbox: Mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port, **fields)
    for number in range(people):
        email = {"contact__email": RECIPIENT} if number == 0 else {}
        EnrollmentFactory(sequence=sequence, mailbox=mailbox, **email)
    return mailbox


def first_enrollment() -> Enrollment:
    return Enrollment.objects.get(contact__email=RECIPIENT)


def assert_only_the_lane_waits(mailbox: Mailbox) -> None:
    """P8: no attempt used, nothing quarantined; the messages are queued and the lane comes back by itself."""
    for enrollment in Enrollment.objects.all():
        assert (enrollment.status, enrollment.retry_count, enrollment.last_error) == ("active", 0, "")
    assert set(EmailMessage.objects.values_list("status", "attempts")) == {("queued", 0)}
    mailbox.refresh_from_db()
    assert mailbox.status == "active"
    assert mailbox.breaker_failures == 1
    assert mailbox.lane_at is not None
    assert NOW < mailbox.lane_at <= NOW + timedelta(minutes=1)
    assert mailbox.lease_token is None


def assert_all_arrive_later(server: MailServer, clock: DrivenClock, mailbox: Mailbox) -> None:
    clock.run_through(clock.now + timedelta(hours=2))
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}
    assert len(server.messages) == Enrollment.objects.count()
    assert_ledger_explains(server.messages)
    mailbox.refresh_from_db()
    assert (mailbox.breaker_state, mailbox.breaker_failures) == ("closed", 0)


@pytest.mark.parametrize("moment", BEFORE_THE_DOT)
def test_a_connection_cut_before_the_final_dot_loses_nothing(moment: Moment, server: MailServer) -> None:
    mailbox, clock = enroll(server, people=3), DrivenClock()
    server.on(moment, Drop())
    clock.run()
    assert server.messages == []
    assert_only_the_lane_waits(mailbox)

    server.forget_rules()
    assert_all_arrive_later(server, clock, mailbox)


@pytest.mark.parametrize("moment", BEFORE_THE_DOT)
@pytest.mark.usefixtures("impatient")
def test_silence_before_the_final_dot_loses_nothing(
    moment: Moment, server: MailServer, stalls: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, clock = enroll(server, people=2), DrivenClock()
    server.on(moment, stalls)
    clock.run()
    assert stalls.reached.is_set()
    assert_only_the_lane_waits(mailbox)

    server.forget_rules()
    monkeypatch.undo()
    assert_all_arrive_later(server, clock, mailbox)


def test_a_cut_within_the_text_is_either_known_or_held(server: MailServer) -> None:
    """Whether our kernel had already taken the dot when the line went dead is chance: both answers are honest."""
    enroll(server, people=3)
    server.on(Moment.BODY, Drop(), times=1)
    DrivenClock().run_through(NOW + timedelta(days=1))

    unknown = EmailMessage.objects.filter(status="unknown").count()
    assert unknown <= 1
    assert len(server.messages) == 3 - unknown
    assert Enrollment.objects.filter(status="quarantined").count() == unknown
    assert_ledger_explains(server.messages)


@pytest.mark.parametrize("was_taken", [False, True])
def test_a_cut_after_the_final_dot_is_unknown_and_not_sent_again(was_taken: bool, server: MailServer) -> None:
    enroll(server)
    server.on(Moment.DOT, Drop(store=was_taken), times=1)
    clock = DrivenClock()
    clock.run_through(NOW + timedelta(days=1))

    assert len(server.messages) == was_taken
    assert EmailMessage.objects.get().status == "unknown"
    assert first_enrollment().status == "quarantined"
    assert DeadLetter.objects.get().error_class == "unknown_outcome"
    assert_ledger_explains(server.messages)


@pytest.mark.usefixtures("impatient")
def test_silence_after_the_final_dot_is_unknown(server: MailServer, stalls: Stall) -> None:
    enroll(server)
    server.on(Moment.DOT, stalls)
    DrivenClock().run_through(NOW + timedelta(days=1))

    assert EmailMessage.objects.get().status == "unknown"
    assert first_enrollment().status == "quarantined"
    assert server.messages == []


@pytest.mark.parametrize("moment", [Moment.MAIL, Moment.RCPT, Moment.DATA, Moment.DOT])
def test_421_at_any_time_is_a_server_outage(moment: Moment, server: MailServer) -> None:
    mailbox, clock = enroll(server, people=3), DrivenClock()
    server.on(moment, "421 4.3.2 Service shutting down")
    clock.run()
    assert_only_the_lane_waits(mailbox)

    server.forget_rules()
    assert_all_arrive_later(server, clock, mailbox)


TEMPORARY = [
    (Moment.RCPT, "450 4.2.1 Mailbox busy"),
    (Moment.RCPT, "451 4.7.1 Greylisted, try again later"),
    (Moment.RCPT, "452 4.2.2 Over quota"),
    (Moment.RCPT, "552 5.2.2 Mailbox full"),
    (Moment.DOT, "451 4.2.0 Try again"),
]


@pytest.mark.parametrize(("moment", "reply"), TEMPORARY)
def test_a_temporary_refusal_of_a_recipient_is_retried_until_sent(
    moment: Moment, reply: str, server: MailServer
) -> None:
    """5 minutes later the same message with the same Message-ID; the others do not wait for it."""
    mailbox, clock = enroll(server, people=3), DrivenClock()
    server.on(moment, reply, recipient=RECIPIENT, times=1)
    clock.run()
    first = first_enrollment()
    assert (first.status, first.retry_count, first.wake_at) == ("active", 1, NOW + timedelta(minutes=5))
    assert reply.split(maxsplit=1)[0] in first.last_error
    assert len(server.messages) == 2
    message_id = EmailMessage.objects.get(recipient=RECIPIENT).message_id

    assert_all_arrive_later(server, clock, mailbox)
    first.refresh_from_db()
    assert (first.retry_count, first.last_error) == (0, "")
    assert server.messages[-1].message_id == message_id
    assert not Suppression.objects.exists()


def test_a_retry_goes_to_the_contacts_present_address(server: MailServer) -> None:
    enroll(server, people=1)
    server.on(Moment.RCPT, "450 4.2.1 Mailbox busy", recipient=RECIPIENT)
    clock = DrivenClock()
    clock.run()
    Contact.objects.filter(email=RECIPIENT).update(email="Corrected@other.example")
    clock.run_through(NOW + timedelta(minutes=10))

    assert [message.recipients for message in server.messages] == [("Corrected@other.example",)]
    message = EmailMessage.objects.get(recipient="Corrected@other.example")
    assert (message.recipient_domain, message.attempts) == ("other.example", 2)


def test_a_lasting_refusal_is_quarantined_after_the_last_retry(server: MailServer) -> None:
    """Retries after 5, 10 and 20 minutes, then a person looks."""
    enroll(server, people=2)
    server.on(Moment.RCPT, "450 4.2.1 Mailbox busy", recipient=RECIPIENT)
    clock = DrivenClock()
    clock.run_through(NOW + timedelta(days=1))

    first = first_enrollment()
    assert (first.status, first.retry_count) == ("quarantined", 3)
    letter = DeadLetter.objects.get()
    assert (letter.error_class, letter.created_at) == ("recipient_temporary", NOW + timedelta(minutes=35))
    assert server.attempts(RECIPIENT) == 4
    assert len(server.messages) == 1


LIMITS = [
    (Moment.MAIL, "550 5.4.5 Daily user sending limit exceeded. For more information go to support"),
    (Moment.DOT, "550 5.4.5 Daily user sending limit exceeded"),
    (Moment.DOT, "421 4.7.28 Gmail has detected an unusual rate of mail"),
    (Moment.RCPT, "450 4.7.28 Gmail has detected an unusual rate of mail"),
    (Moment.RCPT, "450 4.2.0 Rate limit exceeded, too many messages from this sender"),
    (Moment.DOT, "550 5.1.90 Your message can't be sent because you've reached your daily limit"),
]


@pytest.mark.parametrize(("moment", "reply"), LIMITS)
def test_a_providers_limit_defers_the_lane_until_a_probe_passes(moment: Moment, reply: str, server: MailServer) -> None:
    mailbox, clock = enroll(server, people=3), DrivenClock()
    server.on(moment, reply)
    clock.run_through(NOW + timedelta(hours=12))
    mailbox.refresh_from_db()
    assert mailbox.status == "active"
    assert set(Enrollment.objects.values_list("status", "retry_count")) == {("active", 0)}
    assert set(EmailMessage.objects.values_list("status", "attempts")) == {("queued", 0)}
    assert sum(map(server.attempts, EmailMessage.objects.values_list("recipient", flat=True))) < 60, "it probes"

    server.forget_rules()
    clock.run_through(NOW + timedelta(hours=15))
    assert not Enrollment.objects.exclude(status="completed").exists()
    assert_ledger_explains(server.messages)


SENDERS_FAULT = [
    (Moment.DOT, "550 5.7.26 Unauthenticated email from x.example is not accepted due to domain's DMARC policy"),
    (Moment.DOT, "550 5.7.25 The IP address sending this message does not have a PTR record setup"),
    (Moment.DOT, "550 5.7.27 The sender did not pass SPF checks"),
    (Moment.DOT, "550 5.7.30 This mail has been blocked because DKIM does not pass"),
    (Moment.DOT, "550 5.7.515 Access denied, sending domain x.example does not meet the required level"),
    (Moment.RCPT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
    (Moment.RCPT, "550 Reverse DNS lookup failed for host 192.0.2.1"),
]


@pytest.mark.parametrize(("moment", "reply"), SENDERS_FAULT)
def test_a_refusal_of_the_sender_stops_the_lane_at_the_first_one(
    moment: Moment, reply: str, server: MailServer
) -> None:
    mailbox, clock = enroll(server, people=3), DrivenClock()
    server.on(moment, reply)
    clock.run_through(NOW + timedelta(days=1))
    mailbox.refresh_from_db()
    assert mailbox.status == "broken"
    assert reply[:11].strip() in mailbox.status_reason
    assert set(Enrollment.objects.values_list("status", "retry_count")) == {("active", 0)}
    assert set(EmailMessage.objects.values_list("status", "attempts")) == {("queued", 0)}
    assert sum(map(server.attempts, EmailMessage.objects.values_list("recipient", flat=True))) == 1
    assert not Suppression.objects.exists()
    reconcile_alerts(clock())
    assert Alert.objects.filter(title__contains=mailbox.address).exists()


PERMANENT = [
    (Moment.RCPT, "550 5.1.1 No such user here"),
    (Moment.RCPT, "550 User unknown"),
    (Moment.DOT, "550 5.1.1 No such user here"),
]


@pytest.mark.parametrize(("moment", "reply"), PERMANENT)
def test_an_unknown_recipient_exits_and_is_suppressed(moment: Moment, reply: str, server: MailServer) -> None:
    enroll(server, people=3)
    server.on(moment, reply, recipient=RECIPIENT)
    DrivenClock().run_through(NOW + timedelta(days=1))

    first = first_enrollment()
    assert (first.status, first.auto_exit_reason) == ("auto_exited", "bounced")
    assert Suppression.objects.get().email == RECIPIENT
    assert server.attempts(RECIPIENT) == 1
    assert Enrollment.objects.filter(status="completed").count() == 2
    assert_ledger_explains(server.messages)


BLAMELESS = [
    (Moment.DOT, "554 5.7.1 Message rejected as spam", "content"),
    (Moment.DOT, "552 5.3.4 Message too big", "content"),
    (Moment.RCPT, "550 Requested action not taken", "unclassified"),
    (Moment.DOT, "554 Transaction failed", "unclassified"),
]


@pytest.mark.parametrize(("moment", "reply", "error_class"), BLAMELESS)
def test_a_refusal_that_is_not_about_the_address_is_never_a_bounce(
    moment: Moment, reply: str, error_class: str, server: MailServer
) -> None:
    enroll(server, people=3)
    server.on(moment, reply, recipient=RECIPIENT)
    DrivenClock().run_through(NOW + timedelta(days=1))

    assert first_enrollment().status == "quarantined"
    assert DeadLetter.objects.get().error_class == error_class
    assert not Suppression.objects.exists()
    assert Enrollment.objects.filter(status="completed").count() == 2


def test_a_rejected_login_stops_the_mailbox_and_no_enrollment() -> None:
    with MailServer(users={"ada": "right"}) as server:
        mailbox = enroll(
            server,
            people=3,
            auth_method=AuthMethod.PASSWORD.value,
            smtp_username="ada",
            credentials=Secrets(password="wrong"),
        )
        clock = DrivenClock()
        clock.run_through(NOW + timedelta(hours=5))
        mailbox.refresh_from_db()
        assert (mailbox.status, mailbox.status_actor) == ("broken", "engine")
        assert "535" in mailbox.status_reason
        assert set(Enrollment.objects.values_list("status", "retry_count")) == {("active", 0)}
        assert set(EmailMessage.objects.values_list("status", flat=True)) == {"queued"}
        assert server.connection_count == 1, "a broken mailbox is not tried again by itself"

        mailbox.credentials = Secrets(password="right")
        mailbox.save(update_fields=["credentials"])
        resume_mailbox(mailbox, actor="sam@acme.example", now=clock.now)
        assert_all_arrive_later(server, clock, mailbox)


def test_a_bad_certificate_gets_no_mail_and_no_password(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with MailServer(users={"ada": "right"}, tls_context=certificate.server_context(), implicit_tls=True) as server:
        mailbox = enroll(
            server,
            people=2,
            smtp_host="localhost",
            smtp_security=Security.TLS.value,
            auth_method=AuthMethod.PASSWORD.value,
            smtp_username="ada",
            credentials=Secrets(password="right"),
        )
        clock = DrivenClock()
        clock.run()
        assert (server.login_count, server.messages) == (0, [])
        assert_only_the_lane_waits(mailbox)

        mailbox.transport_options = {"ca_pem": certificate.ca_file.read_text()}
        mailbox.save(update_fields=["transport_options"])
        assert_all_arrive_later(server, clock, mailbox)


def test_a_reply_out_of_place_is_an_unknown_outcome(server: MailServer) -> None:
    """After the dot anything but 2xx, 4xx and 5xx says nothing about who has the message."""
    enroll(server)
    server.on(Moment.DOT, Reply("199 what?", store=True), times=1)
    DrivenClock().run_through(NOW + timedelta(days=1))
    assert EmailMessage.objects.get().status == "unknown"
    assert_ledger_explains(server.messages)
