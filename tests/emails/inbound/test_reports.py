"""Delivery reports and complaints: which are hard, soft, blocked or late, and which say nothing."""

from __future__ import annotations

import pytest

from emails.inbound import reports
from emails.inbound.findings import MailKind
from emails.inbound.parse import parse_mail
from tests.support.inbound_mails import OURS, classify, delivery_report, feedback_report, mail


def recipient(status: str, message: str = "", action: str = "failed", address: str = "jo@prospect.example") -> str:
    diagnostic = f"Diagnostic-Code: smtp; {message}\n" if message else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{diagnostic}"


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist", "hard_bounce"),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", "hard_bounce"),
        ("5.0.0", "550 5.1.1 <jo@prospect.example>: User unknown", "hard_bounce"),
        ("", "550 User unknown", "hard_bounce"),
        ("5.1.1", "", "hard_bounce"),
        ("5.1.2", "550 Host unknown (Name server: prospect.example.: host not found)", "hard_bounce"),
        ("4.0.0", "DNS type 'mx' lookup of prospect.example responded with code NXDOMAIN", "hard_bounce"),
        ("5.2.1", "550 5.2.1 mailbox disabled", "hard_bounce"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "hard_bounce"),
        ("5.1.1", "550 5.1.1 User unknown in relay recipient table", "hard_bounce"),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", "hard_bounce"),
        ("5.0.0", "", "soft_bounce"),
        ("5.4.4", "", "soft_bounce"),
        ("5.1.1", "550 This message was not wanted by our magic box", "soft_bounce"),
        ("5.1.1", "552 5.2.2 over quota", "soft_bounce"),
        ("5.1.1", "450 4.1.1 user unknown, for now", "soft_bounce"),
        ("5.2.2", "552 5.2.2 mailbox full", "soft_bounce"),
        ("5.2.1", "550 5.2.1 not today", "soft_bounce"),
        ("5.3.4", "552 5.3.4 message too big", "soft_bounce"),
        ("4.4.7", "delivery time expired", "soft_bounce"),
        ("4.2.2", "452 4.2.2 over quota", "soft_bounce"),
        (
            "4.4.3",
            "Host or domain name not found. Name service error for name=x.example: Host not found, try again",
            "soft_bounce",
        ),
        ("5.1.1", "550 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org", "blocked"),
        ("5.1.1", "550 5.7.1 unable to relay for jo@prospect.example", "blocked"),
        ("5.7.1", "550 5.7.1 message rejected as spam", "blocked"),
        ("5.0.0", "554 too many messages from this address", "blocked"),
        ("5.1.8", "553 5.1.8 Domain of sender address does not exist", "blocked"),
        ("5.1.1", "550 too many connections from your network", "blocked"),
        ("5.1.1", "550 unknown relay host name", "blocked"),
        ("5.1.1", "550 we accept no open proxy", "blocked"),
        ("5.1.1", "550 members-only list", "blocked"),
        ("5.0.0", "550 this looks like a mass-mailing", "blocked"),
        ("5.7.26", "", "blocked"),
        ("5.0.0", "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "blocked"),
    ],
)
def test_a_failure_is_hard_only_when_it_says_that_the_recipient_does_not_exist(
    status: str, message: str, expected: str
) -> None:
    found = parse_mail(delivery_report(recipient(status, message)))
    (finding,) = classify(found)
    assert (finding.kind, finding.recipient) == (expected, "jo@prospect.example"), finding.reason
    assert found.reported_ids == (OURS,)


def test_each_recipient_of_a_report_has_a_fact_of_its_own() -> None:
    raw = delivery_report(
        recipient("5.1.1", address="gone@prospect.example"),
        recipient("4.2.2", address="full@prospect.example"),
        recipient("2.0.0", action="delivered", address="fine@prospect.example"),
        recipient("4.4.1", action="delayed", address="slow@prospect.example"),
        recipient("2.0.0", action="relayed", address="gone-on@prospect.example"),
    )
    found = [(f.recipient.partition("@")[0], f.kind.value, f.is_delivery) for f in classify(parse_mail(raw))]
    assert found == [
        ("gone", "hard_bounce", False),
        ("full", "soft_bounce", False),
        ("fine", "other", True),
        ("slow", "delayed", False),
        ("gone-on", "other", False),
    ]


def test_a_report_names_at_most_twenty_recipients() -> None:
    raw = delivery_report(*(recipient("5.1.1", address=f"jo{n}@prospect.example") for n in range(40)))
    assert len(classify(parse_mail(raw))) == reports.MOST_RECIPIENTS == 20


