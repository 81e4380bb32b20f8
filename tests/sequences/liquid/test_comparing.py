"""Comparisons in conditions: exact numbers, texts without case, identifiers digit by digit."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.authoring.goals import compare_field
from sequences.authoring.step_config import StepConfigError, parse_condition
from sequences.choices import ConditionType, Operator
from sequences.liquid.comparing import is_equal, read_number
from sequences.liquid.templating import TemplateError, render


@pytest.mark.parametrize(
    ("actual", "expected", "equal"),
    [
        ("Nan", "nan", True),
        ("inf", "Infinity", False),
        ("12345678901234567", "12345678901234568", False),
        ("12345678901234567", 12345678901234567, True),
        ("1,200", "1200", True),
        ("1,200.50", "1200.5", True),
        ("1,20", "120", False),
        (" Caf\u00e9 ", "cafe\u0301", True),
        ("STRASSE", "straße", True),
        ("007", "7", False),
        ("007", "007", True),
        ("+4912345", "4912345", False),
        ("0", "0.0", True),
        (0.1, "0.1", True),
        (True, "true", True),
        (True, "1", False),
        (None, "", True),
        ("1e3", "1000", False),
        ("٣", "3", False),
    ],
)
def test_equality(actual: object, expected: str, equal: bool) -> None:
    assert is_equal(actual, expected) is equal
    assert compare_field(actual, Operator.EQUALS, str(expected)) is equal
    assert compare_field(actual, Operator.NOT_EQUALS, str(expected)) is not equal


@pytest.mark.parametrize(
    ("actual", "at_least_500"), [("1,200", True), ("499.99", False), (500, True), ("nan", False), ("inf", False)]
)
def test_order(actual: object, at_least_500: bool) -> None:
    assert compare_field(actual, Operator.AT_LEAST, "500") is at_least_500


def test_contains_ignores_case_and_encoding() -> None:
    assert compare_field("Head of CAFE\u0301s", Operator.CONTAINS, "caf\u00e9")


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_whole_numbers_compare_exactly(left: int, right: int) -> None:
    assert is_equal(str(left), str(right)) is (left == right)
    assert compare_field(f"{left:,}", Operator.AT_LEAST, str(right)) is (left >= right)


@given(st.text(max_size=8))
def test_a_text_equals_itself_in_any_case(text: str) -> None:
    assert is_equal(text, text)
    assert is_equal(text, f" {text} ")


@pytest.mark.parametrize("value", ["nan", "inf", "1e5", "many", ""])
@pytest.mark.parametrize("condition", [ConditionType.ENGAGEMENT_SCORE, ConditionType.CONTACT_FIELD])
def test_an_order_needs_a_number_to_compare_with(condition: ConditionType, value: str) -> None:
    assert read_number(value) is None
    with pytest.raises(StepConfigError, match="plain number"):
        parse_condition(condition, {"field": "seats", "operator": "at_least", "value": value})


@pytest.mark.parametrize(
    ("condition", "seats", "holds"),
    [
        ("contact.seats > 5", "35", True),
        ("contact.seats > 5", "7", True),
        ("contact.seats >= 1000", "1,200", True),
        ("contact.seats < 5", "about 3", False),
        ("contact.seats >= 5", "about 30", False),
        ("5 < contact.seats", "35", True),
        ("contact.seats > '5'", "35", True),
        ("contact.seats == 35", "35", True),
        ("contact.seats != 35", "35", False),
        ("contact.seats == '35'", "35", True),
        ("contact.seats > 34.5", 35, True),
        ("contact.seats < 5 or contact.seats > 30", "35", True),
        ("contact.since > '2026-01-01'", "2026-02-03", True),
    ],
)
def test_templates_compare_texts_with_numbers(condition: str, seats: object, holds: bool) -> None:
    source = f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}"
    assert render(source, {"contact": {"seats": seats, "since": seats}}) == ("yes" if holds else "no")


def test_now_is_the_local_time_that_is_given() -> None:
    now = datetime(2026, 1, 2, 23, tzinfo=UTC).astimezone(ZoneInfo("Pacific/Chatham"))
    source = "{{ 'now' | date: '%A, %H' }}|{{ now | date: '%F' }}|{{ 'today' | date: '%d' }}|{{ 0 | date: '%H:%M' }}"
    assert render(source, {"now": now}) == "Saturday, 12|2026-01-03|03|12:45"


def test_the_same_instant_in_another_zone_is_another_time() -> None:
    now = datetime(2026, 1, 2, 23, tzinfo=UTC)
    zones = [ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo")]
    hours = [render("{{ 'now' | date: '%H' }}", {"now": now.astimezone(zone)}) for zone in zones]
    assert hours == ["23", "08"]


def test_the_servers_clock_is_never_read() -> None:
    with pytest.raises(TemplateError, match="the time is not known here"):
        render("{{ 'now' | date: '%A' }}", {})
    assert render("{{ now }}{{ today }}", {}) == ""
