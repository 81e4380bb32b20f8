"""Time off of an owner, for tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from sequences.models import TimeOff
from tests.factories import UserFactory, WorkspaceFactory


def make_time_off(**values: Any) -> TimeOff:
    """Four days in the far past; its owner becomes no member by it."""
    given = {"starts_on": date(2020, 5, 4), "ends_on": date(2020, 5, 7), **values}
    workspace, owner = (given.pop("workspace", None), given.pop("owner", None))
    made: TimeOff = TimeOff.objects.create(
        workspace=workspace or WorkspaceFactory(), owner=owner or UserFactory(), **given
    )
    return made
