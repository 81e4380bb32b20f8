"""The thread pool: unequal servers beside each other, on a driven clock and with gates in place of slow servers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from common.dispatcher import Dispatcher
from common.fair_share import FairShare, Shares, Turn, Work

TIMEOUT_SECONDS = 20


@dataclass
class World:
    """Items that wait, in order; those of a host with a gate block until it opens."""

    waiting: list[Work]
    gates: dict[str, threading.Event] = field(default_factory=dict)
    at: float = 0.0
    running: list[Work] = field(default_factory=list)
    done: list[Work] = field(default_factory=list)
    given_back: list[Work] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.changed = threading.Condition()

    def take(self, shares: Shares) -> WorldJob | None:
        with self.changed:
            ready = sorted((each for each in self.waiting if shares.allow(each)), key=shares.order)
            if not ready:
                return None
            self.waiting.remove(ready[0])
            return WorldJob(self, ready[0])

    def wait_for(self, **numbers: int) -> bool:
        with self.changed:
            return self.changed.wait_for(
                lambda: all(len(getattr(self, name)) == number for name, number in numbers.items()), TIMEOUT_SECONDS
            )


@dataclass
class WorldJob:
    world: World
    work: Work

    def run(self, turn: Turn) -> None:
        world = self.world
        with world.changed:
            world.running.append(self.work)
            world.changed.notify_all()
        if self.work.host in world.gates:
            world.gates[self.work.host].wait(TIMEOUT_SECONDS)
        with world.changed:
            world.running.remove(self.work)
            world.done.append(self.work)
            world.changed.notify_all()
        if self.work.host == "broken.example":
            raise RuntimeError("broken")

    def give_back(self) -> None:
        with self.world.changed:
            self.world.waiting.append(self.work)
            self.world.given_back.append(self.work)


@contextmanager
def pool_of(world: World, threads: int = 8) -> Iterator[Dispatcher]:
    pool = Dispatcher(
        "test", FairShare(threads, 5.0), world.take, on_error=world.errors.append, monotonic=lambda: world.at
    )
    try:
        yield pool
    finally:
        pool.stop()
        for gate in world.gates.values():
            gate.set()
        assert pool.join(TIMEOUT_SECONDS)


def test_a_hanging_server_holds_its_share_and_the_others_are_served() -> None:
    slow = [Work(number, "slow.example", 1) for number in range(50)]
    healthy = [Work(100 + number, "healthy.example", 2) for number in range(30)]
    world = World(slow + healthy, {"slow.example": threading.Event()})
    with pool_of(world) as pool:
        pool.wake()
        assert world.wait_for(done=30, running=2)
        assert {each.host for each in world.done} == {"healthy.example"}
        world.gates["slow.example"].set()
        assert world.wait_for(done=80)


def test_a_pool_that_a_quick_server_has_borrowed_serves_others_once_it_hangs() -> None:
    gate = threading.Event()
    gate.set()
    borrowed = [Work(number, "big.example", 1) for number in range(20)]
    world = World(borrowed[:4], {"big.example": gate})
    with pool_of(world) as pool:
        pool.wake()
        assert world.wait_for(done=4)
        gate.clear()
        world.waiting += borrowed[4:]
        pool.wake()
        assert world.wait_for(running=8), "a quick server may use all threads"
        world.waiting.append(Work(900, "healthy.example", 2))
        pool.wake()
        assert world.wait_for(done=4, running=8)
        world.at = 6.0
        pool.wake()
        assert world.wait_for(done=5, running=8)
        assert world.done[-1].host == "healthy.example"


def test_an_item_that_fails_stops_no_other() -> None:
    world = World([Work(1, "broken.example", 1), *(Work(number, "healthy.example", 1) for number in range(2, 9))])
    with pool_of(world, threads=1) as pool:
        pool.wake()
        assert world.wait_for(done=8)
        assert pool.wait_until_idle(TIMEOUT_SECONDS)
    assert [str(error) for error in world.errors] == ["broken"]


def test_a_stopped_pool_takes_nothing_new_and_waits_for_what_runs() -> None:
    world = World([Work(number, "slow.example", 1) for number in range(5)], {"slow.example": threading.Event()})
    with pool_of(world) as pool:
        pool.wake()
        assert world.wait_for(running=2)
        pool.stop()
        assert not pool.join(0)
        world.gates["slow.example"].set()
        assert pool.join(TIMEOUT_SECONDS)
        pool.wake()
        assert len(world.done) == 2


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_claimed_beyond_a_share_is_given_back_and_served_later(threads: int) -> None:
    """Two threads may claim the last place of a share at the same moment."""
    world = World([Work(number, "slow.example", 1) for number in range(12)])
    blind = World.take
    with pool_of(world, threads) as pool:
        pool._take = lambda shares: blind(world, Shares())
        pool.wake()
        assert world.wait_for(done=12)


def test_a_later_pool_of_the_same_share_counts_what_the_earlier_one_still_serves() -> None:
    """A job of the cluster ends with its minute, and leaves outstanding answers to its threads."""
    share, gate = FairShare(8, 5.0), threading.Event()
    world = World([Work(number, "slow.example", 1) for number in range(6)], {"slow.example": gate})
    earlier, later = (
        Dispatcher("test", share, world.take, on_error=world.errors.append, monotonic=lambda: world.at)
        for _ in range(2)
    )
    try:
        earlier.wake()
        assert world.wait_for(running=2)
        earlier.stop()
        world.at = 60.0
        world.waiting.append(Work(9, "healthy.example", 2))
        later.wake()
        assert world.wait_for(done=1, running=2)
        assert later.wait_until_idle(TIMEOUT_SECONDS)
        assert [each.host for each in world.done] == ["healthy.example"]
    finally:
        later.stop()
        gate.set()
        assert earlier.join(TIMEOUT_SECONDS) and later.join(TIMEOUT_SECONDS)
