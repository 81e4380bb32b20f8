"""When mailboxes send the emails that are wanted of them: in lane order, by windows, spacing, caps and ramps.

A simulation in the order of time over all mailboxes at once, since they share caps. It follows what the final check
does (emails.sending.final_check, emails.pacing.limits.allot): an email that must wait does not block those behind it,
a cap of the whole lane does. Spacing is the gap with the mean of the jitter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from emails.choices import LimitWindow
from emails.pacing.limits import Candidate, Usage, covers
from emails.pacing.ramp import RampDay, next_ramp_day

_DAY = timedelta(seconds=LimitWindow.DAY.seconds)


class Wanted(Protocol):
    """An email that is to be sent by the mailbox of `candidate` from `ready_at` on; the lane is sorted by `order`.

    `opening` maps a time to the next one at which the timing rules allow it; equal rules are one object.
    """

    @property
    def candidate(self) -> Candidate: ...
    @property
    def ready_at(self) -> datetime: ...
    @property
    def order(self) -> datetime: ...
    @property
    def opening(self) -> Callable[[datetime], datetime]: ...


W = TypeVar("W", bound=Wanted)


@dataclass(frozen=True, slots=True)
class Ramp:
    """`sent`: the times of the last 24 hours, oldest first."""

    day: RampDay
    start: int
    step: int
    sent: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """A mailbox. `opens_at`: when its spacing and breaker allow the next email; None: it sends nothing."""

    mailbox_id: int
    zone: ZoneInfo
    opens_at: datetime | None
    spacing: timedelta = timedelta()
    ramp: Ramp | None = None


@dataclass(frozen=True, slots=True)
class Plan(Generic[W]):
    """`wanted`: every email that is ready before the end; `sent`: those of them that are sent, with their times.

    `allowances`: what the ramp allows a mailbox on each day on which it sends.
    """

    wanted: tuple[W, ...]
    sent: tuple[tuple[W, datetime], ...]
    allowances: Mapping[int, Mapping[date, int]]


class _Rolling:
    """What was sent under one cap."""

    def __init__(self, usage: Usage) -> None:
        self.cap = usage.cap
        self._window = timedelta(seconds=usage.cap.window.seconds)
        self._times = deque(reversed(usage.latest), maxlen=usage.cap.maximum)

    def full_until(self, at: datetime) -> datetime | None:
        if not self.cap.maximum:
            return at + self._window
        if len(self._times) < self.cap.maximum or self._times[0] <= at - self._window:
            return None
        return self._times[0] + self._window

    def add(self, at: datetime) -> None:
        self._times.append(at)


@dataclass(slots=True)
class _Group(Generic[W]):
    """The emails of a lane that the same rules and caps hold, in lane order."""

    caps: Sequence[_Rolling]
    queue: list[tuple[datetime, int, W]] = field(default_factory=list)
    is_blocked: bool = False


class _Sender(Generic[W]):
    """The state of a lane: its groups, those whose first email may be next, and those that are held."""

    def __init__(self, lane: Lane, opens_at: datetime) -> None:
        self.lane = lane
        self.slot_at = opens_at
        self.try_at: datetime | None = None
        self.groups: dict[tuple[object, ...], _Group[W]] = {}
        self.allowances: dict[date, int] = {}
        self.ramp_day = lane.ramp.day if lane.ramp else None
        self._ramp_sent = list(lane.ramp.sent) if lane.ramp else []
        self._heads: list[tuple[datetime, int, _Group[W]]] = []
        self._held: list[tuple[datetime, int, _Group[W]]] = []

    def add(self, group: _Group[W], number: int, wanted: W) -> None:
        heappush(group.queue, (wanted.order, number, wanted))
        if group.queue[0][1] == number and not group.is_blocked:
            self._offer(group)

    def first(self) -> _Group[W] | None:
        while self._heads:
            _, number, group = self._heads[0]
            if group.queue and group.queue[0][1] == number and not group.is_blocked:
                return group
            heappop(self._heads)
        return None

    def hold(self, group: _Group[W], until: datetime) -> None:
        group.is_blocked = True
        heappush(self._held, (until, group.queue[0][1], group))

    def release(self, at: datetime) -> None:
        while self._held and self._held[0][0] <= at:
            group = heappop(self._held)[2]
            group.is_blocked = False
            self._offer(group)

    def next_try(self) -> datetime | None:
        if self.first() is not None:
            return self.slot_at
        return max(self._held[0][0], self.slot_at) if self._held else None

    def ramp_full_until(self, at: datetime) -> datetime | None:
        day = self._ramp_on(at)
        if day is None:
            return None
        if not day.allowance:
            return at + _DAY
        if len(self._ramp_sent) < day.allowance or self._ramp_sent[-day.allowance] <= at - _DAY:
            return None
        return self._ramp_sent[-day.allowance] + _DAY

    def drop(self, group: _Group[W]) -> W:
        wanted = heappop(group.queue)[2]
        if group.queue:
            self._offer(group)
        return wanted

    def send(self, group: _Group[W], at: datetime) -> W:
        wanted = self.drop(group)
        for cap in group.caps:
            cap.add(at)
        self.ramp_day = self._ramp_on(at)
        if self.ramp_day is not None:
            self._ramp_sent.append(at)
            self.allowances[at.astimezone(self.lane.zone).date()] = self.ramp_day.allowance
        self.slot_at = at + self.lane.spacing
        return wanted

    def _ramp_on(self, at: datetime) -> RampDay | None:
        ramp = self.lane.ramp
        if ramp is None or self.ramp_day is None:
            return None
        today = at.astimezone(self.lane.zone).date()
        return next_ramp_day(self.ramp_day, today, ramp.start, ramp.step, is_healthy=True)

    def _offer(self, group: _Group[W]) -> None:
        order, number, _ = group.queue[0]
        heappush(self._heads, (order, number, group))


def plan_sending(
    wanted: Iterable[W],
    lanes: Iterable[Lane],
    usages: Iterable[Usage],
    follow: Callable[[W, datetime], W | None],
    until: datetime,
    is_enough: Callable[[], bool] = lambda: False,
    is_dropped: Callable[[W, datetime], bool] = lambda wanted, at: False,
) -> Plan[W]:
    """Plan up to `until`, or until `is_enough`. `follow` answers the email that sending one at that time leads to.

    Emails of a mailbox that is none of `lanes`, or sends nothing, are wanted and never sent. `is_dropped` is asked when
    an email could leave at that time: it is not sent, now or later, if so.
    """
    senders: dict[int, _Sender[W]] = {
        lane.mailbox_id: _Sender(lane, lane.opens_at) for lane in lanes if lane.opens_at is not None
    }
    rolling = [_Rolling(usage) for usage in usages]
    covering: dict[tuple[object, ...], tuple[_Rolling, ...]] = {}
    events: list[tuple[datetime, int, W | None, _Sender[W] | None]] = []
    numbers = count()
    asked: list[W] = []
    sent: list[tuple[W, datetime]] = []

    def want(email: W) -> None:
        if email.ready_at < until:
            asked.append(email)
            heappush(events, (email.ready_at, next(numbers), email, senders.get(email.candidate.mailbox_id)))

    def schedule(sender: _Sender[W], at: datetime | None) -> None:
        if at is not None and (sender.try_at is None or at < sender.try_at):
            sender.try_at = at
            heappush(events, (at, next(numbers), None, sender))

    def group_of(sender: _Sender[W], email: W) -> _Group[W]:
        key = (_covered_by(email.candidate), email.opening)
        if key not in sender.groups:
            caps = covering.get(key[:1])
            if caps is None:
                caps = tuple(one for one in rolling if covers(one.cap, email.candidate))
                covering[key[:1]] = caps
            sender.groups[key] = _Group(caps)
        return sender.groups[key]

    for email in wanted:
        want(email)
    while events:
        at, number, arrived, sender = heappop(events)
        if at >= until or is_enough():
            break
        if sender is None:
            continue
        if arrived is not None:
            sender.add(group_of(sender, arrived), number, arrived)
            schedule(sender, max(at, sender.slot_at))
        elif sender.try_at == at:
            sender.try_at = None
            if (left := _serve(sender, at, is_dropped)) is not None:
                sent.append((left, at))
                if (following := follow(left, at)) is not None:
                    want(following)
            schedule(sender, sender.next_try())
    return Plan(tuple(asked), tuple(sent), {pk: one.allowances for pk, one in senders.items()})


def _covered_by(candidate: Candidate) -> tuple[object, ...]:
    return candidate.mailbox_id, candidate.owner_id, candidate.recipient_domain, candidate.is_first_touch


def _serve(sender: _Sender[W], at: datetime, is_dropped: Callable[[W, datetime], bool]) -> W | None:
    """Send the first email that nothing holds; hold the groups met on the way."""
    sender.release(at)
    while (group := sender.first()) is not None:
        opens_at = group.queue[0][2].opening(at)
        if opens_at > at:
            sender.hold(group, opens_at)
            continue
        full = [(until, one.cap.is_lane_wide) for one in group.caps if (until := one.full_until(at)) is not None]
        if (until := sender.ramp_full_until(at)) is not None:
            full.append((until, True))
        if not full:
            if is_dropped(group.queue[0][2], at):
                sender.drop(group)
                continue
            return sender.send(group, at)
        if lane_wide := [until for until, is_lane_wide in full if is_lane_wide]:
            sender.slot_at = max(lane_wide)
            return None
        sender.hold(group, max(until for until, _ in full))
    return None
