"""Emails arrive as written: typed Markdown, unchanged HTML, complete links, reported changes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.choices import BodyFormat
from sequences.content.markup import find_format
from sequences.content.plain_text import write_text
from sequences.content.rendering import render_part


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value for name, value in attrs if tag == "a" and name == "href" and value]


def targets_of(page: str) -> list[str]:
    parser = _Links()
    parser.feed(page)
    parser.close()
    return parser.targets


def page_of(source: str, **contact: object) -> str:
    return render_part(source, {"contact": contact, "sender": {"email": "kim@quay.example"}}).html


def changes_of(source: str, **contact: object) -> str:
    part = render_part(source, {"contact": contact, "sender": {"email": "kim@quay.example"}}, explains=True)
    return "\n".join(part.changes)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{% if x %}\n<p>a</p>{% endif %}", BodyFormat.HTML),
        ("<!-- note -->\n<!DOCTYPE html><p>a</p>", BodyFormat.HTML),
        ("{% comment %}Hello{% endcomment %}<TABLE>", BodyFormat.HTML),
        ("{% capture x %}Hello{% endcapture %}<h1>a</h1>", BodyFormat.HTML),
        ("\ufeff  {%- assign a = 'b' -%}<style>p{}</style><p>", BodyFormat.HTML),
        ("<b>Hi</b> there", BodyFormat.MARKDOWN),
        ("<https://a.example>", BodyFormat.MARKDOWN),
        ("<kim@quay.example>", BodyFormat.MARKDOWN),
        ("{{ contact.x }}<p>a</p>", BodyFormat.MARKDOWN),
        ("Hello <p>a</p>", BodyFormat.MARKDOWN),
        ("", BodyFormat.MARKDOWN),
    ],
)
def test_the_first_element_after_tags_and_comments_decides_the_format(source: str, written: BodyFormat) -> None:
    assert find_format(source) is written


def test_the_format_can_be_named() -> None:
    assert "<p>*a*</p>" in render_part("<p>*a*</p>", {}, BodyFormat.HTML).html
    assert "<em>a</em>" in render_part("Hi *a*", {}, BodyFormat.MARKDOWN).html
    assert render_part("Hi *a*", {}, BodyFormat.HTML).html == "Hi *a*"


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        ("See https://a.example/_x_/y and https://a.example/*z*.", ["https://a.example/_x_/y", "https://a.example/*z"]),
        ("**https://a.example/x**", ["https://a.example/x"]),
        ("<https://a.example/x>", ["https://a.example/x"]),
        ("[https://a.example](https://b.example)", ["https://b.example"]),
        ("[see https://a.example now](https://b.example)", ["https://b.example"]),
        ("`https://a.example`", []),
        ("    https://a.example", []),
        ("<a href='https://b.example'>https://a.example</a>", ["https://b.example"]),
        ("<p>https://a.example/?a=1&region=2</p>", ["https://a.example/?a=1&region=2"]),
        ("<p><code>https://a.example</code> www.b.example</p>", ["https://www.b.example"]),
        ("https://a.example/?a=1&region=2&copy=3", ["https://a.example/?a=1&region=2&copy=3"]),
        ('<p><a href="https://a.example/?a=1&region=2&copy=3">x</a></p>', ["https://a.example/?a=1&region=2&copy=3"]),
    ],
)
def test_links_are_those_that_were_written(source: str, targets: list[str]) -> None:
    page = page_of(source)
    assert targets_of(page) == targets
    text = write_text(page)
    assert all(target in text for target in targets)


@pytest.mark.parametrize(
    "value", ["North (West) & 50 % more", "a\"b'c", "x]y)z", "<b>", "ü/ö?#", "a\nb", "{{x}}", "100%"]
)
@pytest.mark.parametrize(
    "source",
    [
        "[desk](https://quay.example/d?team={{ contact.team }}&from=mail)",
        "<p><a href='https://quay.example/d?team={{ contact.team }}&amp;from=mail'>desk</a></p>",
        "https://quay.example/d?team={{ contact.team }}&from=mail",
        "<https://quay.example/d?team={{ contact.team }}&from=mail>",
        "[desk](https://quay.example/d?team={% if contact.team %}{{ contact.team }}{% endif %}&from=mail)",
        "[desk](https://quay.example/d?team={{ contact.nick | default: contact.team }}&from=mail)",
        "[desk][1]\n\n[1]: https://quay.example/d?team={{ contact.team }}&from=mail",
        "{% capture u %}https://quay.example/d?team={{ contact.team }}&from=mail{% endcapture %}[desk]({{ u }})",
    ],
)
def test_values_inside_a_link_arrive_whole(source: str, value: str) -> None:
    page = page_of(source, team=value)
    (target,) = targets_of(page)
    assert parse_qs(urlsplit(target).query) == {"team": [value], "from": ["mail"]}
    assert target in write_text(page)


@pytest.mark.parametrize(
    ("source", "value", "target"),
    [
        ("[x]({{ contact.v }})", "https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        ("[x]({{ contact.v }})", "www.acme.example", "https://www.acme.example"),
        ("[x]({{ contact.v }})", "acme.example/a b(c)", "https://acme.example/a%20b(c)"),
        ("[x]({{ contact.v }}/team)", "https://a.example", "https://a.example/team"),
        ("[x](https://{{ contact.v }}/team)", "https://a.example", "https://a.example/team"),
        ("[x](https://a.example/{{ contact.v }}/team)", "b/c d", "https://a.example/b/c%20d/team"),
        ("[x](tel:{{ contact.v }})", "+1 (415) 555-01", "tel:+141555501"),
        ("[x](mailto:{{ contact.v }})", "ann+x@a.example", "mailto:ann%2Bx@a.example"),
        ("[x](https://a.example/?q={{ contact.v | url_encode }})", "a b&c", "https://a.example/?q=a+b%26c"),
        ('<p><a href="{{ contact.v }}">x</a></p>', 'https://a.example/"q"', "https://a.example/%22q%22"),
    ],
)
def test_values_that_are_links_or_parts_of_them(source: str, value: str, target: str) -> None:
    assert targets_of(page_of(source, v=value)) == [target]


@pytest.mark.parametrize("value", ["javascript:alert(1)", "data:text/html,x", " JavaScript:alert(1)"])
def test_a_value_never_makes_a_link_that_runs(value: str) -> None:
    assert targets_of(page_of("[x]({{ contact.v }})", v=value)) == []
    assert targets_of(page_of("<p><a href='{{ contact.v }}'>x</a></p>", v=value)) == []


WORD = st.text("abz", min_size=1, max_size=5)
QUERY = st.lists(st.tuples(WORD, st.text("ab&=é ?#/*_()", max_size=6)), max_size=4)


@given(WORD, QUERY, st.sampled_from(["[label]({})", "<a href='{}'>label</a>", '<p>see <a href="{}">label</a></p>']))
def test_links_survive_rendering_byte_by_byte(name: str, query: list[tuple[str, str]], around: str) -> None:
    url = f"https://{name}.example/{name}?{urlencode(query)}" if query else f"https://{name}.example/"
    page = page_of(around.format(url))
    assert targets_of(page) == [url]
    assert f"label ({url})" in write_text(page)


PIECES = st.sampled_from(
    [
        *("Hello **you**", "\n\n", "\n", "- one\n", "3. three\n", "> quoted\n", "a & b < c &amp; d", "`code & <b>`"),
        *("https://a.example/x?y=1&reg=2 ", "[l](https://b.example/?a=1&lt=2)", "<b>bold</b>", "www.c.example."),
        *("--\nKim\n", "==\n", "| a | b |\n|---|---|\n| https://d.example | c |\n", "![alt](https://e.example/i.png)"),
        *(
            "<p>para https://f.example</p>\n\n",
            "[m](mailto:a@b.example)",
            "&nbsp;",
            "&copy; ",
            "<table><tr><td>x</td></tr></table>",
        ),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_every_link_of_the_page_is_in_the_text_and_no_markup_is(source: str) -> None:
    page = page_of(source)
    text = write_text(page)
    for target in targets_of(page):
        assert target in text
    shown = source.count("`code & <b>`")
    assert len(re.findall(r"</?[a-z]+\b[^>]*>", text)) <= shown


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Kim\n--\nQuay & Co", "Kim\n-- \nQuay & Co\n"),
        ("-- \nKim", "-- \nKim\n"),
        ("See you\n=====\nor not", "See you\n=====\nor not\n"),
        ("1998. That was the year", "1998. That was the year\n"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("Smith &amp; Sons, &reg pending, &lt;b&gt; &copy;", "Smith & Sons, &reg pending, <b> ©\n"),
        ("<p>Smith &amp; Sons, &reg pending, &lt;b&gt; &copy;</p>", "Smith & Sons, &reg pending, <b> ©\n"),
        ("<table><tr><td><table><tr><td>a&amp;reg=1 &amp;lt;</td></tr></table></td></tr></table>", "a&reg=1 &lt;\n"),
        ("<p>&amp;amp; &amp;lt;</p>", "&amp; &lt;\n"),
        ("[a@b.example](mailto:a@b.example)", "a@b.example"),
        (
            "<p><a href='https://a.example'><img src='https://a.example/i.png' alt='Logo'></a></p>",
            "Logo (https://a.example)\n",
        ),
        ("<p><a href='#part'>see below</a></p>", "see below\n"),
    ],
)
def test_the_text_reads_as_it_was_written(source: str, text: str) -> None:
    written = write_text(page_of(source))
    squeezed = "\n".join(line.lstrip() for line in written.splitlines() if line.strip()) + "\n"
    assert text in squeezed or text.removesuffix("\n") in squeezed


@pytest.mark.parametrize(
    "source", ["Kim\n--\nQuay", "See you\n===\nor not", "Title\n---\nmore", "1998. The year", "> 1998. The year"]
)
def test_typed_text_makes_no_heading_and_no_list(source: str) -> None:
    assert not re.search("<h[1-6]|<[ou]l", page_of(source))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1. first\n2. second\n\n1998. That was the year.", "1998. That was the year."),
        ("1. first\n1998. That was the year.", "1998. That was the year."),
        ("100. a\n101. b", "100. a\n101. b"),
        ("```\n1998. code\n```", "1998. code"),
        ("    1998. code", "1998. code"),
        ("<p>\n1998. in HTML</p>", "1998. in HTML"),
        ("- 1998) nested", "1998) nested"),
    ],
)
def test_a_year_at_the_start_of_a_line_keeps_its_number(source: str, text: str) -> None:
    page = page_of(source)
    assert 'start="' not in page
    assert text in write_text(page)
    assert "&amp;#" not in page


def test_a_long_list_counts_past_two_digits() -> None:
    source = "".join(f"{number}. item\n" for number in range(98, 103))
    page = page_of(source)
    assert page.count("<li>") == 5
    assert "102. item" in write_text(page)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('<div style="background:#1f2937;color:#fff">x</div>', "background:#1f2937;color:#fff"),
        ("<style>.go{background:#065f46;color:white}</style><p class='go'>x</p>", "background:#065f46;color:white"),
        ('<body style="background:#000;color:#fff"><p>x</p></body>', "background:#000;color:#fff"),
        ('<body bgcolor="#000000" text="#ffffff"><p>x</p></body>', "background-color:#000000;color:#ffffff"),
        ("<style>body{background:#000;color:#eee}</style><p>x</p>", "background:#000"),
        ('<p style="font:700 14px/1.4 Arial,sans-serif;text-transform:uppercase">x</p>', "text-transform:uppercase"),
        ('<p style="background:#123 url(https://a.example/x.png) no-repeat;color:#fff">x</p>', "background-color:#123"),
        ('<p style="background:linear-gradient(#000,#111);color:#fff">x</p>', "linear-gradient("),
        ('<table><tr bgcolor="#000"><td style="color:#fff">x</td></tr></table>', 'bgcolor="#000"'),
    ],
)
def test_a_background_stays_where_its_text_colour_stays(source: str, kept: str) -> None:
    assert kept in page_of(source)


def test_text_on_a_removed_background_is_readable() -> None:
    source = (
        '<div style="background-image:url(https://a.example/dark.png);color:#fff">a <b style="color:#eee">b</b>'
        '<p style="background:#000;color:#fff">c</p></div><p style="color:#900">d</p>'
    )
    page = page_of(source)
    assert re.findall(r"color:(#\w+)", page) == ["#fff", "#900"]
    assert "background:#000;color:#fff" in page
    assert "text colour on a removed background" in changes_of(source)


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ('<p><img src="cid:logo"></p>', "the picture cid:logo is removed"),
        ('<p><img src="data:image/png;base64,iVBORw0KGgo="></p>', "the picture data:image/png"),
        ('<p><img alt="x" src="/i.png"></p>', "the picture /i.png is removed"),
        ('<p><img src="a.example/i.png"></p>', "loaded from https://a.example/i.png"),
        ('<p><a href="quay.example/x">x</a></p>', "the link quay.example/x becomes https://quay.example/x"),
        ('<p><a href="{{ sender.email }}">x</a></p>', "the link kim@quay.example becomes mailto:kim@quay.example"),
        ('<p><a href="/pricing">x</a></p>', "the link '/pricing' leads nowhere and is removed"),
        ('<p><a href="ftp://a.example">x</a></p>', "the link ftp://a.example is removed"),
        ("[x](ftp://a.example)", "the link ftp://a.example is removed"),
        ('<p style="background-image:url(https://a.example/w.png)">x</p>', "the picture in the style background-image"),
        ('<p style="position:absolute;mso-x:y">x</p>', "the style position, mso-x are removed"),
        ("<form action='https://a.example'><input></form><p>x</p>", "<form>, <input> are removed"),
        ("<p onclick='x()'>x</p>", "the attribute onclick is removed"),
        ("<style>@media screen{p{color:red}} a:hover{color:red}</style><p>x</p>", "the style rules @media, :hover"),
        ("<link rel='stylesheet' href='https://a.example/x.css'><p>x</p>", "the linked style sheet is not loaded"),
        ("<p style='display:none'>x</p>", "a part is hidden"),
    ],
)
def test_every_change_is_reported(source: str, result: str) -> None:
    assert result in changes_of(source)


@pytest.mark.parametrize(
    "source",
    [
        "Hello **you**,\n\nsee [this](https://a.example) or https://b.example.\n\n--\nKim",
        '<!DOCTYPE html><html><head><title>x</title><meta charset="utf-8"></head><body><p id="a">x</p></body></html>',
        '<table role="presentation" width="600"><tr><td align="center" style="padding:4px">x</td></tr></table>',
        '<p><img src="https://a.example/i.png" alt="x" width="10" height="10"></p>',
    ],
)
def test_nothing_is_reported_where_nothing_changes(source: str) -> None:
    assert changes_of(source) == ""
