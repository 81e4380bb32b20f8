"""Whether the promises P1–P10, P12 and P13 were kept: from what the mail server saw and what was scripted. Pure.

Only what no outsider can see comes from the product's tables, as `EndState` and `StoredState`: where each contact
ended, and what the log says of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from simulation.trial_cast import STOPPING, Action, Persona
from simulation.trial_truth import Person, Receipt, Truth

SHOWN = 5
_RESUMES_WITHIN = 60.0
_DECIDES_WITHIN = 300.0
_READS = frozenset(
    {Persona.READER, Persona.CLICKER, Persona.REPLIER, Persona.LATE_REPLIER, Persona.LEAVER, Persona.BUSY_SERVER}
    | {Persona.COMPLAINER}
)


@dataclass(frozen=True, slots=True)
class EndState:
    """Where a person stands at the end. `trouble`: the class of every quarantine they were ever in."""

    status: str
    exit_reason: str
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredState:
    """What only the product knows.

    `decisions`: whose email was due when, and when it was decided. `unexplained`: state changes without a log entry
    that says who and why.
    """

    end_states: Mapping[str, EndState]
    decisions: Sequence[tuple[str, datetime, datetime]]
    unexplained: tuple[str, ...]
    logged_sends: Mapping[str, int]


@dataclass(slots=True)
class PromiseResult:
    """One promise: how often it was broken, and the first few cases. `figure` is what was measured."""

    promise: str
    statement: str
    broken: int = 0
    cases: list[str] = field(default_factory=list)
    figure: str = ""

    def add_case(self, case: str) -> None:
        self.broken += 1
        if len(self.cases) < SHOWN:
            self.cases.append(case)


def check_promises(truth: Truth, stored: StoredState) -> list[PromiseResult]:
    """One result per promise, in their order."""
    return [
        _check_texts(truth),
        _check_stops(truth),
        _check_caps(truth),
        _check_ends(truth, stored),
        _check_windows(truth),
        _check_delay(truth, stored),
        _check_recovery(truth),
        _check_outages(truth, stored),
        _check_tenancy(truth),
        _check_log(truth, stored),
        _check_bulkheads(truth),
        _check_standstills(truth),
    ]


def _check_texts(truth: Truth) -> PromiseResult:
    """Over all enrollments of a contact: neither the same step nor a text that reads the same, and enrolled once."""
    result = PromiseResult("P1", "no contact gets the same step or the same text twice")
    for (address, step), count in Counter((r.recipient, r.step) for r in truth.receipts).items():
        if count > 1:
            result.add_case(f"{address} got {step} {count} times")
    steps: dict[tuple[str, str], set[str]] = defaultdict(set)
    for receipt in truth.receipts:
        if receipt.text:
            steps[receipt.recipient, receipt.text].add(receipt.step)
    for (address, _), alike in steps.items():
        if len(alike) > 1:
            result.add_case(f"{address} got one text as {' and as '.join(sorted(alike))}")
    if truth.enrolled_again:
        result.add_case(f"{truth.enrolled_again} contacts were enrolled again in the sequence that they are or were in")
    result.figure = f"{len(truth.receipts)} emails; named again {truth.named_again}, enrolled {truth.enrolled_again}"
    return result


def _check_stops(truth: Truth) -> PromiseResult:
    """Orders are compared, not times: whatever the server took later than the fact was stored has left too late."""
    result = PromiseResult("P2", "no email leaves after a stop fact is stored, or while paused")
    stopped: dict[str, tuple[int, str]] = {}
    colleagues = _colleagues(truth)
    for fact in truth.facts:
        if fact.action in STOPPING:
            for address in colleagues(fact.address) if fact.action is Action.REPLY else (fact.address,):
                stopped.setdefault(address, (fact.order, f"{fact.action} of {fact.address}"))
    holds = defaultdict(list)
    for hold in truth.holds:
        for address in hold.addresses:
            holds[address].append(hold)
    for receipt in truth.receipts:
        if receipt.was_in_flight:
            continue
        person = truth.people[receipt.recipient]
        step, since = truth.removed.get((person.workspace, person.sequence), ("", 0))
        if receipt.step == step and since < receipt.order:
            result.add_case(f"{receipt.recipient} got {step} at {receipt.at:%d %b %H:%M} after it was removed")
        order, what = stopped.get(receipt.recipient, (receipt.order + 1, ""))
        if order < receipt.order:
            result.add_case(f"{receipt.recipient} got {receipt.step} at {receipt.at:%d %b %H:%M} after {what}")
        for hold in holds[receipt.recipient]:
            if hold.start_order < receipt.order and (hold.end_order is None or receipt.order < hold.end_order):
                result.add_case(f"{receipt.recipient} got {receipt.step} while the {hold.what} stood still")
    result.figure = f"{len(stopped)} people stopped, {len(truth.holds)} pauses"
    return result


def _colleagues(truth: Truth) -> Callable[[str], Iterable[str]]:
    by_domain = defaultdict(list)
    for person in truth.people.values():
        if person.workspace in truth.account_stop:
            by_domain[person.domain].append(person.address)

    def find(address: str) -> Iterable[str]:
        person = truth.people[address]
        return by_domain[person.domain] if person.workspace in truth.account_stop else (address,)

    return find


def _check_caps(truth: Truth) -> PromiseResult:
    result = PromiseResult("P3", "no limit is exceeded in any rolling window")
    by_sender: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in truth.receipts:
        by_sender[receipt.sender].append(receipt)
    fullest = 0.0
    for cap in truth.caps:
        times = sorted(
            receipt.at.timestamp()
            for sender in cap.senders
            for receipt in by_sender[sender]
            if not cap.domain or receipt.recipient.endswith(f"@{cap.domain}")
        )
        most = max((bisect_right(times, at + cap.seconds - 0.001) - i for i, at in enumerate(times)), default=0)
        fullest = max(fullest, most / cap.maximum)
        if most > cap.maximum:
            result.add_case(f"{cap.name}: {most} emails")
    for sender, gap in truth.gaps.items():
        sent = sorted((r for r in by_sender[sender] if not r.was_in_flight), key=lambda r: r.at)
        for earlier, later in pairwise(sent):
            apart = (later.at - earlier.at).total_seconds()
            if apart < gap:
                result.add_case(
                    f"{sender} wrote twice within {apart:.0f} s at {later.at:%d %b %H:%M:%S}, its pace is {gap} s"
                )
    result.figure = f"{len(truth.caps)} caps, the fullest at {fullest:.0%}"
    return result


def _check_ends(truth: Truth, stored: StoredState) -> PromiseResult:
    """Every contact got all emails of its path, or left for a scripted reason, or is held for one."""
    result = PromiseResult("P4", "no due step is lost")
    got: dict[str, list[str]] = defaultdict(list)
    for receipt in sorted(truth.receipts, key=lambda r: r.order):
        got[receipt.recipient].append(receipt.step)
    reactions: dict[str, set[Action]] = defaultdict(set)
    colleagues = _colleagues(truth)
    for fact in truth.facts:
        reactions[fact.address].add(fact.action)
        if fact.action in {Action.REPLY, Action.OPT_OUT}:
            for address in colleagues(fact.address):
                reactions[address].add(fact.action)
    for address, person in truth.people.items():
        end_state = stored.end_states[address]
        stopping = reactions[address] & STOPPING or person.persona is Persona.GONE
        match end_state.status:
            case "completed":
                removed = truth.removed.get((person.workspace, person.sequence), ("", 0))[0]
                path = _path(person)
                if got[address] not in (path, [step for step in path if step != removed]):
                    result.add_case(
                        f"{address} ({person.persona}) completed after {' '.join(got[address]) or 'nothing'}"
                    )
            case "replied" | "auto_exited":
                is_let_go = (
                    end_state.exit_reason == "sequence_archived"
                    and (person.workspace, person.sequence) in truth.archived
                )
                if not stopping and not is_let_go:
                    result.add_case(f"{address} ({person.persona}) exited as {end_state.exit_reason} without a reason")
            case "quarantined":
                if person.persona is not Persona.NAMELESS:
                    result.add_case(f"{address} ({person.persona}) is quarantined: {' '.join(end_state.troubles)}")
            case status:
                result.add_case(f"{address} ({person.persona}) is still {status} after {' '.join(got[address])}")
    result.figure = ", ".join(
        f"{count} {status.replace('_', ' ')}"
        for status, count in sorted(Counter(s.status for s in stored.end_states.values()).items())
    )
    return result


def _path(person: Person) -> list[str]:
    match person.sequence:
        case "Intro":
            return ["intro-1", "intro-2", "intro-3"]
        case "Fleeting":
            return ["fleeting-1", "fleeting-2"]
        case "Branch" if person.persona in _READS:
            return ["branch-1", "branch-opened", "branch-last"]
        case "Branch":
            return ["branch-1", "branch-nudge", "branch-last"]
        case _:
            return ["wait-1", "wait-2", "wait-3"]


def _check_windows(truth: Truth) -> PromiseResult:
    result = PromiseResult("P5", "no email outside its window")
    for receipt in truth.receipts:
        person = truth.people[receipt.recipient]
        hours = truth.hours[person.sequence]
        local = receipt.at.astimezone(hours.zone or person.zone)
        if local.weekday() not in hours.weekdays or not hours.opens <= local.hour < hours.closes:
            result.add_case(f"{receipt.recipient} got {receipt.step} at {local:%a %H:%M} {local.tzinfo}")
    result.figure = f"{len({p.zone for p in truth.people.values()})} zones"
    return result


def _check_delay(truth: Truth, stored: StoredState) -> PromiseResult:
    """Emails that were paused between due and decided do not count."""
    result = PromiseResult("P6", "p95 from due to decided under 5 minutes")
    paused = defaultdict(list)
    for hold in truth.holds:
        for address in hold.addresses:
            paused[address].append(hold)
    delays = sorted(
        (decided_at - due_at).total_seconds()
        for address, due_at, decided_at in stored.decisions
        if not any(hold.overlaps(due_at, decided_at) for hold in paused[address])
    )
    p50, p95 = _percentile(delays, 0.5), _percentile(delays, 0.95)
    result.figure = f"p50 {p50:.0f} s, p95 {p95:.0f} s"
    if p95 >= _DECIDES_WITHIN:
        result.add_case(result.figure)
    return result


def _percentile(ordered: Sequence[float], share: float) -> float:
    return max(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 0.0) if ordered else 0.0


def _check_recovery(truth: Truth) -> PromiseResult:
    result = PromiseResult("P7", "a killed process costs at most a minute")
    slowest = 0.0
    for crash in truth.crashes:
        if crash.resumed_after is None or crash.resumed_after > _RESUMES_WITHIN:
            result.add_case(f"killed at {crash.point!r}, {crash.at:%d %b %H:%M}: {crash.resumed_after} s")
        else:
            slowest = max(slowest, crash.resumed_after)
    result.figure = f"{len(truth.crashes)} crashes, slowest {slowest:.0f} s"
    return result


def _check_outages(truth: Truth, stored: StoredState) -> PromiseResult:
    result = PromiseResult("P8", "a mail server outage quarantines no enrollment")
    held = 0
    for address, end_state in stored.end_states.items():
        allowed = {"unknown_outcome"} | (
            {"data", "template"} if truth.people[address].persona is Persona.NAMELESS else set()
        )
        held += bool(end_state.troubles)
        if strange := sorted(set(end_state.troubles) - allowed):
            result.add_case(f"{address} was quarantined: {' '.join(strange)}")
    result.figure = f"{held} were ever held, each for a scripted reason" if not result.broken else f"{held} held"
    return result


def _check_tenancy(truth: Truth) -> PromiseResult:
    result = PromiseResult("P9", "no workspace sees or touches another's data")
    for receipt in truth.receipts:
        if truth.workspaces[receipt.sender] != truth.people[receipt.recipient].workspace:
            result.add_case(f"{receipt.sender} wrote to {receipt.recipient} of another workspace")
    for case in truth.tenancy_leaks:
        result.add_case(case)
    result.figure = f"{len(set(truth.workspaces.values()))} workspaces"
    return result


def _check_log(truth: Truth, stored: StoredState) -> PromiseResult:
    result = PromiseResult("P10", "every state change has a log entry that says who and why")
    for case in stored.unexplained:
        result.add_case(case)
    for address, count in Counter(receipt.recipient for receipt in truth.receipts).items():
        if stored.logged_sends.get(address, 0) < count:
            result.add_case(f"{address} got {count} emails, the log knows of {stored.logged_sends.get(address, 0)}")
    result.figure = f"{sum(stored.logged_sends.values())} sends in the log"
    return result


def _check_bulkheads(truth: Truth) -> PromiseResult:
    result = PromiseResult("P12", "slow servers of one tenant delay no other by more than 30 s")
    for episode in truth.episodes:
        if episode.unserved:
            result.add_case(f"{episode.kind} at {episode.at:%d %b %H:%M}: {episode.unserved} healthy ones not served")
    slowest = max((episode.seconds for episode in truth.episodes), default=0.0)
    result.figure = f"{len(truth.episodes)} episodes, slowest {slowest:.0f} s"
    return result


def _check_standstills(truth: Truth) -> PromiseResult:
    result = PromiseResult("P13", "what makes no progress for five minutes is reported")
    for episode in truth.episodes:
        if not episode.is_named:
            result.add_case(f"{episode.kind} at {episode.at:%d %b %H:%M}: not reported")
    result.figure = f"{sum(episode.is_named for episode in truth.episodes)} of {len(truth.episodes)} reported"
    return result
