"""Which of the timing rules hold for which step (SPEC section 3). Pure.

Email and task steps reach people: they obey the sending window and the holidays. Delay and conditional-split steps only
pass time: nothing but their own delay, send_time and skip_weekends moves them.
"""

from __future__ import annotations

from datetime import date

from sequences.choices import StepType
from sequences.time.timing import Calendar, Window, Zone

_REACHES_PEOPLE = frozenset({StepType.EMAIL.value, StepType.TASK.value})


def calendar_for(
    step_type: str, window: Window, zone: Zone, holiday_country: str, extra_holidays: frozenset[date]
) -> Calendar:
    """The calendar that a step of this type is planned in. `holiday_country` may be empty."""
    if step_type in _REACHES_PEOPLE:
        return Calendar(
            zone=zone, window=window, holiday_country=holiday_country or None, extra_holidays=extra_holidays
        )
    return Calendar(zone=zone, window=None, holiday_country=None, extra_holidays=frozenset())
