"""A precompiled template gives what rendering in full gives, byte for byte, or is not used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emails.rendering import render as rendering
from emails.rendering.precompiled import mark_values
from emails.rendering.render import Frame, RenderedEmail, Template, Tracking, person_fields, render_email
from sequences.choices import BodyFormat
from sequences.content.allowed import sanitise

UNSUBSCRIBE = "https://mail.example.com/u/tok_en-1"
PIECES = st.sampled_from(
    [
        *("Hello {{ contact.a }},", "{{ contact.a }}", " **{{ contact.b }}** ", "*{{ contact.a | upcase }}*"),
        *("\n", "\n\n", " ", "- {{ contact.b }}\n", "# {{ contact.a }}\n", "> {{ contact.a }}\n", "Best\n---\n"),
        *("1. {{ contact.a }} and {{ contact.b | default: 'you' }}\n", "    {{ contact.a }}\n", "`{{ contact.a }}`"),
        *("[{{ contact.a }}](https://a.io/{{ contact.b }})", "[x](https://a.io/?q=1&z=2)", "a & b < c"),
        *("| a | {{ contact.a }} |\n|---|---|\n| b | c |\n", "{{ contact.a }}. ", "({{ contact.b }})"),
        *("<b>{{ contact.a }}</b>", "{{ contact.a }}{{ contact.b }}", "\\{{ contact.a }}", "é{{ contact.a }}!"),
        *('<img alt="{{ contact.a }}" src="https://a.io/x.png">', "<p title='a>b'>{{ contact.a }}</p>\n"),
        *("~~{{ contact.a }}~~", "_{{ contact.b }}_", "https://a.io/{{ contact.a }}", "www.{{ contact.b }}"),
        *("See https://a.io/x_y, ", "http{{ contact.a }}://a.io ", "{{ contact.a }}://b.io", "{{ contact.b }}.a.io "),
        *("{{ contact.a }}\n--\n{{ contact.b }}\n", "1998. {{ contact.a }}\n", "3. {{ contact.b }}\n4. x\n"),
    ]
)
NAMES = [
    "Ann",
    "Ann-Marie O'Brien",
    "Müller & Söhne",
    "Acme Inc.",
    "1. x",
    "2",
    "x_y",
    "a  b",
    " a",
    "*",
    "李雷",
    "www.b.io",
    "https",
    "www",
    "a.io",
]
VALUES = st.one_of(
    st.sampled_from(NAMES),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.text("<>&\"'/=[]()*_`#-+!|~\\:\n\r\t 1.ab", max_size=6),
)


def write(body: str, signature: str = "", **contact: object) -> RenderedEmail:
    return render_email(
        Template("Hi", body),
        {"contact": person_fields(contact), "unsubscribe_url": UNSUBSCRIBE},
        Frame(signature, "1 Main St\nSpringfield", UNSUBSCRIBE),
        Tracking(None, lambda url: f"https://t.io/?{url}"),
    )


def outcome(**template: Any) -> RenderedEmail | str:
    try:
        return write(**template)
    except ValueError as error:
        return str(error)


@given(st.lists(PIECES, min_size=1, max_size=6).map("".join), st.lists(PIECES, max_size=2).map("".join), VALUES, VALUES)
@example("{{ contact.a }}. One", "", "1", "b")
@example("\n", "{{ contact.a }}", "Ann", "b")
@example("<p>{{ contact.a }}</p>", "-- \n{{ contact.b }}", "A & B", "b")
def test_a_precompiled_template_renders_like_the_full_path(body: str, signature: str, a: str, b: str) -> None:
    found = outcome(body=body, signature=signature, a=a, b=b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "_precompile", lambda *_: None)
        assert found == outcome(body=body, signature=signature, a=a, b=b)


@pytest.mark.parametrize(
    "body", ["Hello {{ contact.a }},\n\nhow **are** you? [Look](https://a.io)", "<p>{{ contact.a }}</p>"]
)
def test_a_template_that_only_merges_names_is_sanitised_once(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rendering._precompile.cache_clear()
    pages: list[str] = []

    def count(page: str) -> str:
        pages.append(page)
        return sanitise(page)

    monkeypatch.setattr("sequences.content.rendering.sanitise", count)
    for name in ("Ann", "Bob", "Müller & Söhne"):
        assert name in write(body, a=name).text
    assert len(pages) == 2, "body and signature, once each"


@pytest.mark.parametrize(
    "source",
    [
        "{% if contact.a %}x{% endif %}",
        "[x]{{ contact.a }}",
        "{{- contact.a }}",
        "a}} b",
        "`{{ contact.a }}`",
        "xqz",
        "www.{{ contact.a }}",
    ],
)
def test_templates_that_cannot_be_precompiled_are_rendered_in_full(source: str) -> None:
    assert mark_values((source, BodyFormat.MARKDOWN)) is None
