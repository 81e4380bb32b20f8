"""The shares of a thread pool: what a slow or silent server cannot take from others, whatever happens in what order."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.fair_share import FairShare, Turn, Work

SLOW_SECONDS = 5.0


def work(item: int, host: str = "slow.example", tenant: int = 1) -> Work:
    return Work(item, host, tenant)


def start_all(share: FairShare, items: list[Work], at: float) -> list[Turn]:
    return [turn for item in items if (turn := share.start(item, at)) is not None]


def learn(share: FairShare, item: Work, seconds: float, at: float = 0.0) -> None:
    turn = share.start(item, at)
    assert turn is not None
    share.finish(turn, at + seconds)


def test_a_host_that_is_not_known_holds_at_most_a_quarter() -> None:
    share = FairShare(16, SLOW_SECONDS)
    assert len(start_all(share, [work(number) for number in range(200)], 0)) == 4
    assert share.start(work(900, "healthy.example", 2), 0) is not None


def test_a_slow_host_holds_at_most_a_quarter_and_keeps_to_it() -> None:
    share = FairShare(16, SLOW_SECONDS)
    learn(share, work(1), 42.0)
    turns = start_all(share, [work(number) for number in range(200)], 50)
    assert len(turns) == 4
    share.finish(turns.pop(), 92)
    assert len(start_all(share, [work(number) for number in range(200)], 92)) == 1


def test_quick_lanes_of_one_host_use_all_threads() -> None:
    share = FairShare(64, SLOW_SECONDS)
    learn(share, work(1, "smtp.gmail.com"), 1.0)
    assert len(start_all(share, [work(number, "smtp.gmail.com") for number in range(200)], 2)) == 64


def test_one_tenants_slow_logins_leave_another_tenant_its_threads_at_the_same_host() -> None:
    share = FairShare(16, SLOW_SECONDS)
    learn(share, work(1, "smtp.gmail.com", 1), 42.0)
    learn(share, work(500, "smtp.gmail.com", 2), 1.0)
    assert len(start_all(share, [work(number, "smtp.gmail.com", 1) for number in range(200)], 50)) == 4
    assert len(start_all(share, [work(500 + number, "smtp.gmail.com", 2) for number in range(200)], 50)) == 12


def test_many_hosts_of_one_tenant_leave_half_of_the_threads_to_others() -> None:
    share = FairShare(16, SLOW_SECONDS)
    assert len(start_all(share, [work(number, f"{number}.example") for number in range(200)], 0)) == 8
    others = [work(number, f"{number}.example", number) for number in range(300, 500)]
    assert len(start_all(share, others, 0)) == 4
    learned = FairShare(16, SLOW_SECONDS)
    learn(learned, work(1, "quick.example", 9), 1.0)
    start_all(learned, others, 2)
    assert learned.start(work(1, "quick.example", 9), 2) is not None, "a share stays free for what was quick"


def test_threads_lent_to_a_server_that_then_hangs_are_replaced() -> None:
    share = FairShare(16, SLOW_SECONDS)
    learn(share, work(1, "smtp.gmail.com"), 1.0)
    assert len(start_all(share, [work(number, "smtp.gmail.com") for number in range(16)], 2)) == 16
    assert share.start(work(99, "healthy.example", 2), 6) is None
    assert share.most_threads(8) == 32
    assert share.start(work(99, "smtp.gmail.com"), 8) is None, "the server that hangs gets no more"
    assert len(start_all(share, [work(100 + number, "healthy.example", 2) for number in range(50)], 8)) == 4


def test_a_slow_item_does_not_make_its_quick_neighbours_slow() -> None:
    share = FairShare(16, SLOW_SECONDS)
    learn(share, work(7, "smtp.gmail.com"), 42.0)
    learn(share, work(1, "smtp.gmail.com"), 1.0, at=50)
    slow = share.start(work(7, "smtp.gmail.com"), 60)
    assert slow is not None
    assert slow.is_heavy(60)
    assert len(start_all(share, [work(number, "smtp.gmail.com") for number in range(20, 60)], 90)) == 16


def test_the_next_thread_goes_to_who_holds_the_fewest() -> None:
    share = FairShare(16, SLOW_SECONDS)
    learn(share, work(1, "a.example", 1), 1.0)
    start_all(share, [work(number, "a.example", 1) for number in range(3)], 2)
    waiting = [work(50, "a.example", 1), work(51, "b.example", 1), work(52, "a.example", 2)]
    assert min(waiting, key=share.view(2).order) == waiting[2]
    assert min(waiting[:2], key=share.view(2).order) == waiting[1]


@given(st.integers(1, 64))
def test_one_item_can_always_start_in_an_idle_pool(threads: int) -> None:
    share = FairShare(threads, SLOW_SECONDS)
    for _ in range(3):
        learn(share, work(1), 60.0)
    assert share.start(work(1), 100) is not None


class AnyOrder(RuleBasedStateMachine):
    """Items of a few tenants and hosts start, go on and end in any order; time only goes forward."""

    def __init__(self) -> None:
        super().__init__()
        self.share = FairShare(8, SLOW_SECONDS)
        self.at = 0.0
        self.turns: list[Turn] = []
        self.slow: set[int] = set()

    @rule(item=st.integers(1, 40), host=st.sampled_from("abc"), tenant=st.integers(1, 3))
    def start(self, item: int, host: str, tenant: int) -> None:
        wanted = Work(item, host, tenant)
        if any(turn.work.item == item for turn in self.turns):
            return
        is_allowed = self.share.view(self.at).allow(wanted)
        turn = self.share.start(wanted, self.at)
        if turn is not None:
            assert is_allowed
            self.turns.append(turn)
        else:
            assert not is_allowed

    @precondition(lambda self: self.turns)
    @rule(index=st.integers(0, 99))
    def finish(self, index: int) -> None:
        self.share.finish(self.turns.pop(index % len(self.turns)), self.at)

    @precondition(lambda self: self.turns)
    @rule(index=st.integers(0, 99))
    def progress(self, index: int) -> None:
        self.turns[index % len(self.turns)].progress(self.at)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0]))
    def pass_time(self, seconds: float) -> None:
        self.at += seconds

    @invariant()
    def heavy_turns_keep_to_their_shares(self) -> None:
        began_heavy = [turn.work for turn in self.turns if turn.began_heavy]
        assert len(began_heavy) <= 6
        assert all(number <= 2 for number in Counter(each.host for each in began_heavy).values())
        assert all(number <= 4 for number in Counter(each.tenant for each in began_heavy).values())

    @invariant()
    def there_are_never_more_than_twice_the_threads(self) -> None:
        assert len(self.turns) <= 16


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
