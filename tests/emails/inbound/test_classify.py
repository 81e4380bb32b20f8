"""What a mail is: an automatic answer, a reply, an opt-out, or nothing to us."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.choices import EventType
from emails.inbound.parse import parse_mail
from tests.support.inbound_mails import OURS, classify, mail


def kinds(**headers: str) -> list[str]:
    return [finding.type.value for finding in classify(mail(**headers))]


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner-email=x@y.example"},
        {"Auto_Submitted": "Auto-Replied (vacation)"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "Away"},
        {"Precedence": "auto_reply"},
        {"Precedence": "bulk", "In_Reply_To": OURS},
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
def test_an_automatic_answer_is_no_reply(headers: dict[str, str]) -> None:
    assert kinds(**headers) == [EventType.AUTO_REPLIED]


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
    ],
)
def test_what_a_person_wrote_is_a_reply(headers: dict[str, str]) -> None:
    assert kinds(**headers) == [EventType.REPLIED]


@pytest.mark.parametrize(
    "headers",
    [
        {"List_Id": "<news.prospect.example>", "Subject": "Our newsletter"},
        {"List_Unsubscribe": "<https://prospect.example/u>", "Subject": "Our newsletter"},
        {"Precedence": "bulk", "Subject": "Our newsletter"},
    ],
)
def test_a_circular_is_nothing_to_us(headers: dict[str, str]) -> None:
    assert kinds(**headers) == []


def test_a_read_receipt_is_nothing_to_us() -> None:
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
    assert classify(parse_mail(raw.encode())) == ()


def test_an_automatic_answer_carries_the_day_of_return() -> None:
    (finding,) = classify(mail("I am back on March 9.", Auto_Submitted="auto-replied"))
    assert finding.until_at == datetime(2026, 3, 9, tzinfo=UTC)


def test_an_opt_out_is_a_reply_too() -> None:
    found = classify(mail("Please unsubscribe me.\n\nOn Mon, Ada wrote:\n> Hello\n"))
    assert [finding.type for finding in found] == [EventType.UNSUBSCRIBED, EventType.REPLIED]


def test_the_ids_that_a_mail_answers_come_nearest_first() -> None:
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


def test_an_endless_message_id_is_not_kept_as_it_is() -> None:
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
    assert [finding.type for finding in classify(found)] == [EventType.UNSUBSCRIBED, EventType.REPLIED]


@given(st.binary(max_size=600))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    classify(parse_mail(raw))


@given(
    st.sampled_from(["From", "Subject", "In-Reply-To", "References", "Message-ID", "Content-Type", "Precedence"]),
    st.text(max_size=60),
)
def test_no_header_breaks_the_reader(name: str, value: str) -> None:
    classify(parse_mail(f"From: jo@prospect.example\r\n{name}: {value}\r\n\r\nHello".encode(errors="replace")))
