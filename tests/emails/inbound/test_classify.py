"""The kind of a mail: an automatic reply, a reply, an opt-out, or unrelated."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.inbound.authentication import NOT_TOLD, read_authentication
from emails.inbound.findings import MailKind
from emails.inbound.parse import parse_mail
from tests.support.inbound_mails import OURS, classify, mail


def kinds(text: str = "Sounds good.", **headers: str) -> list[MailKind]:
    return [finding.kind for finding in classify(mail(text, **headers))]


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "Auto-Replied (vacation)"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "Away"},
        {"Precedence": "auto_reply"},
        {"Subject": "Automatic reply: Hello"},
        {"Subject": "Out of Office: Hello"},
        {"Subject": "Automatische Antwort: Hallo"},
        {"Subject": "Abwesenheitsnotiz: Hallo"},
        {"Subject": "Réponse automatique : Bonjour"},
        {"Subject": "Respuesta automática: Hola"},
        {"Subject": "Risposta automatica: Ciao"},
        {"Subject": "Resposta automática: Olá"},
        {"Subject": "Automatisch antwoord: Hallo"},
        {"Subject": "自動返信: こんにちは"},
        {"Subject": "=?utf-8?q?R=C3=A9ponse_automatique?="},
    ],
)
def test_an_automatic_reply_is_not_a_reply(headers: dict[str, str]) -> None:
    assert kinds(**headers) == [MailKind.OUT_OF_OFFICE]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto_Submitted": "no"},
        {"X_Autoreply": "no"},
        {"Subject": "Re: Out of office"},
        {"Subject": "AW: Automatische Antwort in Ihrem Produkt"},
        {"Subject": "Office hours"},
        {"Subject": "Oooh, nice"},
        {"List_Id": "<team.prospect.example>", "In_Reply_To": OURS},
        {"Precedence": "bulk", "In_Reply_To": OURS},
        {"X_Auto_Response_Suppress": "OOF"},
        {"Subject": "OOO plan for the launch"},
        {"Subject": "On leave next week, call me today"},
        {"Subject": "Vacation replacement"},
    ],
)
def test_personal_mail_is_a_reply(headers: dict[str, str]) -> None:
    assert kinds(**headers) == [MailKind.REPLY]


@pytest.mark.parametrize(
    "headers",
    [
        {"List_Id": "<news.prospect.example>", "Subject": "Our newsletter"},
        {"List_Unsubscribe": "<https://prospect.example/u>", "Subject": "Our newsletter"},
        {"Precedence": "bulk", "Subject": "Our newsletter"},
    ],
)
def test_list_mail_that_answers_nothing_is_not_a_reply(headers: dict[str, str]) -> None:
    assert kinds(**headers) == [MailKind.LIST]


def test_a_read_receipt_is_only_logged() -> None:
    raw = f"""From: jo@prospect.example
Subject: Read: Hello
In-Reply-To: {OURS}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary=b

--b
Content-Type: text/plain

