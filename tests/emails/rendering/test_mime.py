"""The bytes of an email: headers that no name breaks out of, folded lines, and both parts as they were rendered."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.addresses import AddressError
from emails.rendering.mime import build_mime, check_address
from emails.rendering.render import RenderedEmail, thread_headers, unsubscribe_headers
from tests.emails.rendering.test_render import NAMES, UNSUBSCRIBE, render

MAILTO = "mailto:sam@sender.example?subject=unsubscribe%20tok:en-1"
DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(NAMES, NAMES)
@settings(max_examples=200)
def test_no_name_makes_a_header(name: str, other: str) -> None:
    rendered = render(subject="Hello {{ contact.x }}", x=name)
    raw = mime(rendered, from_name=other, to_name=name)
    head = raw.split(b"\r\n\r\n")[0].decode("ascii")
    assert re.findall(r"^([A-Za-z-]+):", head, re.MULTILINE) == [
        "Content-Type", "MIME-Version", "Date", "From", "To", "Subject", "Message-ID",
    ]  # fmt: skip
    message = parse(raw)
    assert getaddresses([str(email.message_from_bytes(raw)["To"])])[0][1] == "to@b.io"
    assert str(make_header(decode_header(email.message_from_bytes(raw)["Subject"]))) == rendered.subject
    assert not message.defects


def mime(rendered: RenderedEmail | None = None, **changed: Any) -> bytes:
    given_ = {
        "from_name": "Sam",
        "from_address": "from@a.io",
        "to_name": "Ann",
        "to_address": "to@b.io",
        "message_id": "<1@a.io>",
        "date": DATE,
        "headers": {},
        **changed,
    }
    return build_mime(rendered=rendered or render(), **given_)


def parse(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_bytes_are_a_message_with_text_and_html() -> None:
    rendered = render("Grüße, **{{ contact.first_name }}**\n\n.\n\nFrom me " + "ä" * 3000, first_name="Zoë")
    raw = mime(rendered, from_name="Łukasz, Ż", to_name="Zoë")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    raw.decode("ascii")
    message = parse(raw)
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(page, EmailMessage)
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == rendered.text
    assert page.get_content().replace("\r\n", "\n") == rendered.html
    assert str(message["From"]) == '"Łukasz, Ż" <from@a.io>'
    assert message["Date"].datetime == DATE
    assert message["Message-ID"] == "<1@a.io>"
    assert "X-Mailer" not in message
    assert mime(rendered, from_name="Łukasz, Ż", to_name="Zoë") == raw


def test_no_text_ends_its_part() -> None:
    boundary = parse(mime()).get_boundary()
    rendered = render(f"a\n\n--{boundary}\n\n--{boundary}--\n\nb")
    parts = [part.get_content() for part in parse(mime(rendered)).iter_parts() if isinstance(part, EmailMessage)]
    assert [part.replace("\r\n", "\n") for part in parts] == [rendered.text, rendered.html]


def test_one_click_unsubscribe_headers_follow_rfc_8058() -> None:
    message = parse(mime(headers=unsubscribe_headers(UNSUBSCRIBE, MAILTO)))
    assert message["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>, <{MAILTO}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_https_no_one_click_is_promised() -> None:
    plain = UNSUBSCRIBE.replace("https://", "http://")
    assert unsubscribe_headers(plain, MAILTO) == {"List-Unsubscribe": f"<{plain}>, <{MAILTO}>"}


def test_threads_name_the_first_and_the_last_twenty() -> None:
    assert thread_headers([]) == {}
    assert thread_headers(["<1@a>", "<2@a>"]) == {"In-Reply-To": "<2@a>", "References": "<1@a> <2@a>"}
    ids = [f"<{number}-{'x' * 60}@mail.example.com>" for number in range(50)]
    headers = thread_headers(ids)
    assert headers["In-Reply-To"] == ids[-1]
    assert headers["References"].split() == [ids[0], *ids[-20:]]
    raw = mime(headers=headers)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert str(parse(raw)["References"]).split() == [ids[0], *ids[-20:]]


def header_lines(raw: bytes) -> list[bytes]:
    return raw.split(b"\r\n\r\n")[0].split(b"\r\n")


def test_encoded_words_are_no_longer_than_rfc_2047_allows() -> None:
    raw = mime(render(subject="Ж" * 200), from_name="Ж" * 100)
    words = re.findall(rb"=\?utf-8\?[^?]*\?[^?]*\?=", raw)
    assert len(words) > 5
    assert max(map(len, words)) <= 75
    assert max(len(line) for line in header_lines(raw) if b"=?" in line) <= 76
    assert str(parse(raw)["Subject"]) == "Ж" * 200


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=30)


@given(st.lists(WORDS, min_size=1, max_size=20).map(" ".join), st.lists(WORDS, max_size=8).map(" ".join))
def test_headers_are_folded_and_unfold_to_what_was_written(subject: str, name: str) -> None:
    ids = [f"<{number}-{'x' * 40}@mail.example.com>" for number in range(21)]
    headers = {**thread_headers(ids), **unsubscribe_headers(UNSUBSCRIBE, MAILTO)}
    raw = mime(RenderedEmail(subject, "a\n", "<p>a</p>"), from_name=name, headers=headers)
    assert max(map(len, header_lines(raw))) <= 78
    message = email.message_from_bytes(raw)
    assert str(make_header(decode_header(message["Subject"]))) == subject
    assert message["References"].split() == ids
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", message["List-Unsubscribe"])
    assert unfolded == f"<{UNSUBSCRIBE}>, <{MAILTO}>"


def test_a_word_that_no_line_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="X-Long has a word of more than 998"):
        mime(headers={"X-Long": "x" * 999})


@pytest.mark.parametrize(
    "address", ["a\n@b.io", "a@b.io\r\nBcc: c@d.io", "a b@c.io", "a,b@c.io", "a@b@c.io", "@b.io", "a@", "<a@b.io>"]
)
@pytest.mark.parametrize("field", ["from_address", "to_address"])
def test_addresses_that_would_break_a_header_are_refused(address: str, field: str) -> None:
    changed: dict[str, Any] = {field: address}
    with pytest.raises(AddressError, match="is not an email address") as caught:
        mime(**changed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["ann@bücher.example", "zoë@b.io", "ann@B.io", "ann@b.io\u200b"])
def test_an_address_is_never_changed_on_its_way_into_the_headers(address: str) -> None:
    assert check_address("Ann@xn--bcher-kva.example") == "Ann@xn--bcher-kva.example"
    assert b"<Ann@xn--bcher-kva.example>" in mime(to_address="Ann@xn--bcher-kva.example")
    with pytest.raises(AddressError, match="in its stored form"):
        check_address(address)


@pytest.mark.parametrize("changed", [{"message_id": "<1@a>\r\nBcc: x"}, {"headers": {"In-Reply-To": "<1@a>\nBcc: x"}}])
def test_headers_with_a_line_break_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="line break"):
        mime(**changed)
