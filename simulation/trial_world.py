"""One trial: the product's own engine with a virtual clock, a scripted server, scripted contacts and faults.

Owns the order of events. It decides and checks nothing: the record goes to trial_promises.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage as Mime

from django.db import connection

from common.clocks import Clock
from common.db import fetch_all
from emails.inbound import poll_due_inboxes, resolve_unknown_by_evidence
from emails.sending.lanes import next_lane_at
from emails.tracking.reclassify import next_classification_at
from execution.engine.tick import next_wake_at, run_tick
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from simulation.mail_server import ReceivedMessage
from simulation.reading import EndpointError
from simulation.trial_cast import Act, Action, draw, plan_acts
from simulation.trial_clock import TrialClock
from simulation.trial_endpoints import TrialEndpoints
from simulation.trial_faults import Fault
from simulation.trial_inboxes import Inboxes
from simulation.trial_population import Population
from simulation.trial_server import Arrival, TrialServer
from simulation.trial_truth import Fact, Person, Receipt, Truth

STEP = timedelta(seconds=30)
WATCHFUL_STEP = timedelta(seconds=10)
# Deciding has a timer of its own, as in the executor; the lanes and inboxes have the coarser one above.
DECIDING_STEP = timedelta(seconds=1)
# A follow-up waits when its inbox was not read for a quarter of an hour: inboxes of mailboxes about to send come first.
_READ_AHEAD = timedelta(minutes=14)
_DRAIN_DAYS = 45
_REPEATED_EVERY, _REPEATS = 3, 8
_MARK = re.compile(rb"\[\[([a-z0-9-]+)\]\]")
_LINK = re.compile(r"https?://\S+")
_LIVE = "SELECT EXISTS (SELECT 1 FROM sequences_enrollment WHERE status IN ('active', 'paused')) AS are_there"
_STALE = """
SELECT address FROM emails_mailbox
WHERE status = 'active' AND lane_at <= %(now)s AND (inbox_read_at IS NULL OR inbox_read_at < %(before)s)
"""


@dataclass(frozen=True, slots=True, order=True)
class _Plan:
    at: datetime
    number: int
    do: Callable[[datetime], None] = field(compare=False)


def _read_text(mime: Mime) -> str:
    """The subject and the text without addresses of links, which are made for each email."""
    part = mime.get_body(("plain",))
    return f"{mime['Subject']}\n{_LINK.sub('', part.get_content() if part is not None else '')}"


class TrialWorld:
    """Everything that a fault may reach for; `advance` runs the trial up to a moment."""

    def __init__(
        self,
        truth: Truth,
        population: Population,
        server: TrialServer,
        inboxes: Inboxes,
        clock: TrialClock,
        options: Options,
        *,
        seed: int,
        faults: frozenset[Fault],
    ) -> None:
        self.truth = truth
        self.population = population
        self.server = server
        self.inboxes = inboxes
        self.clock = clock
        self.seed = seed
        self.faults = faults
        self.turns = 0
        # How many dead workers are watched: the clock takes smaller steps while it is above 0.
        self.watched = 0
        # What the next slice of work meets, if anything: one worker's pending_fault.
        self.pending_fault: Callable[[Callable[[], object]], None] | None = None
        self._options = options
        self._endpoints = TrialEndpoints(inboxes)
        self._agenda: list[_Plan] = []
        self._numbers = itertools.count()
        self._emails: Counter[str] = Counter()
        self._unread: dict[str, list[tuple[Person, Action]]] = {}
        self._mailbox_ids = {address: mailbox.pk for address, mailbox in population.mailboxes.items()}

    def plan(self, at: datetime, do: Callable[[datetime], None]) -> None:
        heapq.heappush(self._agenda, _Plan(at, next(self._numbers), do))

    def advance(self, until: datetime, report: Callable[[datetime], None]) -> None:
        """Let everything happen that happens up to `until`."""
        while self.clock() < until:
            next_at = self._turn()
            report(self.clock())
            if next_at is None:
                break
            step = WATCHFUL_STEP if self.watched else STEP
            turn_at = min(max(next_at, self.clock() + step), until)
            self._decide_before(turn_at)
            self.clock.advance_to(turn_at)

    def drain(self, report: Callable[[datetime], None]) -> None:
        """Run until every enrollment has ended, without new faults."""
        until = self.clock() + timedelta(days=_DRAIN_DAYS)
        while self.clock() < until and fetch_all(_LIVE, {})[0]["are_there"]:
            self.advance(self.clock() + timedelta(days=1), report)

    def work(self, clock: Clock | None = None) -> None:
        """Decide and deliver until nothing is due; the inboxes are read in turns of their own.

        `clock`: that of the worker's host, where it is not the trial's.
        """
        run_until_idle(self._options, clock or self.clock, {Stage.DECIDE, Stage.DELIVER})

    def _decide_before(self, turn_at: datetime) -> None:
        """Decide what comes due before the next turn, unless a pending_fault waits for the work."""
        while self.pending_fault is None and (due_at := next_wake_at()) is not None:
            decide_at = max(due_at, self.clock() + DECIDING_STEP)
            if decide_at >= turn_at:
                break
            self.clock.advance_to(decide_at)
            while run_tick(decide_at, self._options.batch_size, self._options.policy).is_full:
                pass

    def record_arrivals(self, *, in_flight: Collection[str] = (), since: datetime | None = None) -> None:
        """Take what the server has got into the record. `in_flight`: Message-IDs that their sender had in hand when it
        was stopped, at `since`.
        """
        for arrival in self.server.take_arrivals():
            message_id = arrival.message.message_id
            self._receive(arrival, message_id, since if message_id in in_flight else None)

    def _turn(self) -> datetime | None:
        self.turns += 1
        self._act()
        self._read_inboxes()
        if self.pending_fault is not None and self._is_anything_due():
            strike, self.pending_fault = self.pending_fault, None
            strike(self.work)
            self.record_arrivals()
        self.work()
        self.record_arrivals()
        moments = [at for at in (next_wake_at(), next_lane_at(), next_classification_at()) if at is not None]
        moments += [plan.at for plan in self._agenda[:1]]
        return min(moments, default=None)

    def _is_anything_due(self) -> bool:
        now = self.clock()
        return any(at is not None and at <= now for at in (next_wake_at(), next_lane_at()))

    def _act(self) -> None:
        while self._agenda and self._agenda[0].at <= self.clock():
            plan = heapq.heappop(self._agenda)
            try:
                plan.do(self.clock())
            except EndpointError as error:
                self.truth.troubles.append(str(error))

    def _receive(self, arrival: Arrival, message_id: str, in_flight_since: datetime | None) -> None:
        message = arrival.message
        mark = _MARK.search(message.data)
        address = message.recipients[0].lower()
        self.truth.receipts.append(
            Receipt(
                order=arrival.order,
                at=in_flight_since or arrival.at,
                sender=message.sender.lower(),
                recipient=address,
                step=mark[1].decode() if mark else "",
                message_id=message_id,
                text=_read_text(message.parsed),
                was_in_flight=in_flight_since is not None,
            )
        )
        if draw(self.seed, "keeps sent", message.sender, below=2):
            self.inboxes[message.sender].sent.add(message_id)
        person = self.truth.people.get(address)
        if person is None:
            return
        self._emails[address] += 1
        for act in plan_acts(self.seed, person.persona, address, self._emails[address]):
            self._plan_act(arrival.at, act, message, person)

    def _plan_act(self, at: datetime, act: Act, message: ReceivedMessage, person: Person) -> None:
        self.plan(at + act.after, lambda now: self._do(act.action, message.parsed, person, now))

    def _do(self, action: Action, mime: Mime, person: Person, now: datetime) -> None:
        if (
            action is Action.UNSUBSCRIBE
            and Fault.REPEATS in self.faults
            and not draw(self.seed, "repeats", person.address, below=_REPEATED_EVERY)
        ):
            self._act_concurrently(self.work, action, mime, person, times=_REPEATS)
        elif action is Action.UNSUBSCRIBE and Fault.LATE_FACTS in self.faults and self.pending_fault is None:
            self.pending_fault = lambda work: self._act_concurrently(work, action, mime, person)
        elif self._endpoints.act(action, mime, person.address, person.mailbox, now):
            if Fault.DUPLICATES in self.faults and not draw(self.seed, "twice", person.address, action, below=20):
                mails = self.inboxes[person.mailbox].mails
                mails.append(mails[-1])
            self._unread.setdefault(person.mailbox, []).append((person, action))
        else:
            self.note(person, action)

    def _act_concurrently(
        self, work: Callable[[], object], action: Action, mime: Mime, person: Person, *, times: int = 1
    ) -> None:
        """While the engine works, so often at once; known for certain when all are done."""

        def do() -> None:
            self._endpoints.act(action, mime, person.address, person.mailbox, self.clock())

        self.run_beside(work, *[do] * times)
        self.note(person, action)

    def run_beside(self, work: Callable[[], object], *actions: Callable[[], object]) -> None:
        """Let the engine work while each of the actions is done in a thread of its own."""

        def do(action: Callable[[], object]) -> None:
            try:
                action()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(actions)) as pool:
            doing = [pool.submit(do, action) for action in actions]
            work()
            for each in doing:
                each.result()
        self.record_arrivals()

    def note(self, person: Person, action: Action) -> None:
        """The product knows it now."""
        self.truth.facts.append(Fact(self.truth.next_order(), self.clock(), person.address, action))

    def _read_inboxes(self) -> None:
        """Have the inboxes read in which there is something, and those of the lanes that may send."""
        now = self.clock()
        stale = fetch_all(_STALE, {"now": now, "before": now - _READ_AHEAD})
        addresses = sorted({row["address"] for row in stale} | set(self._unread))
        if not addresses:
            return
        for address in addresses:
            # one by one stays in this thread and on its connection
            poll_due_inboxes(now, [self._mailbox_ids[address]])
        resolve_unknown_by_evidence(now)
        for address in addresses:
            if not self.inboxes[address].is_down:
                for person, action in self._unread.pop(address, ()):
                    self.note(person, action)