Your message was read.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; jo@prospect.example
Disposition: manual-action/MDN-sent-manually; displayed
--b--
"""
    (finding,) = classify(parse_mail(raw.encode()))
    assert (finding.kind, finding.reason) == (MailKind.OTHER, "a read receipt")


def test_an_automatic_answer_carries_the_day_of_return() -> None:
    (finding,) = classify(mail("I am back on March 9.", Auto_Submitted="auto-replied"))
    assert (finding.until, finding.until_is_assumed) == (date(2026, 3, 9), False)


def test_an_absence_without_a_date_is_assumed_to_last_two_weeks() -> None:
    (finding,) = classify(mail("I am out of the office.", Auto_Submitted="auto-replied"))
    assert (finding.until, finding.until_is_assumed) == (date(2026, 3, 16), True)


@pytest.mark.parametrize(
    ("text", "headers", "expected"),
    [
        ("Jane left the company, I took over. Call me.", {}, MailKind.REPLY),
        ("Jane left the company, I took over. Call me.", {"Auto_Submitted": "auto-replied"}, MailKind.LEFT_COMPANY),
        ("Jane has left the company.", {"Subject": "Automatic reply: Hello"}, MailKind.LEFT_COMPANY),
        ("I have left the company. Write to bob@prospect.example.", {}, MailKind.LEFT_COMPANY),
        ("Jane Doe is no longer with the company. Please contact bob@prospect.example.", {}, MailKind.LEFT_COMPANY),
    ],
)
def test_a_personal_message_about_a_departure_is_a_reply(
    text: str, headers: dict[str, str], expected: MailKind
) -> None:
    assert kinds(text, **headers) == [expected]


def test_an_opt_out_is_one_finding() -> None:
    found = classify(mail("Please unsubscribe me.\n\nOn Mon, Ada wrote:\n> Hello\n"))
    assert [(finding.kind, finding.intent) for finding in found] == [(MailKind.OPT_OUT, "opt_out")]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("[desk #4711] Your message", "We have received your message. An agent will get back to you."),
        ("Request received (88123)", "Your request has been received and is being reviewed by our staff."),
        ("AutoReply: Hello", "Ihre Anfrage ist bei uns eingegangen, Vorgang 20260302-17."),
    ],
)
def test_a_ticket_receipt_is_only_logged(subject: str, text: str) -> None:
    assert kinds(text=text, Subject=subject, Auto_Submitted="auto-generated", In_Reply_To=OURS) == [MailKind.OTHER]


@pytest.mark.parametrize(
    "text",
    [
        "To prove that you are human, click https://filter.example/c/1 and your message is delivered.",
        "I use a filter. Please confirm that you are a person: follow https://filter.example/x?id=9",
    ],
)
def test_a_filter_that_asks_for_a_proof_is_a_challenge(text: str) -> None:
    assert kinds(text=text, Auto_Submitted="auto-replied") == [MailKind.CHALLENGE]
    assert kinds(text=text) == [MailKind.CHALLENGE]


@pytest.mark.parametrize(
    "text",
    [
        "Could you verify your email address reaches my inbox? I got it twice.",
        "We sell captcha software ourselves. Is your product for human resources too?",
        "Are you a real person, not a robot? Book a slot: click https://calendar.example/jo for my mail hours.",
        "Had to confirm this mail by hand before it was delivered, but here I am: let us talk.",
    ],
)
def test_prose_about_filters_is_a_reply(text: str) -> None:
    assert kinds(text=text, In_Reply_To=OURS) == [MailKind.REPLY]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("unsubscribe", ""),
        ("Unsubscribe", "Apple Mail sent this email to unsubscribe from the message \u201cHello\u201d."),
        ("Unsubscribe", "This message was automatically generated by Gmail."),
    ],
)
def test_the_unsubscribe_of_a_mail_program_is_an_opt_out(subject: str, text: str) -> None:
    assert kinds(text=text, Subject=subject, Auto_Submitted="auto-generated") == [MailKind.OPT_OUT]


@pytest.mark.parametrize(
    ("state", "intent"), [("ACCEPTED", "interested"), ("TENTATIVE", "interested"), ("DECLINED", "unclear")]
)
def test_a_calendar_answer_wins_over_its_automatic_header(state: str, intent: str) -> None:
    raw = f"""From: Jo <jo@prospect.example>
Subject: Accepted: Demo
In-Reply-To: {OURS}
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain

Jo has answered.
--b
Content-Type: text/calendar; charset=utf-8; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
ATTENDEE;CN=Another;PARTSTAT=NEEDS-ACTION:mailto:other@prospect.example
ATTENDEE;CN=Jo;
 PARTSTAT={state}:mailto:jo@prospect.example
