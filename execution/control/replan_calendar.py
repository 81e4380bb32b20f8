"""Replans enrollments when holidays, a time zone or the time off change that they are planned by.

Waiting enrollments are replanned, also those that the engine deferred by the old calendar, and queued emails stop
waiting for its windows. As with edits (execution.control.replan_edit), an enrollment that a user snoozed is not moved
earlier. All of it is in the transaction of the change, one log line per enrollment that is replanned; what has begun
stays as it is. The engine and the lanes check the moment itself, so nothing leaves at a forbidden time.

Lock order: contact or account, the enrollments in id order, mailbox or workspace, their messages, the lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from emails.models import Mailbox
from emails.sending.lanes import wake_lanes
from execution.choices import LogAction
from execution.control.replan_edit import NOT_BEGUN, PLAN, PLAN_COLUMNS, PLAN_JOINS, read_calendar
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import StepFacts
from sequences.choices import StepType
from sequences.enrollment_sql import LIVE, locking
from sequences.models import Account, Contact, Workspace
from sequences.models.time_off import list_time_off
from sequences.time.timing import Calendar, TimingError, next_allowed, plan

BATCH = 1_000
_HOLIDAYS = ("holiday_country", "extra_holidays", "holidays_of", "contact_country")


@dataclass(frozen=True, slots=True)
class _Source:
    """A row that gives time zones or holidays to enrollments. `key`: the column that names it in a row of `_READ`;

    `concerned`: a condition for its enrollments; `read`: a SELECT of its values under the names of that row.
    `is_locked_first`: lock it before the enrollments, as transactions that store facts or scores do.
    """

    name: str
    fields: frozenset[str]
    key: str
    concerned: str
    read: str
    is_locked_first: bool


_WORKSPACE = _Source(
    "workspace",
    frozenset({"timezone", "holiday_country", "extra_holidays", "holidays_of"}),
    "workspace_id",
    "workspace_id = ANY(%(of)s::bigint[])",
    """SELECT id, timezone AS workspace_timezone, holiday_country, extra_holidays, holidays_of
    FROM sequences_workspace x""",
    is_locked_first=False,
)
_ACCOUNT = _Source(
    "account",
    frozenset({"timezone"}),
    "account_id",
    "contact_id IN (SELECT id FROM sequences_contact WHERE account_id = ANY(%(of)s::bigint[]))",
    "SELECT id, timezone AS account_timezone FROM sequences_account x",
    is_locked_first=True,
)
_CONTACT = _Source(
    "contact",
    frozenset({"timezone", "account", "fields"}),
    "contact_id",
    "contact_id = ANY(%(of)s::bigint[])",
    """SELECT x.id, x.timezone AS contact_timezone, x.fields ->> 'country' AS contact_country,
           a.timezone AS account_timezone
    FROM sequences_contact x LEFT JOIN sequences_account a ON a.id = x.account_id""",
    is_locked_first=True,
)
_MAILBOX = _Source(
    "mailbox",
    frozenset({"timezone", "owner"}),
    "mailbox_id",
    "mailbox_id = ANY(%(of)s::bigint[])",
    f"""SELECT x.id, x.timezone AS mailbox_timezone, {list_time_off("x.owner_id", "x.workspace_id")} AS time_off
    FROM emails_mailbox x""",
    is_locked_first=False,
)
_SOURCES: Mapping[type[Model], _Source] = {
    Workspace: _WORKSPACE,
    Account: _ACCOUNT,
    Contact: _CONTACT,
    Mailbox: _MAILBOX,
}
_WAITING = f"e.status IN {LIVE} AND e.current_step_id IS NOT NULL"
# In a statement of its own: what was committed while the locks were waited for is seen.
_READ = f"""
{PLAN_COLUMNS}, e.sequence_id, e.contact_id, c.account_id, e.mailbox_id, {NOT_BEGUN} AS not_begun
FROM sequences_enrollment e {PLAN_JOINS}
WHERE e.id = ANY(%(ids)s::bigint[])
ORDER BY e.id
"""
# Of the enrollments due later than planned, those that the engine deferred by the old calendar, not a user.
_DEFERRED = """
SELECT e.id
FROM sequences_enrollment e
CROSS JOIN LATERAL (
    SELECT l.action, l.details FROM execution_executionlog l
    WHERE l.enrollment_id = e.id AND l.step_id = e.current_step_id AND l.at >= e.previous_ended_at
      AND l.action IN ('waiting', 'snoozed', 'resumed')
    ORDER BY l.at DESC, l.id DESC LIMIT 1) newest