def test_a_report_is_never_about_its_own_receiver() -> None:
    raw = delivery_report(recipient("5.1.1", address="sdr@sender.example"))
    (finding,) = classify(parse_mail(raw))
    assert finding.recipient == ""


def test_the_remote_servers_words_outvote_what_sendmail_adds() -> None:
    text = """   ----- The following addresses had permanent fatal errors -----
<jo@prospect.example>
    (reason: 550 Access denied, your network is on our list)

   ----- Transcript of session follows -----
... while talking to mx.prospect.example.:
>>> RCPT To:<jo@prospect.example>
<<< 550 Access denied, your network is on our list
550 5.1.1 <jo@prospect.example>... User unknown
"""
    (finding,) = classify(mail(text, From="MAILER-DAEMON@mx.example", Subject="Returned mail: User unknown"))
    assert finding.kind == MailKind.BLOCKED


def test_each_recipient_in_free_text_has_its_own_reason() -> None:
    text = """I'm afraid I wasn't able to deliver your message to the following addresses.

<gone@prospect.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 no such user
Giving up on 192.0.2.1.

<full@prospect.example>:
192.0.2.1 does not like recipient.
Remote host said: 552 mailbox is full
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <sdr@sender.example>
"""
    found = classify(mail(text, From="MAILER-DAEMON@mx.example", Subject="failure notice"))
    assert [(finding.recipient.partition("@")[0], finding.kind.value) for finding in found] == [
        ("gone", "hard_bounce"),
        ("full", "soft_bounce"),
    ]


def test_a_report_inside_another_part_is_found() -> None:
    report = delivery_report(recipient("5.1.1", "550 5.1.1 user unknown")).decode()
    inner = report[report.index("Content-Type: multipart/report") :]
    raw = f"""From: postmaster@relay.example
To: sdr@sender.example
Subject: Undeliverable: Hello
Return-Path: <>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
{inner}
--outer--
"""
    (finding,) = classify(parse_mail(raw.encode()))
    assert (finding.kind, finding.recipient) == (MailKind.HARD_BOUNCE, "jo@prospect.example")


def test_a_forwarded_report_is_a_reply() -> None:
    report = delivery_report(recipient("5.1.1", "550 5.1.1 user unknown")).decode()
    raw = f"""From: jo@prospect.example
To: sdr@sender.example
Subject: Fwd: Failure notice
In-Reply-To: {OURS}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain

Look what I got when I answered you. Call me instead.
--outer
Content-Type: message/rfc822

{report}
--outer--
"""
    (finding,) = classify(parse_mail(raw.encode()))
    assert finding.kind == MailKind.REPLY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Message not delivered\n\nYou're sending this from a different address using the 'Send mail as' feature.\n\n"
         "The response was:\n\n535 5.7.8 Username and password not accepted", "blocked"),
        ("Your message to <jo@prospect.example> was trapped: the mailbox of the recipient is full.", "soft_bounce"),
        ("Your message could not be delivered to jo@prospect.example. It may be that something broke.", "soft_bounce"),
        ("Your message\n  To: jo@prospect.example\n  Subject: Hello\n\ndid not reach the following recipient(s):\n\n"
         "jo@prospect.example on Mon, 2 Mar 2026\n    The recipient name is not recognized", "hard_bounce"),
        ("Your message could not be delivered to jo@prospect.example: der Empfänger ist hier unbekannt", "hard_bounce"),
        ("送信できませんでした。\n<jo@prospect.example>\n宛先のメールアドレスが見つかりませんでした。", "hard_bounce"),
        ("Messaggio non consegnato a jo@prospect.example: la casella è piena", "soft_bounce"),
    ],
)  # fmt: skip
def test_reports_in_words_are_understood(text: str, expected: str) -> None:
    (finding,) = classify(mail(text, From="Mail Delivery System <mailer-daemon@mx.example>", Subject="Undeliverable"))
    assert finding.kind == expected, finding.reason


def test_a_delay_is_no_bounce_and_no_reply() -> None:
    (finding,) = classify(parse_mail(delivery_report(recipient("4.4.1", action="delayed"))))
    assert finding.kind == MailKind.DELAYED


