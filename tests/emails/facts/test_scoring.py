"""Scores: recent events beat old ones, replies beat clicks beat opens, and repetition adds nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.choices import EventType
from emails.facts.scoring import HALF_LIFE, HOT_PRIORITY, HOT_SCORE, MOST, POINTS, Fact, hot_priority, score, weigh
from tests.support.inbound_mails import RECEIVED

DAY = timedelta(days=1)


def worth(*facts: tuple[EventType, timedelta]) -> int:
    return score(weigh([Fact(type_, RECEIVED - age) for type_, age in facts], RECEIVED))


def test_a_reply_scores_more_than_a_click_and_a_click_more_than_an_open() -> None:
    now = timedelta()
    assert worth((EventType.REPLIED, now)) > worth((EventType.CLICKED, now)) > worth((EventType.OPENED, now)) > 0
    assert worth((EventType.DELIVERED, now), (EventType.BOUNCED, now)) == worth() == 0


def test_worth_halves_with_each_fortnight() -> None:
    assert worth((EventType.REPLIED, HALF_LIFE)) == POINTS[EventType.REPLIED] / 2
    assert worth((EventType.REPLIED, 2 * HALF_LIFE)) == POINTS[EventType.REPLIED] / 4
    assert worth((EventType.REPLIED, timedelta(days=400))) == 0


def test_the_parts_say_what_the_score_is_made_of() -> None:
    facts = [Fact(EventType.OPENED, RECEIVED - age * DAY) for age in (1, 3)] + [Fact(EventType.CLICKED, RECEIVED - DAY)]
    clicked, opened = weigh(facts, RECEIVED)
    assert (clicked.type, clicked.count) == (EventType.CLICKED, 1)
    assert (opened.type, opened.count, opened.newest_at) == (EventType.OPENED, 2, RECEIVED - DAY)


@given(st.lists(st.tuples(st.sampled_from(list(EventType)), st.timedeltas(-DAY, timedelta(days=900))), max_size=40))
def test_a_score_is_bounded_and_never_grows_by_waiting(facts: list[tuple[EventType, timedelta]]) -> None:
    today = worth(*facts)
    assert 0 <= today <= MOST
    assert worth(*[(type_, max(age, timedelta()) + 10 * DAY) for type_, age in facts]) <= today


@pytest.mark.parametrize(
    ("given_priority", "engagement", "expected"),
    [(50, HOT_SCORE, HOT_PRIORITY), (50, HOT_SCORE - 1, 50), (5, MOST, 5)],
)
def test_hot_contacts_go_first(given_priority: int, engagement: int, expected: int) -> None:
    assert hot_priority(given_priority, engagement) == expected