END:VEVENT
END:VCALENDAR
--b--
"""
    (finding,) = classify(parse_mail(raw.encode()))
    assert (finding.kind, finding.intent) == (MailKind.CALENDAR, intent)


def test_a_dmarc_report_is_only_logged() -> None:
    assert kinds(Subject="Report Domain: sender.example Submitter: bigpost.example") == [MailKind.OTHER]


def test_a_mail_without_headers_is_set_aside_with_its_error() -> None:
    found = parse_mail(b"just some words\r\n")
    (finding,) = classify(found)
    assert (finding.kind, finding.reason) == (MailKind.OTHER, "it has no headers of a mail")


@pytest.mark.parametrize(
    ("header", "is_authenticated", "is_forged"),
    [
        ("mx.example; spf=pass smtp.mailfrom=prospect.example; dmarc=pass header.from=prospect.example", True, False),
        ("mx.example; dkim=pass (2048 bit; x) header.d=prospect.example; dmarc=none", True, False),
        ("mx.example; dkim=pass header.d=elsewhere.example; spf=none", False, False),
        ("mx.example; dkim=pass header.d=prospect.example; dmarc=fail (p=none)", False, True),
        ("mx.example; none", False, False),
        ("", False, False),
    ],
)
def test_only_results_of_our_own_server_authenticate(header: str, is_authenticated: bool, is_forged: bool) -> None:
    found = read_authentication(mail(**({"Authentication_Results": header} if header else {})))
    assert (found.is_authenticated, found.is_forged) == (is_authenticated, is_forged)


def test_only_the_topmost_authentication_header_counts_or_the_configured_one() -> None:
    raw = b"""Authentication-Results: mx.ours.example; dmarc=fail header.from=prospect.example
Authentication-Results: mx.forged.example; dmarc=pass header.from=prospect.example
From: jo@prospect.example

Hello
"""
    assert read_authentication(parse_mail(raw)).is_forged
    assert read_authentication(parse_mail(raw), "mx.ours.example").is_forged
    assert read_authentication(parse_mail(raw), "mx.other.example") == NOT_TOLD


def test_referenced_ids_come_nearest_first() -> None:
    found = mail(In_Reply_To="<3@x.example>", References="<1@x.example> <2@x.example>\r\n <3@x.example>")
    assert found.named_ids == ("<3@x.example>", "<2@x.example>", "<1@x.example>")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Jo <jo@prospect.example>", "jo@prospect.example"),
        ("JO@Prospect.Example", "jo@prospect.example"),
        ("Doe, Jane <jane@prospect.example>", "jane@prospect.example"),
        ('"boss@spoofed.example" <jo@prospect.example>', "jo@prospect.example"),
        ("=?utf-8?q?J=C3=B6?= <jo@prospect.example>", "jo@prospect.example"),
        ("undisclosed recipients:;", ""),
        ("", ""),
    ],
)
def test_the_sender_is_the_address_alone(header: str, expected: str) -> None:
    assert mail(From=header).sender == expected


def test_a_mail_without_message_id_has_the_same_identity_every_time() -> None:
    raw = b"From: jo@prospect.example\r\n\r\nHello\r\n"
    assert parse_mail(raw).identity == parse_mail(raw).identity != parse_mail(raw + b"!").identity


def test_a_very_long_message_id_is_shortened() -> None:
    assert len(mail(Message_ID=f"<{'x' * 900}@prospect.example>").identity) == 64


def test_html_alone_is_read_without_its_quote() -> None:
    raw = b"""From: jo@prospect.example
Subject: Re: Hello
Content-Type: text/html; charset=utf-8

<div dir="ltr">Please <b>remove me</b></div><br><div class="gmail_quote"><div>On Mon, Mar 2, 2026 at 10:00 AM Ada
&lt;a@b.example&gt; wrote:<br></div><blockquote class="gmail_quote">A word. <a href="x">Unsubscribe</a></blockquote>
</div>
"""
    found = parse_mail(raw)
    assert found.new_text == "Please remove me"
    assert [finding.kind for finding in classify(found)] == [MailKind.OPT_OUT]


@given(st.binary(max_size=600))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    classify(parse_mail(raw))


@given(
    st.sampled_from(["From", "Subject", "In-Reply-To", "References", "Message-ID", "Content-Type", "Precedence"]),
    st.text(max_size=60),
)
def test_no_header_breaks_the_reader(name: str, value: str) -> None:
    classify(parse_mail(f"From: jo@prospect.example\r\n{name}: {value}\r\n\r\nHello".encode(errors="replace")))
