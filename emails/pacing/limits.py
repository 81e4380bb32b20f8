"""Which of a lane's messages the caps allow now, and until when the others are held. Pure.

Usage is counted from the ledger over half-open rolling windows (now - window, now]. A message that would make any cap
that covers it overfull is not taken, so no window anywhere in time holds one too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from emails.choices import LimitScope, LimitWindow


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `maximum` messages within one window. `target`: the id or the domain that it covers."""

    scope: LimitScope
    target: str
    window: LimitWindow
    maximum: int
    first_touch_only: bool = False
    is_ramp: bool = False

    @property
    def code(self) -> str:
        if self.is_ramp:
            return "ramp_up"
        return f"{self.scope}_cap"

    @property
    def is_lane_wide(self) -> bool:
        """Whether it holds every message of a lane, whatever its recipient."""
        return self.scope in {LimitScope.MAILBOX, LimitScope.WORKSPACE} and not self.first_touch_only


@dataclass(frozen=True, slots=True)
class Usage:
    """What was sent under a cap in the window that ends now. `latest`: its newest times, at most `maximum`."""

    cap: Cap
    used: int
    latest: tuple[datetime, ...] = ()

    @property
    def frees_at(self) -> datetime | None:
        """When its next place is free, if it is full. A cap of zero never frees one by itself."""
        if not self.is_full or not self.latest:
            return None
        return self.latest[-1] + timedelta(seconds=self.cap.window.seconds)

    @property
    def is_full(self) -> bool:
        return self.used >= self.cap.maximum

    @property
    def detail(self) -> str:
        per = "hour" if self.cap.window is LimitWindow.HOUR else "24 hours"
        return f"{self.used}/{self.cap.maximum} per {per}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that only the caps can still hold."""

    message_id: int
    mailbox_id: int
    workspace_id: int
    owner_id: int | None
    recipient_domain: str
    is_first_touch: bool


@dataclass(frozen=True, slots=True)
class SendHold:
    """What keeps a queued message from being sent until `until`. `message_id` None: the whole lane."""

    message_id: int | None
    until: datetime
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Allotment:
    """`taken` may be sent now, in order. What is neither taken nor held is checked again with the next chunk."""

    taken: tuple[int, ...]
    held: tuple[SendHold, ...]


def covers(cap: Cap, candidate: Candidate) -> bool:
    if cap.first_touch_only and not candidate.is_first_touch:
        return False
    return (
        cap.target
        == {
            LimitScope.MAILBOX: str(candidate.mailbox_id),
            LimitScope.USER: str(candidate.owner_id),
            LimitScope.WORKSPACE: str(candidate.workspace_id),
            LimitScope.RECIPIENT_DOMAIN: candidate.recipient_domain,
        }[cap.scope]
    )


def allot(candidates: Sequence[Candidate], usages: Sequence[Usage], size: int, now: datetime) -> Allotment:
    """Take up to `size` candidates in order, never beyond a cap; say until when the ones met on the way are held."""
    taken: list[Candidate] = []
    held: list[SendHold] = []
    for candidate in candidates:
        if len(taken) == size:
            break
        covering = [usage for usage in usages if covers(usage.cap, candidate)]
        full = [usage for usage in covering if usage.is_full]
        if full:
            tightest = max(full, key=lambda usage: _frees_at(usage, now))
            until = _frees_at(tightest, now)
            if any(usage.cap.is_lane_wide for usage in full):
                lane = max((usage for usage in full if usage.cap.is_lane_wide), key=lambda usage: _frees_at(usage, now))
                held.append(SendHold(None, _frees_at(lane, now), lane.cap.code, lane.detail))
                break
            held.append(SendHold(candidate.message_id, until, tightest.cap.code, tightest.detail))
        elif all(usage.used + _count(usage.cap, taken) < usage.cap.maximum for usage in covering):
            taken.append(candidate)
    return Allotment(tuple(candidate.message_id for candidate in taken), tuple(held))


def _count(cap: Cap, taken: Sequence[Candidate]) -> int:
    return sum(1 for candidate in taken if covers(cap, candidate))


def _frees_at(usage: Usage, now: datetime) -> datetime:
    """A cap of zero is checked again, since a user may raise it."""
    return usage.frees_at or now + timedelta(seconds=usage.cap.window.seconds)
