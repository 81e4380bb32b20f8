"""Delivery reports and complaints: who is hard, who is soft, and what says nothing."""

from __future__ import annotations

from unittest import mock

import pytest

from emails.choices import EventType
from emails.inbound import reports
from emails.inbound.parse import parse_mail
from tests.support.inbound_mails import OURS, classify, delivery_report, feedback_report, mail


def recipient(status: str, said: str = "", action: str = "failed", address: str = "jo@prospect.example") -> str:
    diagnostic = f"Diagnostic-Code: smtp; {said}\n" if said else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{diagnostic}"


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist", "hard"),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", "hard"),
        ("5.0.0", "550 5.1.1 <jo@prospect.example>: User unknown", "hard"),
        ("5.0.0", "", "hard"),
        ("5.4.4", "", "hard"),
        ("5.2.1", "550 5.2.1 mailbox disabled", "hard"),
        ("5.2.2", "552 5.2.2 mailbox full", "soft"),
        ("5.7.1", "550 5.7.1 message rejected as spam", "soft"),
        ("5.3.4", "552 5.3.4 message too big", "soft"),
        ("4.4.7", "delivery time expired", "soft"),
        ("4.2.2", "452 4.2.2 over quota", "soft"),
    ],
)
def test_a_failure_is_hard_only_when_it_is_about_the_address(status: str, said: str, expected: str) -> None:
    found = parse_mail(delivery_report(recipient(status, said)))
    (finding,) = classify(found)
    assert (finding.type, finding.recipient, finding.bounce_type) == (
        EventType.BOUNCED,
        "jo@prospect.example",
        expected,
    )
    assert found.reported_ids == (OURS,)


def test_each_recipient_of_a_report_has_a_fact_of_its_own() -> None:
    raw = delivery_report(
        recipient("5.1.1", address="gone@prospect.example"),
        recipient("4.2.2", address="full@prospect.example"),
        recipient("2.0.0", action="delivered", address="fine@prospect.example"),
        recipient("4.4.1", action="delayed", address="slow@prospect.example"),
        recipient("2.0.0", action="relayed", address="gone-on@prospect.example"),
    )
    assert [(f.recipient.partition("@")[0], str(f.type), str(f.bounce_type)) for f in classify(parse_mail(raw))] == [
        ("gone", "bounced", "hard"),
        ("full", "bounced", "soft"),
        ("fine", "delivered", ""),
    ]


def test_a_delay_is_no_bounce_and_no_reply() -> None:
    assert classify(parse_mail(delivery_report(recipient("4.4.1", action="delayed")))) == ()


def test_the_original_address_wins_over_where_it_was_forwarded_to() -> None:
    fields = "Original-Recipient: rfc822;jo@prospect.example\n" + recipient("5.1.1", address="jo@elsewhere.example")
    (finding,) = classify(parse_mail(delivery_report(fields)))
    assert finding.recipient == "jo@prospect.example"


def test_the_words_of_the_server_are_kept_on_one_line() -> None:
    (finding,) = classify(parse_mail(delivery_report(recipient("5.1.1", "550 5.1.1 no\n such\n user"))))
    assert finding.detail == "5.1.1 550 5.1.1 no such user"


def test_a_bounce_in_free_text_is_read() -> None:
    text = f"""Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<jo@prospect.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 No such user

--- Below this line is a copy of the message.

Return-Path: <sdr@sender.example>
Message-ID: {OURS}
Subject: Hello
"""
    found = mail(text, From="MAILER-DAEMON@mx.example", Subject="failure notice")
    (finding,) = classify(found)
    assert (finding.type, finding.recipient, finding.bounce_type) == (EventType.BOUNCED, "jo@prospect.example", "hard")
    assert "No such user" in finding.detail
    assert OURS in found.reported_ids


def test_the_header_of_exim_names_the_failed_recipient() -> None:
    text = "A message that you sent could not be delivered.\n\n  mailbox is full: 452 4.2.2 over quota\n"
    found = mail(
        text, From="Mailer-Daemon@mx.example", Subject="Mail failed", X_Failed_Recipients="jo@prospect.example"
    )
    (finding,) = classify(found)
    assert (finding.recipient, finding.bounce_type) == ("jo@prospect.example", "soft")


def test_a_daemon_that_names_nobody_and_no_status_says_nothing() -> None:
    assert classify(mail("Your quota report of this week.", From="postmaster@prospect.example", Subject="Report")) == ()


def test_a_person_who_writes_about_a_bounce_is_a_person() -> None:
    (finding,) = classify(mail("Your last mail got a 550 5.1.1 on our side, use this address.", Subject="Re: Hello"))
    assert finding.type == EventType.REPLIED


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("jo@prospect.example", "Re: Mail delivery system for your warehouse", "Sounds good, call me."),
        ("jo@prospect.example", "AW: Undelivered parcels?", "We have that, up to 5.1.1 a day."),
        ("jo@prospect.example", "Undelivered parcels", "Yes, that is a problem of ours."),
        ("postmaster@prospect.example", "Re: Hello", "I run the servers here, let us talk."),
    ],
)
def test_an_answer_that_sounds_like_a_bounce_is_an_answer(sender: str, subject: str, text: str) -> None:
    answer = mail(text, From=sender, Subject=subject, **{"In-Reply-To": "<ours@sender.example>"})
    assert [finding.type for finding in classify(answer)] == [EventType.REPLIED]


def test_a_delay_in_free_text_says_nothing() -> None:
    text = (
        "THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n"
        "Delivery to the following recipient has been delayed:\n\n     jo@prospect.example\n"
    )
    for subject in ("Delivery Status Notification (Delay)", "Warning: could not send message for past 4 hours"):
        answered = {"In-Reply-To": "<ours@sender.example>"}
        assert classify(mail(text, From="mailer-daemon@prospect.example", Subject=subject, **answered)) == ()


def test_a_detector_that_fails_is_no_failure_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "all_failures", mock.Mock(side_effect=IndexError("list index out of range")))
    found = mail("5.1.1 no such user", From="mailer-daemon@prospect.example", X_Failed_Recipients="jo@prospect.example")
    assert [finding.type for finding in classify(found)] == [EventType.BOUNCED]


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other"])
def test_a_complaint_names_whom_it_comes_from(kind: str) -> None:
    raw = feedback_report(f"Feedback-Type: {kind}\nVersion: 1\nOriginal-Rcpt-To: jo@prospect.example\n")
    found = parse_mail(raw)
    (finding,) = classify(found)
    assert (finding.type, finding.recipient) == (EventType.COMPLAINED, "jo@prospect.example")
    assert found.reported_ids == (OURS,)


def test_an_opt_out_by_feedback_report_is_no_complaint() -> None:
    (finding,) = classify(parse_mail(feedback_report("Feedback-Type: opt-out\nVersion: 1\n")))
    assert finding.type == EventType.UNSUBSCRIBED
    assert finding.is_report


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc"])
def test_other_feedback_says_nothing_about_the_contact(kind: str) -> None:
    assert classify(parse_mail(feedback_report(f"Feedback-Type: {kind}\nVersion: 1\n"))) == ()
