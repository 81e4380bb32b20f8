"""A single merge field has the same value as in the full context."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.rendering.merge_fields import MergeFields, Person
from sequences.liquid.templating import missing_fields, render

COLUMNS = (
    "email",
    "first_name",
    "last_name",
    "title",
    "phone",
    "external_id",
    "account_name",
    "account_domain",
    "contact_timezone",
    "engagement_score",
)
NAMES = (
    *(
        "email",
        "first_name",
        "last_name",
        "full_name",
        "title",
        "phone",
        "external_id",
        "company",
        "domain",
        "timezone",
    ),
    *("engagement_score", "fields", "plan", "missing"),
)
TEXTS = st.sampled_from(["", " ", "Ada", "Lovelace"])


@given(
    st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.none() | TEXTS)),
    st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), st.integers(), st.lists(TEXTS), TEXTS)),
)
def test_a_single_value_equals_that_of_the_full_context(columns: dict[str, object], custom: dict[str, object]) -> None:
    row = {**columns, "fields": json.dumps(custom) if custom else None}
    whole = dict(Person(row))
    for name in NAMES:
        assert Person(row).get(name) == whole.get(name)
        assert (name in Person(row)) is (name in whole)


ROW = {
    **dict.fromkeys(COLUMNS),
    "email": "ada@x.example",
    "first_name": "Ada",
    "last_name": " ",
    "fields": '{"plan": "pro", "email": "hidden@x.example", "seats": 3}',
}


def test_custom_fields_hide_no_column_and_blanks_are_missing() -> None:
    person = {"plan": "pro", "email": "ada@x.example", "seats": 3, "first_name": "Ada", "full_name": "Ada"}
    assert dict(Person(ROW)) == {**person, "fields": person}
    assert missing_fields(MergeFields(ROW), "{{ contact.last_name }} {{ contact.fields.plan }}") == (
        "contact.last_name",
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact }}",
        "{{ contact.fields }}",
        "{{ contact | size }} {{ contact.size }}",
        "{% for pair in contact %}{{ pair[0] }}={{ pair[1] }};{% endfor %}",
        "{% if contact.last_name %}yes{% else %}no{% endif %} {{ contact['seats'] | plus: 1 }}",
        "{% if contact == empty %}empty{% endif %}{{ contact.first | join: '-' }}",
    ],
)
def test_templates_see_a_mapping_as_any_other(source: str) -> None:
    assert render(source, {"contact": Person(ROW)}) == render(source, {"contact": dict(Person(ROW))})
