"""Who may have a thread next: shares of a thread pool per server host and per tenant. Pure, knows no thread and no SQL.

The rules, for N threads; a *share* is a quarter of N, at least one:

1. A turn is *heavy* when its item was slow the last time, when nothing is known of its host for this tenant, or when it
   has lasted longer than `slow_seconds`. Heavy turns hold at most one share per host and half of N per tenant; those
   that began heavy leave one share of all threads free for items that were quick.
2. Items that were quick may use all threads, also of one host: a share that others do not need is lent.
3. A thread whose turn has become too long is *overdue* and is replaced by another one, up to 2 N threads in all, so
   that what was lent to a server that suddenly hangs is not missed by others. While a share or more of lent threads is
   overdue, nothing more is lent: no host gets more than a share for one tenant.
4. A free thread goes to the tenant that holds the fewest, then to the host that holds the fewest, then by time.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

_REMEMBERED_GROUPS = 2_000
_REMEMBERED_SLOW = 1_000


@dataclass(frozen=True, slots=True)
class Work:
    """An item to serve: its id (a mailbox, a subscription), the host of its server, and its tenant's id."""

    item: int
    host: str
    tenant: int

    @property
    def group(self) -> str:
        """The host as this tenant knows it: what one tenant's logins meet says nothing about another's."""
        return group_name(self.tenant, self.host)


def group_name(tenant: int, host: str) -> str:
    return f"{tenant}:{host}"


@dataclass(frozen=True, slots=True)
class Shares:
    """What a claim must know to take only what may start now. Without arguments: anything may.

    Nothing may start while `is_closed`. Else an item may start when its group is not full, and it is either quick (not
    in `slow_items`, group in `quick_groups`) or none of `is_full`, `full_hosts`, `full_tenants` concerns it.
    `busy_tenants` and `busy_hosts` count the turns.
    """

    is_closed: bool = False
    is_full: bool = False
    full_hosts: Collection[str] = ()
    full_tenants: Collection[int] = ()
    full_groups: Collection[str] = ()
    quick_groups: Collection[str] = ()
    slow_items: Collection[int] = ()
    busy_tenants: Mapping[int, int] = field(default_factory=dict)
    busy_hosts: Mapping[str, int] = field(default_factory=dict)

    def allow(self, work: Work) -> bool:
        if self.is_closed or work.group in self.full_groups:
            return False
        if work.item not in self.slow_items and work.group in self.quick_groups:
            return True
        return not (self.is_full or work.host in self.full_hosts or work.tenant in self.full_tenants)

    def order(self, work: Work) -> tuple[int, int]:
        """The smaller, the sooner; then by time."""
        return self.busy_tenants.get(work.tenant, 0), self.busy_hosts.get(work.host, 0)


UNLIMITED = Shares()


class Turn:
    """One thread's work on one item. `at`: seconds of a clock that never goes back."""

    def __init__(self, work: Work, at: float, slow_seconds: float, *, is_heavy: bool) -> None:
        self.work = work
        self._slow_seconds = slow_seconds
        self.began_heavy = is_heavy
        self._stretch_began = at
        self.was_slow = False

    def progress(self, at: float) -> None:
        """A part of the work is done; the next part is measured by itself."""
        self.was_slow = self.was_slow or self.is_overdue(at)
        self._stretch_began = at

    def is_overdue(self, at: float) -> bool:
        return at - self._stretch_began > self._slow_seconds

    def is_heavy(self, at: float) -> bool:
        return self.began_heavy or self.was_slow or self.is_overdue(at)


class FairShare:
    """The books of the pools that share N threads. Hold `lock` while calling a method; every method gets the time."""

    def __init__(self, threads: int, slow_seconds: float) -> None:
        self.lock = threading.Lock()
        self.threads = threads
        self.slow_seconds = slow_seconds
        self.share = max(threads // 4, 1)
        self._tenant_share = max(threads // 2, 1)
        self._turns: set[Turn] = set()
        # by last turn; only the newest are kept
        self._groups: OrderedDict[str, bool] = OrderedDict()
        self._slow_items: OrderedDict[int, None] = OrderedDict()

    def most_threads(self, at: float) -> int:
        return min(self.threads + self._count_overdue(at), 2 * self.threads)

    def view(self, at: float) -> Shares:
        """Which items may start now."""
        heavy = [turn.work for turn in self._turns if turn.is_heavy(at)]
        heavy_hosts, heavy_tenants = Counter(w.host for w in heavy), Counter(w.tenant for w in heavy)
        overdue = [turn for turn in self._turns if turn.is_overdue(at)]
        hanging = {g for g, number in Counter(turn.work.group for turn in overdue).items() if number >= self.share}
        is_full = sum(turn.began_heavy for turn in self._turns) >= max(self.threads - self.share, 1)
        full_hosts = {host for host, number in heavy_hosts.items() if number >= self.share}
        full_tenants = {tenant for tenant, number in heavy_tenants.items() if number >= self._tenant_share}
        is_restricted = bool(is_full or full_hosts or full_tenants)
        full_groups: set[str] = set()
        if sum(not turn.began_heavy for turn in overdue) >= self.share:
            groups = Counter(turn.work.group for turn in self._turns)
            full_groups = {group for group, number in groups.items() if number >= self.share}
        return Shares(
            is_closed=len(self._turns) >= self.most_threads(at),
            is_full=is_full,
            full_hosts=full_hosts,
            full_tenants=full_tenants,
            full_groups=full_groups,
            quick_groups={g for g, quick in self._groups.items() if quick} - hanging if is_restricted else (),
            slow_items=set(self._slow_items) if is_restricted else (),
            busy_tenants=Counter(turn.work.tenant for turn in self._turns),
            busy_hosts=Counter(turn.work.host for turn in self._turns),
        )

    def start(self, work: Work, at: float) -> Turn | None:
        """The turn; None when it may not start now."""
        if not self.view(at).allow(work):
            return None
        was_quick = self._groups.get(work.group, False) and work.item not in self._slow_items
        turn = Turn(work, at, self.slow_seconds, is_heavy=not was_quick)
        self._turns.add(turn)
        return turn

    def finish(self, turn: Turn, at: float) -> None:
        turn.progress(at)
        self._turns.discard(turn)
        _remember(self._groups, turn.work.group, not turn.was_slow, _REMEMBERED_GROUPS)
        self._slow_items.pop(turn.work.item, None)
        if turn.was_slow:
            _remember(self._slow_items, turn.work.item, None, _REMEMBERED_SLOW)

    def _count_overdue(self, at: float) -> int:
        return sum(turn.is_overdue(at) for turn in self._turns)


def _remember(memory: OrderedDict[Any, Any], key: object, value: object, most: int) -> None:
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > most:
        memory.popitem(last=False)
