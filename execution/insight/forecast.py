"""When the first emails of newly enrolled contacts will be sent: day by day, by the caps of their mailbox.

What the mailbox already has to send goes first. Other mailboxes that share a cap of the user or the workspace are not
counted, nor are follow-ups of later days: it is the earliest possible time, not a promise.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil

from common.db import fetch_all
from emails.choices import LimitWindow
from emails.models import Mailbox
from emails.pacing.ledger import read_caps
from emails.pacing.limits import Candidate, Cap
from execution.engine.calendar import calendar_for
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.choices import StepType
from sequences.models import Enrollment, Workspace
from sequences.time.contact_calendar import ContactCalendar
from sequences.time.timing import Calendar, TimingError, next_allowed, resolve_zone

LOOKS_AHEAD_DAYS = 366

# What the mailbox already has to send, by the day it is due; what is overdue is due today.
_LOAD = """
SELECT greatest((e.next_step_at AT TIME ZONE %(zone)s)::date, %(today)s) AS day, count(*) AS number
FROM sequences_enrollment e JOIN sequences_step t ON t.id = e.current_step_id
WHERE e.mailbox_id = %(mailbox)s AND e.status = 'active' AND t.type = 'email' AND e.next_step_at IS NOT NULL
  AND NOT e.id = ANY(%(new)s::bigint[])
GROUP BY 1
"""
_NEW = """
SELECT greatest((e.next_step_at AT TIME ZONE %(zone)s)::date, %(today)s) AS day, count(*) AS number
FROM sequences_enrollment e JOIN sequences_step t ON t.id = e.current_step_id
WHERE e.id = ANY(%(new)s::bigint[]) AND t.type = 'email' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of `people`, how many get their first email on the day it is due, and when the last one gets it.

    `last_on` None: not within a year, or the mailbox may send nothing.
    """

    people: int
    on_time: int
    last_on: date | None

    def __str__(self) -> str:
        late = self.people - self.on_time
        if self.last_on is None:
            return f"{late:,} of {self.people:,} will not fit the caps within a year"
        last = f"the last first touch is on {self.last_on:%-d %B %Y}"
        return f"{late:,} of {self.people:,} will not fit the caps on their day; {last}" if late else f"all fit; {last}"


def forecast_first_touches(enrollment_ids: Rows[int], now: datetime) -> Forecast | None:
    """For enrollments created together that wait for their first email; None when none does."""
    first = (
        Enrollment.objects.filter(pk__in=enrollment_ids[:1])
        .select_related("mailbox__workspace", "current_step")
        .first()
    )
    if first is None or first.mailbox is None or first.current_step is None:
        return None
    if first.current_step.type != StepType.EMAIL:
        return None
    mailbox, workspace = first.mailbox, first.mailbox.workspace
    facts = load_sequences([first.sequence_id])[first.sequence_id]
    step = facts.step(first.current_step_id)
    assert step is not None
    calendar = _calendar(facts, step, mailbox, workspace)
    today = now.astimezone(calendar.zone.zone).date()
    asked = {"zone": calendar.zone.name, "today": today, "new": list(enrollment_ids), "mailbox": mailbox.pk}
    load = {row["day"]: row["number"] for row in fetch_all(_LOAD, asked)}
    new = {row["day"]: row["number"] for row in fetch_all(_NEW, asked)}
    return _fill(new, load, _Capacity(mailbox, calendar, step, now), today)


class _Capacity:
    """How many emails the mailbox can send on a day."""

    def __init__(self, mailbox: Mailbox, calendar: Calendar, step: StepFacts, now: datetime) -> None:
        any_contact = Candidate(0, mailbox.pk, mailbox.workspace_id, mailbox.owner_id, "", is_first_touch=True)
        self._caps = read_caps([any_contact])
        self._mailbox, self._calendar, self._step, self._now = mailbox, calendar, step, now
        self._sending_days = 0

    def of(self, day: date) -> int:
        minutes = self._count_open_minutes(day)
        if not minutes:
            return 0
        seconds_each = self._mailbox.gap_seconds + self._mailbox.jitter_seconds / 2
        most = [_per_day(cap, minutes) for cap in self._caps]
        if seconds_each:
            most.append(ceil(minutes * 60 / seconds_each))
        if self._mailbox.ramp_enabled:
            start = self._mailbox.ramp_allowance if self._mailbox.ramp_day else self._mailbox.ramp_start
            most.append(start + self._sending_days * self._mailbox.ramp_step)
            self._sending_days += 1
        return min(most, default=10**9)

    def _count_open_minutes(self, day: date) -> int:
        zone = self._calendar.zone.zone
        midnight = datetime.combine(day, time(), zone)
        try:
            opens = next_allowed(midnight, self._calendar, skip_weekends=self._step.timing.skip_weekends).at
        except TimingError:
            return 0
        if opens.astimezone(zone).date() != day:
            return 0
        gone = self._now.astimezone(zone)
        past = gone.hour * 60 + gone.minute if gone.date() == day else 0
        ranges = self._calendar.window.days[day.weekday()] if self._calendar.window else ((0, 24 * 60),)
        return sum(max(end - max(start, past), 0) for start, end in ranges)


def _per_day(cap: Cap, minutes: int) -> int:
    return cap.maximum if cap.window is LimitWindow.DAY else cap.maximum * ceil(minutes / 60)


def _fill(new: dict[date, int], load: dict[date, int], capacity: _Capacity, today: date) -> Forecast:
    contacts = sum(new.values())
    backlog = waiting = on_time = 0
    last_on: date | None = None
    left = contacts
    for offset in range(LOOKS_AHEAD_DAYS):
        day = today + timedelta(days=offset)
        due = new.get(day, 0)
        backlog += load.get(day, 0)
        room = capacity.of(day)
        ahead = min(room, backlog)
        backlog -= ahead
        late = min(room - ahead, waiting)
        in_time = min(room - ahead - late, due)
        waiting += due - late - in_time
        on_time += in_time
        left -= late + in_time
        if late + in_time:
            last_on = day
        if not left:
            return Forecast(contacts, on_time, last_on)
    return Forecast(contacts, on_time, None)


def _calendar(facts: SequenceFacts, step: StepFacts, mailbox: Mailbox, workspace: Workspace) -> Calendar:
    """In the sender's time zone, since those of the contacts differ."""
    zone = resolve_zone(facts.window, contact="", account="", mailbox=mailbox.timezone, workspace=workspace.timezone)
    rules = ContactCalendar(zone, workspace.holiday_country or None, frozenset(workspace.extra_holidays))
    return calendar_for(step.type, facts.window, rules)
