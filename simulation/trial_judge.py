"""Whether the promises P1–P10 were kept: from what the mail server saw and what was scripted. Pure.

Only what no outsider can see comes from the product's tables, as `Standing` and `Books`: where each person ended, and
what the log says of it.
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
class Standing:
    """Where a person stands at the end. `trouble`: the class of every quarantine they were ever in."""

    status: str
    exit_reason: str
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What only the product can tell.

    `decisions`: whose email was due when, and when it was decided. `unexplained`: state changes without a log entry
    that says who and why.
    """

    standings: Mapping[str, Standing]
    decisions: Sequence[tuple[str, datetime, datetime]]
    unexplained: tuple[str, ...]
    logged_sends: Mapping[str, int]


@dataclass(slots=True)
class Verdict:
    """One promise: how often it was broken, and the first few cases. `figure` is what was measured."""

    promise: str
    said: str
    broken: int = 0
    cases: list[str] = field(default_factory=list)
    figure: str = ""

    def blame(self, case: str) -> None:
        self.broken += 1
        if len(self.cases) < SHOWN:
            self.cases.append(case)


def judge(truth: Truth, books: Books) -> list[Verdict]:
    """One verdict per promise, in their order."""
    return [
        _judge_once(truth),
        _judge_stops(truth),
        _judge_caps(truth),
        _judge_ends(truth, books),
        _judge_windows(truth),
        _judge_delay(truth, books),
        _judge_recovery(truth),
        _judge_outages(truth, books),
        _judge_walls(truth),
        _judge_log(truth, books),
    ]


def _judge_once(truth: Truth) -> Verdict:
    """Over all enrollments of a contact: neither the same step nor a text that reads the same, and enrolled once."""
    verdict = Verdict("P1", "no contact gets the same step or the same text twice")
    for (address, step), count in Counter((r.recipient, r.step) for r in truth.receipts).items():
        if count > 1:
            verdict.blame(f"{address} got {step} {count} times")
    steps: dict[tuple[str, str], set[str]] = defaultdict(set)
    for receipt in truth.receipts:
        if receipt.text:
            steps[receipt.recipient, receipt.text].add(receipt.step)
    for (address, _), alike in steps.items():
        if len(alike) > 1:
            verdict.blame(f"{address} got one text as {' and as '.join(sorted(alike))}")
    if truth.enrolled_again:
        verdict.blame(f"{truth.enrolled_again} contacts were enrolled again in the sequence that they are or were in")
    verdict.figure = f"{len(truth.receipts)} emails; named again {truth.named_again}, enrolled {truth.enrolled_again}"
    return verdict


def _judge_stops(truth: Truth) -> Verdict:
    """Orders are compared, not times: whatever the server took later than the fact was stored has left too late."""
    verdict = Verdict("P2", "no email leaves after a stop fact is stored, or while paused")
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
            verdict.blame(f"{receipt.recipient} got {step} at {receipt.at:%d %b %H:%M} after it was removed")
        order, what = stopped.get(receipt.recipient, (receipt.order + 1, ""))
        if order < receipt.order:
            verdict.blame(f"{receipt.recipient} got {receipt.step} at {receipt.at:%d %b %H:%M} after {what}")
        for hold in holds[receipt.recipient]:
            if hold.start_order < receipt.order and (hold.end_order is None or receipt.order < hold.end_order):
                verdict.blame(f"{receipt.recipient} got {receipt.step} while the {hold.what} stood still")
    verdict.figure = f"{len(stopped)} people stopped, {len(truth.holds)} pauses"
    return verdict


def _colleagues(truth: Truth) -> Callable[[str], Iterable[str]]:
    by_domain = defaultdict(list)
    for person in truth.people.values():
        if person.workspace in truth.account_stop:
            by_domain[person.domain].append(person.address)

    def find(address: str) -> Iterable[str]:
        person = truth.people[address]
        return by_domain[person.domain] if person.workspace in truth.account_stop else (address,)

    return find


def _judge_caps(truth: Truth) -> Verdict:
    verdict = Verdict("P3", "no limit is exceeded in any rolling window")
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
            verdict.blame(f"{cap.name}: {most} emails")
    for sender, gap in truth.gaps.items():
        sent = sorted((r for r in by_sender[sender] if not r.was_in_flight), key=lambda r: r.at)
        for earlier, later in pairwise(sent):
            apart = (later.at - earlier.at).total_seconds()
            if apart < gap:
                verdict.blame(
                    f"{sender} wrote twice within {apart:.0f} s at {later.at:%d %b %H:%M:%S}, its pace is {gap} s"
                )
    verdict.figure = f"{len(truth.caps)} caps, the fullest at {fullest:.0%}"
    return verdict


