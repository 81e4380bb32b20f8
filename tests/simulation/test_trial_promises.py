"""The check of the promises finds each one in a record in which it is broken, and none in a clean one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from simulation.trial_cast import Action, Persona
from simulation.trial_promises import EndState, StoredState, check_promises
from simulation.trial_truth import Cap, Crash, Fact, Hours, PauseSpan, Person, Receipt, Truth

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
JO, BO = "jo@acme.example", "bo@acme.example"
STEPS = ("intro-1", "intro-2", "intro-3")
SENDER = "sdr@w.example"


def clean() -> tuple[Truth, StoredState]:
    """Two silent colleagues who got their three emails, a day apart."""
    people = {
        address: Person(number, address, "w", "Intro", SENDER, ZoneInfo("Europe/Berlin"), Persona.SILENT)
        for number, address in enumerate((JO, BO))
    }
    truth = Truth(
        people=people,
        hours={"Intro": Hours(frozenset(range(5)), 9, 17)},
        caps=[Cap("mailbox", frozenset({SENDER}), 86_400, 2)],
        gaps={SENDER: 120},
        workspaces={SENDER: "w"},
    )
    for day, step in enumerate(STEPS):
        for minute, address in enumerate(people):
            at = MONDAY + timedelta(days=day, minutes=3 * minute)
            truth.receipts.append(Receipt(truth.next_order(), at, SENDER, address, step, f"<{step}{address}>"))
    end_states = {address: EndState("completed", "", ()) for address in people}
    return truth, StoredState(end_states, [(JO, MONDAY, MONDAY)], (), dict.fromkeys(people, 3))


def broken(truth: Truth, stored: StoredState) -> set[str]:
    return {result.promise for result in check_promises(truth, stored) if result.broken}


def test_a_clean_record_breaks_nothing() -> None:
    assert broken(*clean()) == set()


def _twice(truth: Truth) -> None:
    truth.receipts.append(replace(truth.receipts[-1], order=truth.next_order(), at=MONDAY + timedelta(days=3)))


def _same_text_under_another_mark(truth: Truth) -> None:
    truth.receipts[0] = replace(truth.receipts[0], text="About you\nHello Jo")
    truth.receipts[2] = replace(truth.receipts[2], text="About you\nHello Jo")


def _enrolled_again(truth: Truth) -> None:
    truth.named_again, truth.enrolled_again = 2, 1


def _after_a_reply(truth: Truth) -> None:
    truth.facts.append(Fact(-1, MONDAY, JO, Action.REPLY))


def _after_a_colleagues_reply(truth: Truth) -> None:
    truth.account_stop = frozenset({"w"})
    truth.receipts = [receipt for receipt in truth.receipts if receipt.recipient == BO]
    truth.facts.append(Fact(-1, MONDAY, JO, Action.REPLY))


def _while_paused(truth: Truth) -> None:
    truth.holds.append(PauseSpan("executor", frozenset({JO}), -1, MONDAY, None))


def _over_the_cap(truth: Truth) -> None:
    truth.caps.append(Cap("hourly", frozenset({SENDER}), 3_600, 1))


def _too_fast(truth: Truth) -> None:
    truth.gaps[SENDER] = 181


def _at_night(truth: Truth) -> None:
    late = truth.receipts[0]
    truth.receipts[0] = replace(late, at=late.at.replace(hour=16))  # 17:00 in Berlin


def _on_saturday(truth: Truth) -> None:
    truth.receipts[-1] = replace(truth.receipts[-1], at=MONDAY + timedelta(days=5))


def _one_is_missing(truth: Truth) -> None:
    del truth.receipts[-1]


def _not_resumed(truth: Truth) -> None:
    truth.crashes.append(Crash(MONDAY, "claimed"))


def _resumed_late(truth: Truth) -> None:
    truth.crashes.append(Crash(MONDAY, "claimed", 61.0))


def _through_the_wall(truth: Truth) -> None:
    truth.tenancy_leaks.append("GET /api/contacts/1 answers 200")


def _from_another_workspace(truth: Truth) -> None:
    truth.workspaces[SENDER] = "other"


@pytest.mark.parametrize(
    ("promise", "spoil"),
    [
        ("P1", _twice),
        ("P1", _same_text_under_another_mark),
        ("P1", _enrolled_again),
        ("P2", _after_a_reply),
        ("P2", _after_a_colleagues_reply),
        ("P2", _while_paused),
        ("P3", _over_the_cap),
        ("P3", _too_fast),
        ("P4", _one_is_missing),
        ("P5", _at_night),
        ("P5", _on_saturday),
        ("P7", _not_resumed),
        ("P7", _resumed_late),
        ("P9", _through_the_wall),
        ("P9", _from_another_workspace),
    ],
)
def test_each_broken_promise_is_found(promise: str, spoil: Callable[[Truth], None]) -> None:
    truth, stored = clean()
    spoil(truth)
    assert promise in broken(truth, stored)


@pytest.mark.parametrize(
    ("promise", "end_state"),
    [
        ("P4", EndState("active", "", ())),
        ("P4", EndState("replied", "replied", ())),
        ("P4", EndState("auto_exited", "bounced", ())),
        ("P4", EndState("quarantined", "", ("server",))),
        ("P8", EndState("completed", "", ("server",))),
    ],
)
def test_an_end_that_nothing_explains_is_a_lost_step(promise: str, end_state: EndState) -> None:
    truth, stored = clean()
    assert promise in broken(truth, replace(stored, end_states={**stored.end_states, JO: end_state}))


def test_an_archived_sequence_explains_an_end_and_sends_nothing() -> None:
    truth, stored = clean()
    stored = replace(stored, end_states={**stored.end_states, JO: EndState("auto_exited", "sequence_archived", ())})
    assert broken(truth, stored) == {"P4"}
    truth.archived.add(("w", "Intro"))
    assert broken(truth, stored) == set()
    truth.holds.append(PauseSpan("archived sequence", frozenset({JO}), -1, MONDAY))
    assert broken(truth, stored) == {"P2"}


def test_a_step_that_was_removed_may_be_missing_and_does_not_come_later() -> None:
    truth, stored = clean()
    truth.removed["w", "Intro"] = "intro-2", truth.next_order()
    assert broken(truth, stored) == set()
    truth.receipts = [receipt for receipt in truth.receipts if receipt.recipient == BO or receipt.step != "intro-2"]
    assert broken(truth, stored) == set()
    truth.removed["w", "Intro"] = "intro-2", -1
    assert broken(truth, stored) == {"P2"}
    truth.removed["w", "Intro"] = "intro-3", truth.next_order()
    assert broken(truth, stored) == {"P4"}


def test_a_late_decision_and_a_silent_log_are_found() -> None:
    truth, stored = clean()
    late = [(JO, MONDAY, MONDAY + timedelta(minutes=6))]
    assert broken(truth, replace(stored, decisions=late)) == {"P6"}
    assert broken(truth, replace(stored, unexplained=("enrollment 1",))) == {"P10"}
    assert broken(truth, replace(stored, logged_sends={JO: 2, BO: 3})) == {"P10"}


def test_a_paused_enrollment_is_not_late() -> None:
    truth, stored = clean()
    truth.holds.append(PauseSpan("executor", frozenset({JO}), 100, MONDAY + timedelta(minutes=1), 101))
    late = [(JO, MONDAY, MONDAY + timedelta(minutes=60))]
    assert broken(truth, replace(stored, decisions=late)) == set()


def test_an_email_the_server_already_had_may_arrive() -> None:
    truth, stored = clean()
    truth.receipts[-1] = replace(truth.receipts[-1], was_in_flight=True)
    truth.holds.append(PauseSpan("executor", frozenset({BO}), truth.receipts[-2].order, MONDAY, None))
    assert broken(truth, stored) == set()
