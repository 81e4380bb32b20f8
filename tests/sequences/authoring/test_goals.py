"""Goals of sequences: what is understood, what is refused in one line, what meets them."""

from __future__ import annotations

from typing import Any

import pytest

from sequences.authoring.goals import GoalError, parse_goal
from sequences.yaml.export import export_sequence
from sequences.yaml.form import YamlFormError, parse_text

FIELD = {"field": "stage", "operator": "equals", "value": "won"}
FILE = "name: Intro\ngoal: {}\nsteps:\n  - delay: {{days: 1}}\n"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ([], "must be an object"),
        ({"evnt": "x"}, "goal key 'evnt' is not known"),
        ({"match": "all"}, "names an event, a field or a score"),
        ({"event": "Meeting booked"}, "a word such as meeting_booked"),
        ({"event": ""}, "a word such as meeting_booked"),
        ({"event": 7}, "a word such as meeting_booked"),
        ({"score": 0}, "from 1 to 100"),
        ({"score": 101}, "from 1 to 100"),
        ({"score": "50"}, "from 1 to 100"),
        ({"score": True}, "from 1 to 100"),
        ({"event": "x", "value": "won"}, "name the field"),
        ({"event": "x", "match": "some"}, "must be any or all"),
        ({"field": "", "value": "won"}, "needs the key field"),
        ({"field": "stage"}, "needs the key value"),
        ({"field": "stage", "value": " "}, "cannot be empty"),
        ({"field": "stage", "value": ["won"]}, "must be a text"),
        ({"field": "stage", "operator": "like", "value": "won"}, "operator 'like' is not known"),
        ({"field": "deals", "operator": "at_least", "value": "many"}, "plain number"),
        ({"field": "stage", "value": "x" * 201}, "at most 200"),
    ],
)
def test_a_goal_that_cannot_be_met_is_refused_in_one_line(raw: Any, says: str) -> None:
    with pytest.raises(GoalError) as refused:
        parse_goal(raw)
    assert says in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("goal", "stage", "score", "has_event", "met"),
    [
        ({"event": "booked"}, "", 0, True, "external event booked"),
        ({"event": "booked"}, "", 0, False, ""),
        ({"score": 50}, "", 50, False, "engagement score 50 is at least 50"),
        ({"score": 50}, "", 49, False, ""),
        (FIELD, "WON", 0, False, "stage equals 'won' (it is 'WON')"),
        (FIELD, "lost", 0, False, ""),
        ({**FIELD, "score": 50}, "lost", 60, False, "engagement score 60 is at least 50"),
        ({**FIELD, "score": 50, "match": "all"}, "lost", 60, False, ""),
        ({"event": "booked", "score": 50, "match": "all"}, "", 60, True,
         "external event booked and engagement score 60 is at least 50"),
    ],
)  # fmt: skip
def test_it_is_met_by_any_or_all_of_its_conditions(
    goal: dict[str, Any], stage: str, score: int, has_event: bool, met: str
) -> None:
    parsed = parse_goal(goal)
    assert parsed is not None
    assert parsed.describe_met({"contact": {"stage": stage}}, score, has_event=has_event) == met


@pytest.mark.parametrize("goal", [{}, {"event": "booked"}, {"score": 50, "match": "all", **FIELD}])
def test_a_file_keeps_the_goal(goal: dict[str, Any]) -> None:
    written = ", ".join(f"{key}: {value}" for key, value in goal.items())
    draft = parse_text("a.yaml", FILE.format(f"{{{written}}}").encode()).draft
    assert draft.goal == goal
    assert parse_text("b.yaml", export_sequence(draft).encode()).draft == draft


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{event: booked, scor: 5}", "a.yaml:2: goal has the unknown key 'scor': did you mean score?"),
        ("{score: high}", "a.yaml:2: the score of a goal must be a whole number from 1 to 100"),
        ("booked", "a.yaml:2: goal must be a mapping such as {event: meeting_booked}"),
    ],
)
def test_a_file_with_another_goal_is_refused_with_its_line(written: str, says: str) -> None:
    with pytest.raises(YamlFormError) as refused:
        parse_text("a.yaml", FILE.format(written).encode())
    assert says in str(refused.value)
