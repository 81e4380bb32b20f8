"""Caps against a model that counts by hand; and the shown plan of a lane."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from emails.choices import LimitScope, LimitWindow
from emails.pacing.limits import Candidate, Cap, Usage, allot, covers
from emails.sending.lane_plan import Waiting, plan_queue
from tests.factories import NOW

MAILBOX, WORKSPACE = 1, 9
DOMAINS = ["a.example", "b.example", "c.example"]
OWNERS = [4, 5, None]

caps = st.builds(
    lambda scope, target, window, maximum, first: Cap(scope, target[scope], window, maximum, first),
    st.sampled_from(list(LimitScope)),
    st.fixed_dictionaries(
        {
            LimitScope.MAILBOX: st.just(str(MAILBOX)),
            LimitScope.USER: st.sampled_from(["4", "5"]),
            LimitScope.WORKSPACE: st.just(str(WORKSPACE)),
            LimitScope.RECIPIENT_DOMAIN: st.sampled_from(DOMAINS),
        }
    ),
    st.sampled_from(list(LimitWindow)),
    st.integers(0, 7),
    st.booleans(),
)


@st.composite
def usages(draw: st.DrawFn) -> list[Usage]:
    """Each cap with the send times in its window, newest first; more than its maximum if it was lowered since."""
    drawn = []
    for cap in draw(st.lists(caps, max_size=5)):
        seconds = draw(st.lists(st.integers(0, cap.window.seconds - 1), max_size=9))
        moments = sorted((NOW - timedelta(seconds=second) for second in seconds), reverse=True)
        drawn.append(Usage(cap, len(moments), tuple(moments[: cap.maximum])))
    return drawn


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    number = draw(st.integers(0, 15))
    return [
        Candidate(
            index,
            MAILBOX,
            WORKSPACE,
            draw(st.sampled_from(OWNERS)),
            draw(st.sampled_from(DOMAINS)),
            draw(st.booleans()),
        )
        for index in range(number)
    ]


@given(candidates(), usages(), st.integers(1, 10))
def test_no_cap_is_exceeded_and_no_capacity_is_wasted(waiting: list[Candidate], used: list[Usage], size: int) -> None:
    answer = allot(waiting, used, size, NOW)
    taken = [candidate for candidate in waiting if candidate.message_id in answer.taken]

    assert list(answer.taken) == [candidate.message_id for candidate in taken], "in order"
    assert len(taken) <= size
    for usage in used:
        more = sum(covers(usage.cap, candidate) for candidate in taken)
        assert more == 0 or usage.used + more <= usage.cap.maximum, usage
    held = {hold.message_id for hold in answer.held}
    assert not held & set(answer.taken)
    if len(taken) < size and None not in held:
        for candidate in waiting:
            if candidate.message_id in held or candidate in taken:
                continue
            covering = [usage for usage in used if covers(usage.cap, candidate)]
            assert any(
                usage.used + sum(covers(usage.cap, other) for other in taken) >= usage.cap.maximum for usage in covering
            ), "kept back for nothing"


@given(candidates(), usages())
def test_a_held_message_is_held_exactly_until_its_caps_have_a_place(
    waiting: list[Candidate], used: list[Usage]
) -> None:
    by_id: dict[int | None, Candidate] = {candidate.message_id: candidate for candidate in waiting}
    for hold in allot(waiting, used, 100, NOW).held:
        full = [
            usage
            for usage in used
            if usage.used >= usage.cap.maximum
            and (usage.cap.is_lane_wide if hold.message_id is None else covers(usage.cap, by_id[hold.message_id]))
        ]
        assert full
        for usage in full:
            inside = [at for at in usage.latest if at > hold.until - timedelta(seconds=usage.cap.window.seconds)]
            assert usage.cap.maximum == 0 or len(inside) < usage.cap.maximum
        soonest = [usage for usage in full if usage.frees_at == hold.until or usage.cap.maximum == 0]
        assert soonest, "held longer than any cap asks"


@given(candidates(), usages(), st.integers(1, 600))
def test_the_shown_plan_keeps_every_cap_and_the_pace(waiting: list[Candidate], used: list[Usage], gap: int) -> None:
    used = [usage for usage in used if usage.cap.maximum > 0 and usage.used <= usage.cap.maximum]
    queue = [Waiting(candidate, str(candidate.message_id), NOW, lambda at: at) for candidate in waiting]
    planned = plan_queue(queue, used, NOW, lambda at, _: at + timedelta(seconds=gap))

    assert set(planned) == {candidate.message_id for candidate in waiting}
    slots = sorted(planned.values())
    assert all(later - earlier >= timedelta(seconds=gap) for earlier, later in pairwise(slots))
    for usage in used:
        window = timedelta(seconds=usage.cap.window.seconds)
        moments = list(usage.latest)
        moments += [planned[candidate.message_id] for candidate in waiting if covers(usage.cap, candidate)]
        for end in moments:
            assert sum(end - window < at <= end for at in moments) <= usage.cap.maximum, usage.cap
