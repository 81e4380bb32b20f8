"""The time zone and the holidays that apply to a contact in a sequence, as one object. Pure.

Rows name the time zones as the queries of this product do: `contact_timezone`, `account_timezone`, `mailbox_timezone`
and `workspace_timezone`, the holidays as `HOLIDAY_COLUMNS` (sequences.models.workspace), and as `time_off` what
`list_time_off` (sequences.models.time_off) selects for the owner of the mailbox.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sequences.time.countries import holiday_countries
from sequences.time.timing import Absence, Calendar, Window, Zone, away_on, first_known, resolve_zone


@dataclass(frozen=True, slots=True)
class ContactCalendar:
    """`zone`: what local times are computed in. `holiday_country` as in `Calendar`, None without public holidays.

    `absences`: the time off of the owner of the mailbox.
    """

    zone: Zone
    holiday_country: str | None
    extra_holidays: frozenset[date]
    absences: tuple[Absence, ...] = ()

    def sending_within(self, window: Window) -> Calendar:
        """For emails: as `within`, and never in the time off of the mailbox's owner."""
        return Calendar(self.zone, window, self.holiday_country, self.extra_holidays, self.absences)

    def within(self, window: Window) -> Calendar:
        """For what reaches people: inside the window and never on a holiday."""
        return Calendar(self.zone, window, self.holiday_country, self.extra_holidays)

    def without_window(self) -> Calendar:
        """For what only passes time: every moment is allowed."""
        return Calendar(zone=self.zone, window=None, holiday_country=None, extra_holidays=frozenset())


def read_contact_calendar(window: Window, row: Mapping[str, Any]) -> ContactCalendar:
    """From a row with the four time zones and the holidays. The window's own time zone comes first."""
    return _build(
        window.timezone,
        row["contact_timezone"],
        row["account_timezone"],
        row["mailbox_timezone"],
        row["workspace_timezone"],
        holiday_countries(row["holidays_of"], row["holiday_country"], row["contact_country"]),
        tuple(row["extra_holidays"] or ()),
        row["time_off"],
    )


@lru_cache(maxsize=1024)
def read_absences(time_off: str | None, workspace_timezone: str) -> tuple[Absence, ...]:
    """From the text that `list_time_off` selects. Its days are those of the workspace's time zone."""
    zone = first_known(None, None, None, None, workspace_timezone)
    listed = json.loads(time_off) if time_off else ()
    return tuple(
        away_on(name, date.fromisoformat(first), date.fromisoformat(last), zone) for name, first, last in listed
    )


def read_zone(window: Window, row: Mapping[str, Any]) -> Zone:
    """The time zone alone, from a row with the four time zones."""
    return resolve_zone(
        window,
        contact=row["contact_timezone"],
        account=row["account_timezone"],
        mailbox=row["mailbox_timezone"],
        workspace=row["workspace_timezone"],
    )


# Batches build one per enrollment, nearly all of them alike.
@lru_cache(maxsize=8192)
def _build(
    window: str | None,
    contact: str | None,
    account: str | None,
    mailbox: str | None,
    workspace: str | None,
    holiday_country: str | None,
    extra_holidays: tuple[date, ...],
    time_off: str | None,
) -> ContactCalendar:
    zone = first_known(window, contact, account, mailbox, workspace)
    absences = read_absences(time_off, workspace or "UTC")
    return ContactCalendar(zone, holiday_country, frozenset(extra_holidays), absences)
