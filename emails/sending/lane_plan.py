"""The order of a lane, and the planned send times of its queue, by the pace and caps of the lane itself. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from emails.pacing.limits import Candidate, Usage, covers

# One rank of priority is worth this much waiting: urgent mail goes first, but nothing waits for ever.
_RANK_IS_WORTH = timedelta(hours=1)
_NORMAL_PRIORITY = 50
_FIRST_TOUCH_YIELDS = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued message in lane order; `opening` maps a time to the next one at which it may be sent."""

    candidate: Candidate
    header_id: str
    send_after_at: datetime
    opening: Callable[[datetime], datetime]


def lane_order(due_at: datetime, priority: int, *, is_first_touch: bool) -> datetime:
    """The key a lane is sorted by: due time, moved by priority, follow-ups before first touches."""
    moved = due_at + (priority - _NORMAL_PRIORITY) * _RANK_IS_WORTH
    return moved + _FIRST_TOUCH_YIELDS if is_first_touch else moved


def plan_queue(
    waiting: Sequence[Waiting],
    usages: Sequence[Usage],
    first_slot_at: datetime,
    next_slot: Callable[[datetime, str], datetime],
) -> dict[int, datetime]:
    """The planned send time by message id, if nothing else is queued. One that waits does not block those behind it.

    `next_slot` gives the earliest next send after the message with that Message-ID.
    """
    left = {index: sorted(usage.latest) for index, usage in enumerate(usages)}
    remaining = list(waiting)
    planned: dict[int, datetime] = {}
    slot_at = first_slot_at
    while remaining:
        times = [_earliest(item, usages, left, slot_at) for item in remaining]
        position = min(range(len(remaining)), key=lambda index: (times[index] > slot_at, times[index], index))
        item, at = remaining.pop(position), times[position]
        planned[item.candidate.message_id] = at
        for index, usage in enumerate(usages):
            if covers(usage.cap, item.candidate):
                left[index].append(at)
        slot_at = next_slot(at, item.header_id)
    return planned


def _earliest(item: Waiting, usages: Sequence[Usage], left: dict[int, list[datetime]], slot_at: datetime) -> datetime:
    at = max(slot_at, item.send_after_at)
    while True:
        moved = item.opening(at)
        for index, usage in enumerate(usages):
            if covers(usage.cap, item.candidate):
                moved = max(moved, _place_free_at(usage, left[index], moved))
        if moved == at:
            return at
        at = moved


def _place_free_at(usage: Usage, left: Sequence[datetime], at: datetime) -> datetime:
    window = timedelta(seconds=usage.cap.window.seconds)
    if usage.cap.maximum == 0:
        return at
    inside = [left_at for left_at in left if left_at > at - window]
    return at if len(inside) < usage.cap.maximum else inside[-usage.cap.maximum] + window
