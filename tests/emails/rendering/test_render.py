"""What is sent: subject, HTML, text and bytes, and that nobody's name or paste can break out of its place."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.addresses import AddressError
from emails.rendering.mime import build_mime, check_address
from emails.rendering.render import (
    Frame,
    RenderedEmail,
    Template,
    Tracking,
    known_fields,
    person_fields,
    render_email,
    thread_headers,
    unsubscribe_headers,
    without_pixel,
)
from sequences.liquid.templating import TemplateError

UNSUBSCRIBE = "https://mail.example.com/u/tok_en-1"
MAILTO = "mailto:sam@sender.example?subject=unsubscribe%20tok:en-1"
DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def render(
    body: str = "Hello",
    *,
    subject: str = "Hi",
    reply_subject: str | None = None,
    signature: str = "",
    postal_address: str = "1 Main St\nSpringfield",
    open_pixel_url: str | None = None,
    rewrite_link: Callable[[str], str] | None = None,
    **contact: object,
) -> RenderedEmail:
    context = {"contact": person_fields(contact), "sender": {"name": "Sam"}, "workspace": {"name": "Acme"}}
    return render_email(
        Template(subject, body, reply_subject),
        {**context, "unsubscribe_url": UNSUBSCRIBE},
        Frame(signature, postal_address, UNSUBSCRIBE),
        Tracking(open_pixel_url, rewrite_link),
    )


def content(rendered: RenderedEmail) -> str:
    """The HTML between the frame and the footer."""
    return rendered.html.split("<body>\n")[1].rsplit("<hr>")[0].strip()


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href" and value]


def elements(page: str) -> _Elements:
    parser = _Elements()
    parser.feed(page)
    parser.close()
    return parser


def test_markdown_becomes_html_and_text() -> None:
    rendered = render("Hello **{{ contact.first_name }}**,\nsee [our site](https://a.io/?x=1&y=2).", first_name="Ann")
    assert content(rendered) == (
        '<p>Hello <strong>Ann</strong>,<br>\nsee <a href="https://a.io/?x=1&amp;y=2">our site</a>.</p>'
    )
    assert rendered.text.startswith("Hello Ann,\nsee our site (https://a.io/?x=1&y=2).\n")
    assert rendered.html.startswith("<!DOCTYPE html>")


def test_html_is_taken_as_it_is() -> None:
    assert content(render("<p>a *b*</p>\n\n    <p>c</p>")) == "<p>a *b*</p>\n\n    <p>c</p>"


def test_the_footer_has_the_address_and_the_way_out_in_both_forms() -> None:
    rendered = render(postal_address="1 <Main> St\nSpringfield")
    assert "1 &lt;Main&gt; St<br>Springfield" in rendered.html
    assert UNSUBSCRIBE in elements(rendered.html).links
    assert rendered.text.endswith(f"1 <Main> St\nSpringfield\nUnsubscribe ({UNSUBSCRIBE})\n")


def test_links_are_rewritten_in_html_only_and_the_way_out_never() -> None:
    body = (
        "[a](https://a.io/?x=1&y=2) <https://b.io> [me](mailto:me@a.io) [call](tel:+1) [out]({{ unsubscribe_url }})\n\n"
        '<A HREF="HTTP://c.io" title="x>y">c</A>'
    )
    asked: list[str] = []

    def rewrite(url: str) -> str:
        asked.append(url)
        return f"https://t.io/c/{len(asked)}?q=1&z=2"

    rendered = render(body, rewrite_link=rewrite)
    assert asked == ["https://a.io/?x=1&y=2", "https://b.io", "HTTP://c.io"]
    assert elements(rendered.html).links == [
        "https://t.io/c/1?q=1&z=2", "https://t.io/c/2?q=1&z=2", "mailto:me@a.io", "tel:+1", UNSUBSCRIBE,
        "https://t.io/c/3?q=1&z=2", UNSUBSCRIBE,
    ]  # fmt: skip
    assert "t.io" not in rendered.text
    assert "a (https://a.io/?x=1&y=2) https://b.io me (mailto:me@a.io)" in rendered.text


def test_the_open_pixel_is_there_only_when_asked_for() -> None:
    pixel = "https://t.io/t/o/1.gif?a=1&b=2"
    tracked, plain = render(open_pixel_url=pixel).html, render().html
    assert 'src="https://t.io/t/o/1.gif?a=1&amp;b=2"' in tracked
    assert without_pixel(tracked) == without_pixel(plain) == plain
    assert "<img" not in render().html


def test_the_signature_follows_the_body_and_may_come_to_nothing() -> None:
    rendered = render("Body", signature="*{{ sender.name }}*")
    assert content(rendered) == "<p>Body</p>\n<p><em>Sam</em></p>"
    assert content(render("Body", signature="{% if contact.nick %}x{% endif %}")) == "<p>Body</p>"


def test_styles_are_inlined() -> None:
    page = content(render("<style>p{color:red}</style><p>x</p>"))
    assert page == '<p style="color:red">x</p>'


@pytest.mark.parametrize(
    "paste",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" JaVaScRiPt:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "<iframe src='https://e.io'></iframe>",
        "<svg onload=alert(1)>",
        "<form action='https://e.io'><input></form>",
        "<p style='position:fixed;background:url(javascript:alert(1))'>x</p>",
        "<meta http-equiv=refresh content='0;url=https://e.io'>",
        "<base href='https://e.io'>",
        "<link rel=stylesheet href='https://e.io/x.css'>",
        "<style>@import url(https://e.io/x.css);</style>",
        "[x](javascript:alert(1))",
    ],
)
@pytest.mark.parametrize("around", ["<p>ok</p>{}", "ok\n\n{}"])
def test_what_runs_or_frames_is_removed(paste: str, around: str) -> None:
    page = content(render(around.format(paste)))
    assert "ok" in page
    assert not re.search(
        r"<[^>]*(script|onerror|onload|iframe|svg|form|input|meta|base|link|position)", page, re.IGNORECASE
    )
    assert not [link for link in elements(page).links if not link.startswith("http")]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Hi {{ contact.nick }}", "subject: line 1: no value for contact.nick"),
        ("{{ contact.nick | default: ' ' }}", "subject: it is blank for this contact"),
        ("", "subject: it is empty, and there is no earlier email"),
    ],
)
def test_a_subject_that_cannot_be_sent(subject: str, said: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(said)):
        render(subject=subject)


def test_errors_name_the_part() -> None:
    with pytest.raises(TemplateError, match=r"^body: line 2: no value for contact\.nick"):
        render("a\n{{ contact.nick }}")
    with pytest.raises(TemplateError, match=r"^signature: line 1: unknown filter 'x'"):
        render(signature="{{ 'a' | x }}")
    with pytest.raises(TemplateError, match=r"^body: nothing of it is left"):
        render("<script>x</script>")


def test_subjects_are_one_line_without_control_characters_and_not_escaped() -> None:
    rendered = render(subject=" {{ contact.x }}\r\nBcc: all@e.io ", x="A & B\n\x00\u2028<c>")
    assert rendered.subject == "A & B <c> Bcc: all@e.io"
    assert "<title>A &amp; B &lt;c&gt; Bcc" in rendered.html
    assert len(render(subject="x" * 300).subject) == 255


@pytest.mark.parametrize(
    ("first", "reply"),
    [
        ("Quick question", "Re: Quick question"),
        ("Re: Quick question", "Re: Quick question"),
        ("RE: re:  Quick question", "Re: Quick question"),
        ("Regarding you", "Re: Regarding you"),
        ("a\r\nBcc: b@c.io", "Re: a Bcc: b@c.io"),
        ("x" * 300, "Re: " + "x" * 251),
    ],
)
def test_an_empty_subject_replies_in_the_thread(first: str, reply: str) -> None:
    assert render(subject=" ", reply_subject=first).subject == reply


def test_a_subject_of_its_own_starts_a_new_thread() -> None:
    assert render(subject="New", reply_subject="Old").subject == "New"


def test_context_known_columns_win_and_blanks_are_missing() -> None:
    known = person_fields(
        {"plan": "pro", "first_name": "Ann", "last_name": "Lee", "title": " ", "phone": None, "seats": 0}
    )
    person = {"plan": "pro", "first_name": "Ann", "last_name": "Lee", "full_name": "Ann Lee", "seats": 0}
    assert known == {**person, "fields": person}
    assert known_fields({"name": "Acme", "domain": ""}) == {"name": "Acme"}
    assert "full_name" not in person_fields({"plan": "x"})


NAMES = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text("<>&\"'/=[]()*_`#-+!|~\\:\n\r\t 1.ab", min_size=1, max_size=20),
    st.sampled_from(
        [
            "<script>",
            "[x](https://e.io)",
            "![x](https://e.io)",
            "\n\n# a",
            "\r# a",
            "a\r\n- b",
            "1. b",
            "    code",
            "```\n",
            "<!--",
        ]
    ),
).filter(str.strip)


@given(NAMES)
@settings(max_examples=300)
@pytest.mark.parametrize("body", ["Hello {{ contact.x }}.", "<p>Hello {{ contact.x }}.</p>"])
def test_no_name_makes_an_element(body: str, name: str) -> None:
    rendered = render(body, subject="{{ contact.x }}!", x=name)
    page = content(rendered)
    assert set(elements(page).tags) <= {"p", "br", "a"}
    assert all(link.lower().startswith(("http://", "https://")) for link in elements(page).links)
    assert not re.search(r"[\x00-\x1f\x7f]", rendered.subject)


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


def test_one_click_unsubscribing_as_rfc_8058_wants_it() -> None:
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
