"""Who gets new tasks while their owner is away: the member who covers, and the line for the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from common.db import fetch_all
from sequences.models.time_off import find_cover, list_time_off
from sequences.time.contact_calendar import read_absences

Owned = tuple[int, int]

_COVERS = f"""
SELECT r.workspace, r.owner, c.id AS cover, coalesce(nullif(c.first_name, ''), nullif(c.email, ''), c.username) AS name,
       {list_time_off("r.owner", "r.workspace")} AS time_off, w.timezone
FROM unnest(%(workspaces)s::bigint[], %(owners)s::int[]) AS r(workspace, owner)
JOIN sequences_workspace w ON w.id = r.workspace
JOIN auth_user c ON c.id = {find_cover("r.owner", "r.workspace")}
"""


@dataclass(frozen=True, slots=True)
class Cover:
    """`text`: whose task it is instead, and why."""

    user_id: int
    text: str


def find_covers(owned: Iterable[Owned], now: datetime) -> dict[Owned, Cover]:
    """By workspace and owner, for owners who are away at `now` and have a cover. One statement, none without owners."""
    asked = sorted(set(owned))
    if not asked:
        return {}
    workspaces, owners = zip(*asked, strict=True)
    rows = fetch_all(_COVERS, {"workspaces": list(workspaces), "owners": list(owners), "now": now})
    found: dict[Owned, Cover] = {}
    for row in rows:
        absences = read_absences(row["time_off"], row["timezone"])
        reason = next((each.detail for each in absences if each.starts_at <= now < each.ends_at), "its owner is away")
        found[row["workspace"], row["owner"]] = Cover(row["cover"], f"The task goes to {row['name']}: {reason}")
    return found
