"""What is sent: subject, HTML and text, and that no name or paste breaks out of its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emails.rendering.render import (
    Frame,
    RenderedEmail,
    Template,
    Tracking,
    known_fields,
    person_fields,
    render_email,
    without_pixel,
)
from sequences.liquid.templating import TemplateError

UNSUBSCRIBE = "https://mail.example.com/u/tok_en-1"


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


def test_text_and_html_footers_have_postal_address_and_unsubscribe_link() -> None:
    rendered = render(postal_address="1 <Main> St\nSpringfield")
    assert "1 &lt;Main&gt; St<br>Springfield" in rendered.html
    assert UNSUBSCRIBE in elements(rendered.html).links
    assert rendered.text.endswith(f"1 <Main> St\nSpringfield\nUnsubscribe ({UNSUBSCRIBE})\n")


def test_links_are_rewritten_in_html_only_and_the_unsubscribe_link_never() -> None:
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
def test_scripts_and_frames_are_removed(paste: str, around: str) -> None:
    page = content(render(around.format(paste)))
    assert "ok" in page
    assert not re.search(
        r"<[^>]*(script|onerror|onload|iframe|svg|form|input|meta|base|link|position)", page, re.IGNORECASE
    )
    assert not [link for link in elements(page).links if not link.startswith("http")]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Hi {{ contact.nick }}", "subject: line 1: no value for contact.nick"),
        ("{{ contact.nick | default: ' ' }}", "subject: it is blank for this contact"),
        ("", "subject: it is empty, and there is no earlier email"),
    ],
)
def test_a_subject_that_cannot_be_sent(subject: str, text: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(text)):
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
