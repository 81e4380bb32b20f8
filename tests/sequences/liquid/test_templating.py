"""Allowed Liquid, missing values, and the limits of a template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.liquid.templating import Field, TemplateError, list_fields, missing_fields, parse, render, unknown_fields

CONTEXT = {"contact": {"first_name": "Ann", "last_name": "O'Neil", "title": " ", "seats": 0}, "account": {}}


def refuse(source: str, context: dict[str, object] | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        render(source, CONTEXT if context is None else context)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ contact.first_name }}", "Hi Ann"),
        ("{{ contact.seats }}", "0"),
        ("{{ contact['last_name'] | upcase }}", "O'NEIL"),
        ("{% assign n = contact.nick | default: 'you' %}{{ n }}", "you"),
        ("{% case contact.plan %}{% when 'pro' %}a{% else %}b{% endcase %}", "b"),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}", "123"),
        ("{{ 'b,a,b' | split: ',' | uniq | sort | join: '+' }}", "a+b"),
        ("{{ 'a-b' | replace: '-', '+' }}", "a+b"),
        ("{% raw %}{{ contact.nick }}{% endraw %}", "{{ contact.nick }}"),
    ],
)
def test_rendering(source: str, text: str) -> None:
    assert render(source, CONTEXT) == text


@pytest.mark.parametrize("field", ["contact.title", "contact.nick", "account.name", "nothing.at.all"])
@pytest.mark.parametrize("filters", ["", "| capitalize", "| strip | upcase"])
def test_default_takes_the_place_of_missing_and_blank_values_after_any_filter(field: str, filters: str) -> None:
    source = f"{{{{ {field} {filters} | default: 'there' }}}}"
    assert render(source, CONTEXT) == "there"
    assert missing_fields(CONTEXT, source) == ()


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("contact.nick", False),
        ("contact.nick == blank", True),
        ("contact.nick != blank", False),
        ("blank == contact.nick", True),
        ("contact.nick == empty", True),
        ("contact.nick == nil", True),
        ("contact.nick == 'x'", False),
        ("contact.nick contains 'x'", False),
        ("contact.nick > 5", False),
        ("contact.title == blank", True),
        ("contact.first_name != blank", True),
        ("contact.first_name contains 'n'", True),
    ],
)
def test_conditions_about_missing_values(condition: str, holds: bool) -> None:
    assert render(f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}", CONTEXT) == ("yes" if holds else "no")


def test_a_missing_value_is_an_error_that_names_line_field_and_remedy() -> None:
    assert refuse("Hi\n\n{{ contact.nick }}") == (
        "line 3: no value for contact.nick: fill it in or give the field a default"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\nb {{ contact.x", "line 2: "),
        ("{% if contact.x %}", "expected tag endif"),
        ("\n{% nosuch %}", "line 2: unexpected tag 'nosuch'"),
        ("\n\n{{ contact.first_name | defualt: 'x' }}", "line 3: unknown filter 'defualt'"),
        ("{% include 'other' %}", "unexpected tag 'include'"),
        ("{% render 'other' %}", "unexpected tag 'render'"),
        ("{% extends 'other' %}", "unexpected tag 'extends'"),
        ("{{ (1..9) | join }}", "line 1: a range belongs in a for tag"),
        ("{{ 1 | divided_by: 0 }}", "divide by 0"),
        ("{{ contact.first_name | sum }}", "no number"),
        ("{{ 'nan' | ceil }}", "cannot be rendered"),
        ("x" * 100_001, "shorten it"),
        ("{% if a %}" * 50 + "{% endif %}" * 50, "nesting"),
    ],
)
def test_errors_are_one_line_and_name_the_place(source: str, message: str) -> None:
    assert message in refuse(source)


DOUBLE = "{% assign a = a | append: a %}"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..99999999999999999999) %}{% endfor %}",
        "{% for i in (1..200) %}{% for j in (1..200) %}{% endfor %}{% endfor %}",
        "{% for i in (1..9000) %}{% endfor %}" * 100,
        "{% for i in (1..9000) %}" + "x" * 100 + "{% endfor %}",
        "{% assign a = 'x' %}" + DOUBLE * 40,
        "{% assign a = 'x' %}" + DOUBLE * 15 + "{{ a | replace: 'x', a | size }}",
        "{% assign a = 'x' %}" + DOUBLE * 12 + "{{ a | split: '' | join: a | size }}",
        "{% assign n = 9 %}" + "{% assign n = n | times: n %}" * 40 + "{{ n }}",
    ],
)
def test_a_template_that_grows_without_end_fails_fast(source: str) -> None:
    refuse(source)


def test_control_characters_never_come_out() -> None:
    context = {"contact": {"x": "a\x00b\x07c\x1bd\x7fe\n"}}
    assert render("{{ contact.x }}\x0b", context) == "abcde\n"


def test_every_field_is_listed_once_with_its_line() -> None:
    source = "{{ contact.first_name }}\n{{ contact.nick | default: account.name }}\n{{ contact.first_name }}"
    assert list_fields(source) == (
        Field("contact.first_name", 1, False),
        Field("account.name", 2, False, instead_of="contact.nick"),
        Field("contact.nick", 2, True),
    )


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("{% assign n = contact.title %}{{ n }}", {"contact.title"}),
        ("{% for tag in contact.tags %}{{ tag.name }} {{ forloop.index }}{% endfor %}", {"contact.tags"}),
        ("{% raw %}{{ contact.a }}{% endraw %}{% comment %}{{ contact.b }}{% endcomment %}", set()),
        ("{{ contact['first_name'] }} {% echo contact.fields.plan %}", {"contact.first_name", "contact.fields.plan"}),
        ("{{ 'x' | append: contact.title }}", {"contact.title"}),
    ],
)
def test_only_fields_from_outside_are_listed(source: str, paths: set[str]) -> None:
    assert {field.path for field in list_fields(source)} == paths


def test_unknown_fields_are_those_not_named() -> None:
    known = frozenset({"contact.first_name", "sender.name"})
    assert [f.path for f in unknown_fields("{{ contact.frist_name }} {{ sender.name }}", known)] == [
        "contact.frist_name"
    ]


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("{{ contact.first_name }} {{ contact.seats }} {{ unsubscribe_url }}", ()),
        (
            "{{ contact.title }} {{ contact.nick }} {{ account.name }}",
            ("account.name", "contact.nick", "contact.title"),
        ),
        ("{{ contact.nick.name }}", ("contact.nick.name",)),
        ("{% if contact.nick %}{{ contact.nick }}{% endif %}", ()),
        ("{% unless contact.nick == blank %}{{ contact.nick }}{% endunless %}", ()),
        ("{% if contact.a %}{% elsif contact.nick %}{{ contact.nick }}{% endif %}", ()),
        ("{% case contact.plan %}{% when 'pro' %}{{ contact.plan }}{% endcase %}", ()),
        ("{% if contact.nick %}x{% endif %}{{ contact.nick }}", ("contact.nick",)),
        ("{% if contact.first_name %}{{ contact.nick }}{% endif %}", ("contact.nick",)),
        ("{{ contact.nick | default: contact.first_name }}", ()),
        ("{{ contact.first_name | default: contact.nick }}", ()),
        ("{{ contact.nick | default: account.name }}", ("account.name",)),
        ("{{ contact.nick | default: account.name | default: 'x' }}", ()),
        ("{{ contact.first_name | append: contact.nick }}", ("contact.nick",)),
    ],
)
def test_missing_fields_of_a_contact_are_listed(source: str, missing: tuple[str, ...]) -> None:
    assert missing_fields(CONTEXT, source) == missing


def test_missing_fields_refuses_a_template_that_does_not_parse() -> None:
    with pytest.raises(TemplateError, match="line 1"):
        missing_fields(CONTEXT, "{{ contact.")


def test_a_source_is_compiled_once() -> None:
    assert parse("{{ contact.first_name }} compiled") is parse("{{ contact.first_name }} compiled")


def test_values_are_escaped_and_the_words_of_the_author_are_not() -> None:
    context = {"contact": {"x": "<b>*a* [b](c)", "url": "https://a.io/x_y?a=1&b=2"}}
    assert render("{{ contact.x }}", context) == "<b>*a* [b](c)"
    escaped = render("<i>{{ contact.x }}{{ contact.y | default: '<u>' }}{% echo contact.x %}", context, autoescape=True)
    for mark in "*[]()":
        assert mark not in escaped
    assert escaped.startswith("<i>&lt;b&gt;")
    assert "<u>" in escaped
    assert render("{{ contact.url }}", context, autoescape=True) == "https://a.io/x_y?a=1&amp;b=2"


VALUES = st.one_of(
    st.none(), st.text(max_size=12), st.integers(), st.booleans(), st.lists(st.text(max_size=3), max_size=3)
)
FIELDS = st.sampled_from(["contact.a", "contact.b", "contact.c"])
PIECES = st.one_of(
    st.builds("{{{{ {} }}}}".format, FIELDS),
    st.builds("{{{{ {} | default: {} }}}}".format, FIELDS, FIELDS),
    st.builds("{{{{ {} | strip | default: 'x' }}}}".format, FIELDS),
    st.builds("{{% if {0} != blank %}}{{{{ {0} }}}}{{% endif %}}".format, FIELDS),
    st.builds("{{% assign v = {} | default: 'x' %}}{{{{ v }}}}".format, FIELDS),
    st.text("ab \n", max_size=3),
)


@given(st.lists(PIECES, max_size=5), st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "c": VALUES}))
def test_a_contact_without_missing_fields_can_be_rendered(pieces: list[str], values: dict[str, object]) -> None:
    source = "".join(pieces)
    person = {name: value for name, value in values.items() if value is not None and str(value).strip()}
    if not missing_fields({"contact": person}, source):
        render(source, {"contact": person})


@given(
    st.lists(
        st.sampled_from(["{{", "}}", "{%", "%}", "if", "for", "in", "(1..3)", "|", "x", ".", "'", "end", " ", "\n"])
    )
)
def test_any_source_renders_or_is_refused_in_one_line(parts: list[str]) -> None:
    try:
        render("".join(parts), {"x": "y"})
    except TemplateError as error:
        assert len(str(error).splitlines()) == 1