WHERE e.id = ANY(%(ids)s::bigint[]) AND newest.action = 'waiting' AND newest.details ->> 'code' IS NOT NULL
"""
_RELEASE = """
UPDATE emails_emailmessage SET send_after_at = %(now)s, held_by = ''
WHERE enrollment_id = ANY(%(ids)s::bigint[]) AND status = 'queued' AND send_after_at > %(now)s
  AND split_part(held_by, ':', 1) IN ('window', 'weekend', 'holiday', 'timing', 'time_off')
RETURNING mailbox_id AS id
"""


def _lock_all(source: _Source) -> str:
    locked = locking(f"e.{source.concerned} AND {_WAITING}")
    return f"WITH locked AS MATERIALIZED ({locked}) SELECT count(*) FROM locked"


@dataclass(slots=True)
class Replanned:
    """How many enrollments were replanned; known at the end of the change."""

    planned: int = 0

    def __str__(self) -> str:
        return f"{self.planned:,} {'enrollment was' if self.planned == 1 else 'enrollments were'} replanned."


@contextmanager
def replanning(row: Model, values: Mapping[str, Any], *, actor: str, now: datetime) -> Iterator[Replanned]:
    """Replan waiting enrollments when a workspace, account, contact or mailbox gets other time zones or holidays.

    Around the write of `values` to `row`, in one transaction:

    1. Lock the row itself, where facts and scores lock it first too (contacts and accounts).
    2. Lock the live enrollments it concerns, in id order; read the old time zone and holidays.
    3. The caller writes.
    4. Read them again. Where they differ, replan what has not begun, release queued messages that wait for a window,
       wake their lanes and notify the engine.

    Values that change no calendar lock nothing.
    """
    replanned = Replanned()
    source = _SOURCES[type(row)]
    if row.pk is None or not _differs(row, {name: values[name] for name in source.fields & values.keys()}):
        yield replanned
        return
    with transaction.atomic():
        if source.is_locked_first:
            _read(source, row.pk)
        fetch_all(_lock_all(source), {"of": [row.pk]})
        before = _read(source, row.pk)
        yield replanned
        if before != _read(source, row.pk):
            replanned.planned = _replan_all(source, {row.pk: before}, actor, now)


@contextmanager
def replanning_mailboxes(mailbox_ids: Sequence[int], *, actor: str, now: datetime) -> Iterator[Replanned]:
    """The same around a change of the time off of an owner, for the mailboxes of that owner. Call in a transaction.

    A lane that is choosing emails of one of them finishes first, and later ones see the change.
    """
    fetch_all(_lock_all(_MAILBOX), {"of": list(mailbox_ids)})
    before = {pk: _read(_MAILBOX, pk) for pk in sorted(mailbox_ids)}
    replanned = Replanned()
    yield replanned
    replanned.planned = _replan_all(_MAILBOX, before, actor, now) if before else 0


def replan_contacts(old_zones: Mapping[int, Row], *, actor: str, now: datetime) -> Replanned:
    """After many contacts got other time zones or countries. `old_zones` by id, as the rows of calendars name them.

    What is left out has not changed. Call in the transaction of the change.
    """
    return Replanned(_replan_all(_CONTACT, old_zones, actor, now) if old_zones else 0)


def replan_accounts(old_zones: Mapping[int, Row], *, actor: str, now: datetime) -> Replanned:
    """The same for accounts; `account_timezone`."""
    return Replanned(_replan_all(_ACCOUNT, old_zones, actor, now) if old_zones else 0)


def _differs(row: Model, values: Mapping[str, Any]) -> bool:
    """Whether the values differ from what is stored; the row object may already hold the new ones."""
    if not values:
        return False
    stored = type(row)._base_manager.filter(pk=row.pk).values(*values).first()
    return stored is not None and any(stored[name] != getattr(value, "pk", value) for name, value in values.items())


def _read(source: _Source, pk: int) -> Row:
    return fetch_all(f"{source.read} WHERE x.id = %(id)s FOR NO KEY UPDATE OF x", {"id": pk})[0]


def _replan_all(source: _Source, before: Mapping[int, Row], actor: str, now: datetime) -> int:
    """`before`: the old time zones and holidays of these sources by id. Returns how many enrollments were replanned."""
    planned, after = 0, 0
    lanes: set[int] = set()
    lock = locking(f"e.{source.concerned} AND e.id > %(after)s AND {_WAITING}", limit="LIMIT %(limit)s")
    while ids := [row["id"] for row in fetch_all(lock, {"of": list(before), "after": after, "limit": BATCH})]:
        planned += _replan_batch(source, before, ids, lanes, actor, now)
        after = ids[-1]
    # the engine locks lanes while it holds enrollments: so lanes come after all enrollments
    wake_lanes(sorted(lanes), now)
    if planned:
        notify_engine()
    return planned


def _replan_batch(
    source: _Source, before: Mapping[int, Row], ids: list[int], lanes: set[int], actor: str, now: datetime
) -> int:
    rows = fetch_all(_READ, {"ids": ids})
    sequences = load_sequences(sorted({row["sequence_id"] for row in rows}))
    waiting: list[_Waiting] = []
    begun: list[int] = []
    for row in rows:
        facts = sequences[row["sequence_id"]]
        step = facts.step(row["current_step_id"])
        if step is None:
            continue
        old = {**row, **before[row[source.key]], "id": row["id"]}
        was, new = read_calendar(old, facts, step), read_calendar(row, facts, step)
        if was == new:
            continue
        if not row["not_begun"]:
            begun.append(row["id"])
        elif step.type != StepType.CONDITIONAL_SPLIT or (row["next_step_at"] or now) > now:
            waiting.append(_plan_both(row, step, was, new, _describe_change(source, old, row)))
    if begun:
        lanes.update(row["id"] for row in fetch_all(_RELEASE, {"ids": begun, "now": now}))
    return _replan(waiting, actor, now)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An enrollment whose step has not begun: planned for `was` by the old calendar, for `due` by the new one."""

    row: Row
    step: StepFacts
    calendar: Calendar
    was: datetime
    due: datetime
    reason: str

    @property
    def due_at(self) -> datetime | None:
        stored: datetime | None = self.row["next_step_at"]
        return stored

    @property
    def is_postponed(self) -> bool:
        return self.due_at is not None and self.due_at > self.was


