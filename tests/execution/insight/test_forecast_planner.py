"""The planner of the forecast, for random lanes, caps and emails: never above a cap, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from emails.choices import LimitScope, LimitWindow
from emails.pacing.limits import Candidate, Cap, Usage, covers
from emails.pacing.ramp import RampDay
from execution.forecasting.planner import Lane, Plan, Ramp, plan_sending

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
END = START + timedelta(days=5)
HOUR = timedelta(hours=1)


def office_hours(at: datetime) -> datetime:
    opens_at = at.replace(hour=9, minute=0, second=0, microsecond=0)
    if at < opens_at:
        return opens_at
    return at if at.hour < 17 else opens_at + timedelta(days=1)


def always(at: datetime) -> datetime:
    return at


@dataclass(frozen=True)
class Email:
    candidate: Candidate
    ready_at: datetime
    order: datetime
    opening: Callable[[datetime], datetime]
    followed_after: timedelta | None


def follow(email: Email, at: datetime) -> Email | None:
    if email.followed_after is None:
        return None
    candidate = Candidate(
        email.candidate.message_id, email.candidate.mailbox_id, 1, email.candidate.owner_id,
        email.candidate.recipient_domain, is_first_touch=False,
    )  # fmt: skip
    due_at = at + email.followed_after
    return Email(candidate, due_at, due_at, email.opening, None)


emails = st.builds(
    lambda number, mailbox, domain, first, hours, opening, followed: Email(
        Candidate(number, mailbox, 1, 7, domain, is_first_touch=first), START + hours * HOUR, START + hours * HOUR,
        opening, followed,
    ),
    st.integers(1, 1000), st.integers(1, 2), st.sampled_from(["a.example", "b.example"]), st.booleans(),
    st.integers(0, 60), st.sampled_from([always, office_hours]), st.sampled_from([None, timedelta(0), 25 * HOUR]),
)  # fmt: skip
caps = st.one_of(
    st.builds(Cap, st.just(LimitScope.MAILBOX), st.sampled_from("12"), st.sampled_from(LimitWindow), st.integers(0, 6),
              st.booleans()),
    st.builds(Cap, st.just(LimitScope.RECIPIENT_DOMAIN), st.sampled_from(["a.example", "b.example"]),
              st.sampled_from(LimitWindow), st.integers(0, 4)),
    st.builds(Cap, st.just(LimitScope.USER), st.just("7"), st.sampled_from(LimitWindow), st.integers(0, 8)),
    st.builds(Cap, st.just(LimitScope.WORKSPACE), st.just("1"), st.sampled_from(LimitWindow), st.integers(0, 8)),
)  # fmt: skip
usages = st.builds(
    lambda cap, minutes: Usage(
        cap, min(len(minutes), cap.maximum),
        tuple(START - timedelta(minutes=each) for each in sorted(minutes)[: cap.maximum]),
    ),
    caps, st.lists(st.integers(0, 24 * 60), max_size=6),
)  # fmt: skip
lanes = st.builds(
    lambda first, second, ramp: [
        Lane(1, ZoneInfo("UTC"), START, timedelta(minutes=first)),
        Lane(2, ZoneInfo("UTC"), START, timedelta(minutes=second), ramp),
    ],
    st.sampled_from([0, 7, 90]), st.sampled_from([0, 7, 90]),
    st.sampled_from([None, Ramp(RampDay(0, None), 2, 1), Ramp(RampDay(3, START.date()), 2, 2, (START - HOUR,))]),
)  # fmt: skip


def most_in_a_window(times: list[datetime], window: timedelta) -> int:
    return max((sum(1 for each in times if at - window < each <= at) for at in times), default=0)


@settings(max_examples=150, deadline=None)
@given(st.lists(emails, max_size=25), lanes, st.lists(usages, max_size=4))
def test_nothing_exceeds_a_cap_or_a_window_and_nothing_is_lost(
    wanted: list[Email], mailboxes: list[Lane], used: list[Usage]
) -> None:
    plan = plan_sending(wanted, mailboxes, used, follow, END)
    for usage in used:
        window = timedelta(seconds=usage.cap.window.seconds)
        planned = [at for email, at in plan.sent if covers(usage.cap, email.candidate)]
        if planned:
            assert most_in_a_window([*usage.latest, *planned], window) <= usage.cap.maximum
    for email, at in plan.sent:
        assert email.ready_at <= at < END
        assert email.opening(at) == at
    for lane in mailboxes:
        times = sorted(at for email, at in plan.sent if email.candidate.mailbox_id == lane.mailbox_id)
        assert all(later - earlier >= lane.spacing for earlier, later in pairwise(times))
        if lane.ramp:
            most = max(plan.allowances[lane.mailbox_id].values(), default=lane.ramp.day.allowance)
            assert most_in_a_window([*lane.ramp.sent, *times], 24 * HOUR) <= max(most, len(lane.ramp.sent))
    check_that_nothing_is_lost(wanted, plan)


def check_that_nothing_is_lost(wanted: list[Email], plan: Plan[Email]) -> None:
    """Every email is sent at most once; each follow-up of what was sent is wanted."""
    assert len(plan.sent) == len({id(email) for email, _ in plan.sent})
    asked = {id(email) for email in plan.wanted}
    assert {id(email) for email, _ in plan.sent} <= asked
    caused = sum(1 for email, at in plan.sent if (next_one := follow(email, at)) and next_one.ready_at < END)
    assert len(plan.wanted) == len(wanted) + caused


def first_touches(number: int) -> list[Email]:
    return [
        Email(Candidate(each, 1, 1, 7, "a.example", is_first_touch=True), START, START, office_hours, 24 * HOUR)
        for each in range(number)
    ]


def test_follow_ups_take_the_places_of_later_first_touches() -> None:
    """Ten a day: the second day belongs to the follow-ups of the first."""
    cap = Cap(LimitScope.MAILBOX, "1", LimitWindow.DAY, 10)
    plan = plan_sending(first_touches(20), [Lane(1, ZoneInfo("UTC"), START)], [Usage(cap, 0)], follow, END)
    by_day: dict[int, list[bool]] = {}
    for email, at in plan.sent:
        by_day.setdefault((at - START).days, []).append(email.candidate.is_first_touch)
    # a first touch yields four hours, and those of the first day have waited for a day
    assert by_day == {0: [True] * 10, 1: [True] * 10, 2: [False] * 10, 3: [False] * 10}


def test_a_mailbox_that_sends_nothing_keeps_what_is_wanted() -> None:
    plan = plan_sending(first_touches(3), [Lane(1, ZoneInfo("UTC"), None)], [], follow, END)
    assert (len(plan.wanted), plan.sent) == (3, ())


def test_a_full_domain_does_not_block_other_domains() -> None:
    emails = first_touches(2)
    emails.append(Email(Candidate(9, 1, 1, 7, "b.example", is_first_touch=True), START, START, always, None))
    usage = Usage(Cap(LimitScope.RECIPIENT_DOMAIN, "a.example", LimitWindow.DAY, 1), 1, (START,))
    plan = plan_sending(emails, [Lane(1, ZoneInfo("UTC"), START)], [usage], follow, START + HOUR)
    assert [email.candidate.message_id for email, _ in plan.sent] == [9]
