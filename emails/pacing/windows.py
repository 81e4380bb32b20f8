"""Whether an email may be sent now by the timing rules of its sequence and step."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import lru_cache

from common.db import Row
from sequences.time.contact_calendar import read_contact_calendar
from sequences.time.timing import Move, TimingError, Window, next_allowed, parse_window

# Rules that contradict each other hold an email until a user corrects them; `why` shows what is wrong.
_CONTRADICTION_RECHECK = timedelta(hours=1)


@lru_cache(maxsize=1024)
def read_window(text: str) -> Window:
    """The sending window stored as JSON text. It was validated when stored."""
    return parse_window(json.loads(text))


def find_opening(row: Row, now: datetime) -> Move | None:
    """None when the email may be sent at `now`; else the rule that holds it, with `until` the next opening.

    Rows need window (text), skip_weekends, the four zones, holiday_country, extra_holidays and time_off.
    """
    window = read_window(row["window"])
    calendar = read_contact_calendar(window, row).sending_within(window)
    try:
        allowed = next_allowed(now, calendar, skip_weekends=row["skip_weekends"])
    except TimingError as error:
        return Move("timing", now + _CONTRADICTION_RECHECK, str(error))
    return None if allowed.at <= now else allowed.cause