def _judge_ends(truth: Truth, books: Books) -> Verdict:
    """Everybody has had all emails of their path, or has left for a reason that was scripted, or is held for one."""
    verdict = Verdict("P4", "no due step is lost")
    got: dict[str, list[str]] = defaultdict(list)
    for receipt in sorted(truth.receipts, key=lambda r: r.order):
        got[receipt.recipient].append(receipt.step)
    said: dict[str, set[Action]] = defaultdict(set)
    colleagues = _colleagues(truth)
    for fact in truth.facts:
        said[fact.address].add(fact.action)
        if fact.action in {Action.REPLY, Action.OPT_OUT}:
            for address in colleagues(fact.address):
                said[address].add(fact.action)
    for address, person in truth.people.items():
        standing = books.standings[address]
        stopping = said[address] & STOPPING or person.persona is Persona.GONE
        match standing.status:
            case "completed":
                removed = truth.removed.get((person.workspace, person.sequence), ("", 0))[0]
                path = _path(person)
                if got[address] not in (path, [step for step in path if step != removed]):
                    verdict.blame(f"{address} ({person.persona}) completed after {' '.join(got[address]) or 'nothing'}")
            case "replied" | "auto_exited":
                is_let_go = (
                    standing.exit_reason == "sequence_archived"
                    and (person.workspace, person.sequence) in truth.archived
                )
                if not stopping and not is_let_go:
                    verdict.blame(f"{address} ({person.persona}) exited as {standing.exit_reason} without a reason")
            case "quarantined":
                if person.persona is not Persona.NAMELESS:
                    verdict.blame(f"{address} ({person.persona}) is quarantined: {' '.join(standing.troubles)}")
            case status:
                verdict.blame(f"{address} ({person.persona}) is still {status} after {' '.join(got[address])}")
    verdict.figure = ", ".join(
        f"{count} {status.replace('_', ' ')}"
        for status, count in sorted(Counter(s.status for s in books.standings.values()).items())
    )
    return verdict


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


def _judge_windows(truth: Truth) -> Verdict:
    verdict = Verdict("P5", "no email outside its window")
    for receipt in truth.receipts:
        person = truth.people[receipt.recipient]
        hours = truth.hours[person.sequence]
        local = receipt.at.astimezone(hours.zone or person.zone)
        if local.weekday() not in hours.weekdays or not hours.opens <= local.hour < hours.closes:
            verdict.blame(f"{receipt.recipient} got {receipt.step} at {local:%a %H:%M} {local.tzinfo}")
    verdict.figure = f"{len({p.zone for p in truth.people.values()})} zones"
    return verdict


def _judge_delay(truth: Truth, books: Books) -> Verdict:
    """Whoever was paused meanwhile was not late."""
    verdict = Verdict("P6", "p95 from due to decided under 5 minutes")
    paused = defaultdict(list)
    for hold in truth.holds:
        for address in hold.addresses:
            paused[address].append(hold)
    delays = sorted(
        (decided_at - due_at).total_seconds()
        for address, due_at, decided_at in books.decisions
        if not any(hold.overlaps(due_at, decided_at) for hold in paused[address])
    )
    p50, p95 = _percentile(delays, 0.5), _percentile(delays, 0.95)
    verdict.figure = f"p50 {p50:.0f} s, p95 {p95:.0f} s"
    if p95 >= _DECIDES_WITHIN:
        verdict.blame(verdict.figure)
    return verdict


def _percentile(ordered: Sequence[float], share: float) -> float:
    return max(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 0.0) if ordered else 0.0


def _judge_recovery(truth: Truth) -> Verdict:
    verdict = Verdict("P7", "a killed process costs at most a minute")
    slowest = 0.0
    for crash in truth.crashes:
        if crash.resumed_after is None or crash.resumed_after > _RESUMES_WITHIN:
            verdict.blame(f"killed at {crash.point!r}, {crash.at:%d %b %H:%M}: {crash.resumed_after} s")
        else:
            slowest = max(slowest, crash.resumed_after)
    verdict.figure = f"{len(truth.crashes)} crashes, slowest {slowest:.0f} s"
    return verdict


def _judge_outages(truth: Truth, books: Books) -> Verdict:
    verdict = Verdict("P8", "a mail server outage quarantines nobody")
    held = 0
    for address, standing in books.standings.items():
        allowed = {"unknown_outcome"} | (
            {"data", "template"} if truth.people[address].persona is Persona.NAMELESS else set()
        )
        held += bool(standing.troubles)
        if strange := sorted(set(standing.troubles) - allowed):
            verdict.blame(f"{address} was quarantined: {' '.join(strange)}")
    verdict.figure = f"{held} were ever held, each for a scripted reason" if not verdict.broken else f"{held} held"
    return verdict


def _judge_walls(truth: Truth) -> Verdict:
    verdict = Verdict("P9", "no workspace sees or touches another's data")
    for receipt in truth.receipts:
        if truth.workspaces[receipt.sender] != truth.people[receipt.recipient].workspace:
            verdict.blame(f"{receipt.sender} wrote to {receipt.recipient} of another workspace")
    for case in truth.strangers_let_in:
        verdict.blame(case)
    verdict.figure = f"{len(set(truth.workspaces.values()))} workspaces"
    return verdict


def _judge_log(truth: Truth, books: Books) -> Verdict:
    verdict = Verdict("P10", "every state change has a log entry that says who and why")
    for case in books.unexplained:
        verdict.blame(case)
    for address, count in Counter(receipt.recipient for receipt in truth.receipts).items():
        if books.logged_sends.get(address, 0) < count:
            verdict.blame(f"{address} got {count} emails, the log knows of {books.logged_sends.get(address, 0)}")
    verdict.figure = f"{sum(books.logged_sends.values())} sends in the log"
    return verdict
