"""Load sequences with their steps as frozen facts, in one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from common.db import Row, fetch_all
from emails.sending.goals import read_goal
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.authoring.step_config import parse_config
from sequences.authoring.step_fields import STEP_FIELDS
from sequences.time.timing import Delay, StepTiming, Window, parse_window

_STEP_COLUMNS = ", ".join(f"t.{field.sql_column}" for field in STEP_FIELDS)
_SEQUENCES = f"""
SELECT s.id AS sequence_id, s.name AS sequence_name, s.status, s.on_reply, s.requires_approval,
       s.window::text AS window, s.goal::text AS goal, t.id, t.number, t.type, {_STEP_COLUMNS}
FROM sequences_sequence s
LEFT JOIN sequences_step t ON t.sequence_id = s.id
WHERE s.id = ANY(%(ids)s)
ORDER BY s.id, t.number
"""


def load_sequences(ids: Sequence[int]) -> dict[int, SequenceFacts]:
    """The sequences by id. A window that cannot be parsed never gets here: it is validated when stored."""
    rows = fetch_all(_SEQUENCES, {"ids": list(ids)})
    return {
        sequence_id: _build_sequence(list(steps)) for sequence_id, steps in groupby(rows, key=itemgetter("sequence_id"))
    }


def _build_sequence(rows: list[Row]) -> SequenceFacts:
    first = rows[0]
    return SequenceFacts(
        id=first["sequence_id"],
        name=first["sequence_name"],
        status=first["status"],
        window=_read_window(first["window"]),
        on_reply=first["on_reply"],
        requires_approval=first["requires_approval"],
        steps=tuple(_build_step(row) for row in rows if row["id"] is not None),
        goal=read_goal(first["goal"]),
    )


@lru_cache(maxsize=1024)
def _read_window(text: str) -> Window:
    return parse_window(json.loads(text))


def _build_step(row: Row) -> StepFacts:
    delay = Delay(days=row["delay_days"], hours=row["delay_hours"], minutes=row["delay_minutes"])
    return StepFacts(
        id=row["id"],
        number=row["number"],
        type=row["type"],
        name=row["name"],
        timing=StepTiming(delay=delay, skip_weekends=row["skip_weekends"], send_time=row["send_time"]),
        config=parse_config(row),
    )
