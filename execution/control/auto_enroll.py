"""Auto-enrollment: rules that enroll the contacts matching a filter, up to a maximum a day in the workspace's zone.

A rule calls `enroll_contacts` like every other entry point. The maximum is counted from the enrollments that name the
rule, under the workspace's lock for enrolling, so that it is exact whatever number of workers runs it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from common.database_errors import is_temporary
from common.db import fetch_all
from emails.models import EXECUTOR_RUNS
from execution.control.enroll import EnrollError, EnrollResult, enroll_contacts
from execution.control.enroll_filter import FilterError, leave_out_enrolled, match_contacts
from execution.control.enroll_rules import SkipCode, SkippedGroup, group_skipped
from execution.control.enroll_statement import lock_enrolling, try_lock_enrolling
from sequences.choices import SequenceStatus
from sequences.models import Contact, Enrollment, EnrollRule, Membership, Workspace

log = logging.getLogger(__name__)

ACTOR = "auto-enrollment"
PREVIEW_CONTACTS = 5_000
PREVIEW_DAYS = 7
_EVERY = timedelta(minutes=5)
_PAUSED_RECHECK = timedelta(minutes=1)
_LOCKED_RECHECK = timedelta(seconds=10)
_CHECKED_AT_ONCE = 2_000
# They concern the rule, whatever the contact.
_OF_THE_RULE = frozenset({SkipCode.NO_MAILBOX, SkipCode.MAILBOX_UNUSABLE, SkipCode.NO_OWNER, SkipCode.OWNER_UNUSABLE})


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """How many contacts a rule would enroll on a day of the workspace."""

    date: date
    count: int


@dataclass(frozen=True, slots=True)
class RulePreview:
    """What a rule would do if it ran now. `today`: those it would still enroll today; `days` begin with today.

    `matching` counts the contacts of the filter, `enrolled_today` what the rule has enrolled today. `problem`: why it
    would enroll none. `is_complete` is False where only the first contacts were checked.
    """

    matching: int
    enrolled_today: int
    today: tuple[Contact, ...]
    days: tuple[PlannedDay, ...]
    skipped: tuple[SkippedGroup, ...]
    problem: str
    is_complete: bool


def run_next_rule(now: datetime, workspace_id: int | None = None) -> int | None:
    """Run the rule that has been due for longest. Returns how many it enrolled; None: no rule is due."""
    rules = EnrollRule.objects.filter(is_active=True, next_run_at__lte=now).order_by("next_run_at", "pk")
    if workspace_id is not None:
        rules = rules.filter(workspace=workspace_id)
    with transaction.atomic():
        rule: EnrollRule | None = rules.select_for_update(skip_locked=True, of=("self",)).first()
        if rule is None:
            return None
        if not try_lock_enrolling(rule.workspace_id):
            _plan(rule, now + _LOCKED_RECHECK, rule.problem)
            return 0
        try:
            with transaction.atomic():
                return _run(rule, now)
        except Exception as error:
            if is_temporary(error):
                raise
            log.exception("the auto-enrollment rule %s failed", rule.pk)
            _plan(rule, now + _EVERY, "It failed by an error in the program, which is in the log of the executor.")
            return 0


def run_rule(rule: EnrollRule, now: datetime) -> int:
    """Run one rule now, whether or not it is due. Returns how many it enrolled."""
    with transaction.atomic():
        lock_enrolling(rule.workspace_id)
        return _run(EnrollRule.objects.select_for_update(of=("self",)).get(pk=rule.pk), now)


def preview_rule(rule: EnrollRule, now: datetime) -> RulePreview:
    """What the rule would do, which may be off or not stored yet. Changes nothing. Raises `FilterError`."""
    matching = match_contacts(rule.workspace_id, rule.filter)
    enrolled, ends_at = _count_today(rule, now)
    open_rows = leave_out_enrolled(matching, rule.sequence).order_by("pk")
    ids = list(open_rows.values_list("pk", flat=True)[: PREVIEW_CONTACTS + 1])
    problem = find_problem(rule)
    result = EnrollResult((), ())
    entering: list[int] = []
    if not problem:
        with transaction.atomic():
            try:
                result = _enroll(rule, ids[:PREVIEW_CONTACTS], None, now)
            except EnrollError as error:
                problem = str(error)
            by_id = dict(Enrollment.objects.filter(pk__in=result.enrolled).values_list("pk", "contact_id"))
            entering = [by_id[pk] for pk in result.enrolled]
            transaction.set_rollback(True)
        problem = problem or _find_obstacle(result)
    left = max(rule.daily_maximum - enrolled, 0)
    today = entering[:left]
    contacts = Contact.objects.in_bulk(today)
    return RulePreview(
        matching=matching.count(),
        enrolled_today=enrolled,
        today=tuple(contacts[pk] for pk in today),
        days=tuple(_spread(len(entering), left, rule.daily_maximum, ends_at, _zone(rule))),
        skipped=group_skipped(result.skipped),
        problem=problem,
        is_complete=len(ids) <= PREVIEW_CONTACTS,
    )


def find_problem(rule: EnrollRule) -> str:
    """Why the rule can enroll no contact at all, in one line; empty where it can."""
    sequence = rule.sequence
    if sequence.status != SequenceStatus.ACTIVE:
        return f"The sequence {sequence.name!r} is {sequence.status}: activate it, or choose another one."
    if rule.owner is None and rule.mailbox is None:
        return "Its owner or mailbox is gone: choose another one."
    owner = rule.owner or (rule.mailbox.owner if rule.mailbox else None)
    members = Membership.objects.filter(workspace=rule.workspace_id)
    if owner is not None and not (owner.is_active and members.filter(user=owner.pk).exists()):
        return f"The owner {owner.get_username()} is deactivated or has left the workspace: choose another one."
    return ""


def _run(rule: EnrollRule, now: datetime) -> int:
    if not fetch_all(f"SELECT {EXECUTOR_RUNS} AS runs", {})[0]["runs"]:
        _plan(rule, now + _PAUSED_RECHECK, "The executor is paused.")
        return 0
    if Workspace.objects.filter(pk=rule.workspace_id, sending_paused_at__isnull=False).exists():
        _plan(rule, now + _PAUSED_RECHECK, "Sending of the workspace is paused.")
        return 0
    if problem := find_problem(rule):
        _plan(rule, now + _EVERY, problem)
        return 0
    enrolled, ends_at = _count_today(rule, now)
    left = rule.daily_maximum - enrolled
    if left <= 0:
        _plan(rule, ends_at, "")
        return 0
    try:
        rows = leave_out_enrolled(match_contacts(rule.workspace_id, rule.filter), rule.sequence)
        found = rows.filter(pk__gt=rule.checked_to).order_by("pk").values_list("pk", flat=True)
        ids = list(found[:_CHECKED_AT_ONCE])
        result = _enroll(rule, ids, left, now)
    except (EnrollError, FilterError) as error:
        _plan(rule, now + _EVERY, f"{error}.")
        return 0
    new = len(result.enrolled)
    if problem := _find_obstacle(result):
        _plan(rule, now + _EVERY, problem)
    elif new == left:
        _plan(rule, ends_at, "")
    elif len(ids) == _CHECKED_AT_ONCE:
        _plan(rule, now, "", checked_to=ids[-1])
    else:
        _plan(rule, now + _EVERY, "")
    return new


def _enroll(rule: EnrollRule, ids: list[int], most: int | None, now: datetime) -> EnrollResult:
    return enroll_contacts(
        sequence=rule.sequence,
        contact_ids=ids,
        mailbox=rule.mailbox,
        owner=rule.owner,
        actor=ACTOR,
        now=now,
        rule=rule,
        most=most,
    )


def _find_obstacle(result: EnrollResult) -> str:
    first = next(iter(result.skipped), None)
    is_of_rule = not result.enrolled and first is not None and first.code in _OF_THE_RULE
    return f"{first.reason[0].upper()}{first.reason[1:]}." if first and is_of_rule else ""


def _plan(rule: EnrollRule, at: datetime, problem: str, checked_to: int = 0) -> None:
    EnrollRule.objects.filter(pk=rule.pk).update(next_run_at=at, problem=problem[:500], checked_to=checked_to)


def _zone(rule: EnrollRule) -> ZoneInfo:
    return ZoneInfo(rule.workspace.timezone)


def _count_today(rule: EnrollRule, now: datetime) -> tuple[int, datetime]:
    """How many the rule has enrolled on this day of the workspace, and when the day ends."""
    zone = _zone(rule)
    today = now.astimezone(zone).date()
    begins_at, ends_at = (datetime.combine(day, time(), zone) for day in (today, today + timedelta(days=1)))
    if rule._state.adding:
        return 0, ends_at
    return Enrollment.objects.filter(rule=rule.pk, enrolled_at__gte=begins_at).count(), ends_at


def _spread(total: int, left: int, maximum: int, ends_at: datetime, zone: ZoneInfo) -> list[PlannedDay]:
    first = ends_at.astimezone(zone).date() - timedelta(days=1)
    days = []
    for number in range(PREVIEW_DAYS):
        count = min(total, left if number == 0 else maximum)
        days.append(PlannedDay(first + timedelta(days=number), count))
        total -= count
    return days
