"""Which mailbox of a pool each of these enrollments gets: the one by which its first email leaves earliest.

The planner of the forecast sends the first email of each by whichever mailbox is free first, beside everything that
waits already; so they are spread by what is left under caps, ramps, spacing and circuit breakers. Where the follow-ups
would not fit on their days, another mailbox that has a place on the same day and fits them gets it. The same rows give
the same answer. Reads only: the caller stores the choice in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from common.db import Row
from emails.choices import LimitScope
from emails.pacing.health import measure_healths
from emails.pacing.limits import Usage
from execution.forecasting.days import caps_of_days, day_of
from execution.forecasting.journeys import Journeys, WantedEmail
from execution.forecasting.loading import Sender, read_lanes, read_mailboxes, read_usages, read_wanted
from execution.forecasting.planner import Lane, plan_sending

_LOOKS_AHEAD = timedelta(days=366)
_FOLLOW_UPS_DAYS = 45
_MOST_FOLLOW_UPS = 20


@dataclass(slots=True)
class _Load:
    """What a mailbox sends by day with what was chosen so far. `caps`: None where a day has no limit."""

    lane: Lane
    caps: Mapping[date, int | None]
    sent: Counter[date]

    def has_room(self, wanted: Counter[date]) -> bool:
        return all(
            (cap := self.caps.get(day)) is None or self.sent[day] + count <= cap for day, count in wanted.items()
        )


def choose_mailboxes(
    workspace_id: int, enrollment_ids: Sequence[int], senders: Sequence[Sender], now: datetime
) -> dict[int, int]:
    """The id of one of `senders` for each of these enrollments, which have had no email. `senders` is not empty.

    A fixed number of statements. What is paused is spread evenly: nothing is known of when it goes on.
    """
    ids = frozenset(enrollment_ids)
    by_id = sorted(senders, key=lambda sender: sender.mailbox_id)
    chosen: dict[int, int] = {}
    if len(by_id) > 1 and ids:
        chosen = _plan(workspace_id, ids, by_id, now)
    counts = Counter({sender.mailbox_id: 0 for sender in by_id})
    counts.update(chosen.values())
    for pk in sorted(ids - chosen.keys()):
        least = min(by_id, key=lambda sender: (counts[sender.mailbox_id], sender.mailbox_id)).mailbox_id
        chosen[pk] = least
        counts[least] += 1
    return chosen


def _plan(workspace_id: int, ids: frozenset[int], senders: Sequence[Sender], now: datetime) -> dict[int, int]:
    until = now + _LOOKS_AHEAD
    journeys = Journeys(now, until + _LOOKS_AHEAD)
    mailboxes = read_mailboxes(workspace_id)
    wanted = read_wanted(workspace_id, journeys, now, until, spread=ids, senders=senders)
    usages = read_usages(workspace_id, mailboxes, wanted, now)
    lanes = _lanes(mailboxes, usages, senders, now)
    caps = [usage for usage in usages if not usage.cap.is_ramp]
    new = [email for email in wanted if email.candidate.message_id in ids]
    others = [email for email in wanted if email.candidate.message_id not in ids]
    own = {sender.mailbox_id for sender in senders}
    if all(usage.cap.scope is LimitScope.MAILBOX for usage in usages):
        others = [email for email in others if email.candidate.mailbox_id in own]

    before = plan_sending(others, lanes, caps, journeys.follow, now + timedelta(days=_FOLLOW_UPS_DAYS))
    owners = {row["id"]: row["owner_id"] for row in mailboxes}
    loads: dict[int, _Load] = {}
    for lane in lanes:
        if lane.mailbox_id in own:
            days = [day_of(now, lane.zone) + timedelta(days=offset) for offset in range(_FOLLOW_UPS_DAYS)]
            sent = Counter(day_of(at, lane.zone) for email, at in before.sent if _lane_of(email) == lane.mailbox_id)
            day_caps = caps_of_days(before, owners[lane.mailbox_id], lane, usages, days)
            loads[lane.mailbox_id] = _Load(lane, day_caps, sent)

    chosen: dict[int, int] = {}

    def is_dropped(email: WantedEmail, at: datetime) -> bool:
        pk = email.candidate.message_id
        if pk not in ids:
            return False
        if pk not in chosen:
            chosen[pk] = _choose(email, at, loads, journeys, until)
        return chosen[pk] != email.candidate.mailbox_id

    everyone = {email.candidate.message_id for email in new}
    plan_sending(
        [*others, *new],
        lanes,
        caps,
        journeys.follow,
        until,
        is_enough=lambda: len(chosen) == len(everyone),
        is_dropped=is_dropped,
    )
    return chosen


def _choose(email: WantedEmail, at: datetime, loads: Mapping[int, _Load], journeys: Journeys, until: datetime) -> int:
    """The mailbox that is free first, unless the follow-ups fit another one that has a place on the same day."""
    first = email.candidate.mailbox_id
    follow_ups = _list_follow_ups(email, at, journeys, until)

    def days(pk: int) -> Counter[date]:
        return Counter(day_of(time, loads[pk].lane.zone) for time in follow_ups)

    found = first
    if not loads[first].has_room(days(first)):
        found = next(
            (pk for pk, load in loads.items() if load.has_room(days(pk) + Counter([day_of(at, load.lane.zone)]))), first
        )
    loads[found].sent.update(days(found))
    loads[found].sent[day_of(at, loads[found].lane.zone)] += 1
    return found


def _list_follow_ups(email: WantedEmail, at: datetime, journeys: Journeys, until: datetime) -> list[datetime]:
    """When they leave if nothing delays them."""
    times: list[datetime] = []
    following = journeys.follow(email, at)
    while following is not None and len(times) < _MOST_FOLLOW_UPS:
        leaves_at = following.opening(following.ready_at)
        if leaves_at >= until:
            break
        times.append(leaves_at)
        following = journeys.follow(following, leaves_at)
    return times


def _lane_of(email: WantedEmail) -> int:
    return email.candidate.mailbox_id


def _lanes(mailboxes: Sequence[Row], usages: Sequence[Usage], senders: Sequence[Sender], now: datetime) -> list[Lane]:
    """As if the workspace and the executor were running. The ramp of a mailbox with a health warning does not grow."""
    running = [{**row, "is_workspace_paused": False, "executor_runs": True} for row in mailboxes]
    healths = measure_healths([sender.mailbox_id for sender in senders])
    found = []
    for lane in read_lanes(running, usages, now):
        health = healths.get(lane.mailbox_id)
        if lane.ramp is not None and health is not None and health.is_warning:
            lane = replace(lane, ramp=replace(lane.ramp, step=0))
        found.append(lane)
    return found