def _plan_both(row: Row, step: StepFacts, old: Calendar, new: Calendar, reason: str) -> _Waiting:
    ended_at: datetime = row["previous_ended_at"]
    due_at: datetime | None = row["next_step_at"]
    was, due = _plan(step, old, ended_at), _plan(step, new, ended_at)
    if due_at is not None and due_at < was:
        # a user has moved it here, where the step runs without its delay
        was, due = _allow(step, old, ended_at), _allow(step, new, ended_at)
    return _Waiting(row, step, new, was, due, reason)


def _replan(waiting: list[_Waiting], actor: str, now: datetime) -> int:
    postponed = [each.row["id"] for each in waiting if each.is_postponed]
    deferred = {row["id"] for row in fetch_all(_DEFERRED, {"ids": postponed})} if postponed else set()
    planned = []
    for each in waiting:
        due = max(each.due, now)
        if each.is_postponed and each.due_at and each.row["id"] not in deferred:
            due = max(due, each.due_at)
        if due != each.due:
            due = _allow(each.step, each.calendar, due)
        # the engine decides what is already due anyway
        if each.due_at is None or due != max(each.due_at, now):
            planned.append((each, due))
    if planned:
        ids, dues = [each.row["id"] for each, _ in planned], [due for _, due in planned]
        execute(PLAN, {"ids": ids, "dues": dues, "now": now})
        write_logs([_log(each, due, actor) for each, due in planned], now)
    return len(planned)


def _plan(step: StepFacts, calendar: Calendar, ended_at: datetime) -> datetime:
    try:
        return plan(ended_at, step.timing, calendar).at
    except TimingError:
        # as in execution.control.replan_edit
        return ended_at


def _allow(step: StepFacts, calendar: Calendar, at: datetime) -> datetime:
    try:
        return next_allowed(at, calendar, skip_weekends=step.timing.skip_weekends).at
    except TimingError:
        return at


def _describe_change(source: _Source, before: Row, after: Row) -> str:
    zones = [name for name in before if name.endswith("_timezone") and before[name] != after[name]]
    if zones == ["account_timezone"] and source is _CONTACT:
        return "the account of the contact changed"
    what = ["time zone"] if zones else []
    if any(before[name] != after[name] for name in _HOLIDAYS):
        what.append("holidays")
    if before["time_off"] != after["time_off"]:
        if not what:
            return "the time off of the mailbox's owner changed"
        what.append("time off")
    return f"the {' and the '.join(what)} of the {source.name} changed"


def _log(each: _Waiting, due: datetime, actor: str) -> LogRow:
    line = LogLine(LogAction.REPLANNED, f"{each.reason}: due {due:%Y-%m-%d %H:%M} UTC", actor=actor)
    row = each.row
    return LogRow(row["workspace_id"], row["id"], each.step.id, each.step.number, each.step.type, line)
