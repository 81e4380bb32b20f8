"""Which enrollments have met the goal of their sequence. The engine and the final check before sending share it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from common.db import fetch_all
from emails.facts.stops import Resting, StopFacts
from emails.rendering.merge_fields import PERSON_COLUMNS, PERSON_JOINS, MergeFields
from sequences.authoring.goals import Goal, GoalError, parse_goal

# An event counts from the second in which the contact was enrolled.
_FACTS = f"""
SELECT e.id, {PERSON_COLUMNS}, EXISTS (
    SELECT 1 FROM emails_externalevent v
    WHERE v.contact_id = e.contact_id AND v.type = r.event
      AND v.occurred_at >= date_trunc('second', e.enrolled_at)) AS has_event
FROM unnest(%(ids)s::bigint[], %(events)s::text[]) AS r(id, event)
JOIN sequences_enrollment e ON e.id = r.id
{PERSON_JOINS}
"""


@lru_cache(maxsize=1024)
def read_goal(text: str) -> Goal | None:
    """The goal stored as JSON text. It was validated when stored; one that cannot be read ends nothing."""
    try:
        return parse_goal(json.loads(text))
    except GoalError:
        return None


def find_met_goals(goals: Mapping[int, Goal]) -> dict[int, str]:
    """By enrollment id what meets the goal, in words, for those of these enrollments that have met theirs."""
    if not goals:
        return {}
    found: dict[int, str] = {}
    for row in fetch_all(_FACTS, {"ids": list(goals), "events": [goal.event for goal in goals.values()]}):
        goal = goals[row["id"]]
        if met := goal.describe_met(MergeFields(row), row["engagement_score"], has_event=row["has_event"]):
            found[row["id"]] = met
    return found


def add_met_goals(
    facts: Mapping[int, tuple[StopFacts, Resting]], goals: Mapping[int, Goal | None]
) -> dict[int, tuple[StopFacts, Resting]]:
    """The same facts, with the goals that are met. `goals` of the sequences by enrollment id; one statement if any."""
    met = find_met_goals({pk: goal for pk, goal in goals.items() if goal is not None})
    return {
        pk: (replace(stops, goal_met=met[pk]), resting) if pk in met else (stops, resting)
        for pk, (stops, resting) in facts.items()
    }