def test_the_original_address_wins_over_where_it_was_forwarded_to() -> None:
    fields = "Original-Recipient: rfc822;jo@prospect.example\n" + recipient("5.1.1", address="jo@elsewhere.example")
    (finding,) = classify(parse_mail(delivery_report(fields)))
    assert finding.recipient == "jo@prospect.example"


def test_the_words_that_decided_are_kept_on_one_line() -> None:
    (finding,) = classify(parse_mail(delivery_report(recipient("5.1.1", "550 5.1.1 no\n such\n user"))))
    assert (finding.status, finding.reason) == ("5.1.1", 'unknown_user: "no such user"')


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
    assert (finding.kind, finding.recipient) == (MailKind.HARD_BOUNCE, "jo@prospect.example")
    assert "No such user" in finding.reason
    assert OURS in found.reported_ids


def test_the_header_of_exim_names_the_failed_recipient() -> None:
    text = "A message that you sent could not be delivered.\n\n  mailbox is full: 452 4.2.2 over quota\n"
    found = mail(
        text, From="Mailer-Daemon@mx.example", Subject="Mail failed", X_Failed_Recipients="jo@prospect.example"
    )
    (finding,) = classify(found)
    assert (finding.recipient, finding.kind) == ("jo@prospect.example", MailKind.SOFT_BOUNCE)


def test_a_mail_server_that_reports_no_failure_is_only_logged() -> None:
    (finding,) = classify(mail("The weekly statistics.", From="postmaster@prospect.example", Subject="Report"))
    assert finding.kind == MailKind.OTHER


def test_personal_mail_about_a_bounce_is_a_reply() -> None:
    (finding,) = classify(mail("Your last mail got a 550 5.1.1 on our side, use this address.", Subject="Re: Hello"))
    assert finding.kind == MailKind.REPLY


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
    assert [finding.kind for finding in classify(answer)] == [MailKind.REPLY]


def test_a_new_thread_about_a_parcel_is_a_reply() -> None:
    (finding,) = classify(
        mail("The parcel was not delivered to us. Please send it again.", Subject="Undelivered parcel")
    )
    assert finding.kind == MailKind.REPLY


def test_a_delay_in_free_text_says_nothing() -> None:
    text = (
        "THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n"
        "Delivery to the following recipient has been delayed:\n\n     jo@prospect.example\n"
    )
    for subject in ("Delivery Status Notification (Delay)", "Warning: could not send message for past 4 hours"):
        answered = {"In-Reply-To": "<ours@sender.example>"}
        (finding,) = classify(mail(text, From="mailer-daemon@prospect.example", Subject=subject, **answered))
        assert (finding.kind, finding.recipient) == (MailKind.DELAYED, "jo@prospect.example")


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other"])
def test_a_complaint_names_its_sender(kind: str) -> None:
    raw = feedback_report(f"Feedback-Type: {kind}\nVersion: 1\nOriginal-Rcpt-To: jo@prospect.example\n")
    found = parse_mail(raw)
    (finding,) = classify(found)
    assert (finding.kind, finding.recipient) == (MailKind.COMPLAINT, "jo@prospect.example")
    assert found.reported_ids == (OURS,)


def test_an_opt_out_by_feedback_report_is_no_complaint() -> None:
    (finding,) = classify(parse_mail(feedback_report("Feedback-Type: opt-out\nVersion: 1\n")))
    assert finding.kind == MailKind.OPT_OUT
    assert finding.is_report


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc"])
def test_other_feedback_says_nothing_about_the_contact(kind: str) -> None:
    (finding,) = classify(parse_mail(feedback_report(f"Feedback-Type: {kind}\nVersion: 1\n")))
    assert finding.kind == MailKind.OTHER


def test_microsofts_junk_mail_report_is_a_complaint() -> None:
    raw = f"""From: staff@hotmail.com
To: sdr@sender.example
Subject: complaint about message from 192.0.2.1
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: jo@prospect.example
From: sdr@sender.example
Message-ID: {OURS}

A word.
--b--
"""
    found = parse_mail(raw.encode())
    (finding,) = classify(found)
    assert (finding.kind, finding.recipient) == (MailKind.COMPLAINT, "jo@prospect.example")
    assert found.reported_ids == (OURS,)


def test_a_byte_order_mark_hides_no_complaint() -> None:
    raw = b"\xef\xbb\xbf" + feedback_report("Feedback-Type: abuse\nOriginal-Rcpt-To: jo@prospect.example\n")
    (finding,) = classify(parse_mail(raw))
    assert finding.kind == MailKind.COMPLAINT
