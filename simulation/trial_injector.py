"""The faults of a trial at the moments of its schedule, and the users who repair them."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from common.db import fetch_all
from emails.choices import MailboxStatus, MessageStatus
from emails.models import EmailMessage, Mailbox
from execution.control import enrollments as controls
from execution.control import switches, tasks
from execution.control.edit import EditOptions, edit_sequence
from sequences.authoring.queries import load_draft
from sequences.choices import EnrollmentStatus, SequenceStatus
from sequences.models import Enrollment, Sequence
from simulation import trial_workers
from simulation.crash_points import POINTS, impatient
from simulation.mail_script import Moment
from simulation.trial_bulkheads import (
    post_beside_slow_receivers,
    read_beside_slow_inboxes,
    send_beside_slow_servers,
)
from simulation.trial_clock import leaping_clock
from simulation.trial_faults import FREEZABLE, READ_ONLY_AT, REFUSABLE, SQLSTATES, Fault, Strike
from simulation.trial_population import FLEETING, REMOVABLE, enroll_again, import_and_enroll
from simulation.trial_truth import Crash, PauseSpan, Person
from simulation.trial_world import TrialWorld
from tasks_app.choices import TaskStatus
from tasks_app.models import Task

ACTOR = "trial"
_FROZEN = timedelta(seconds=100)
_OUTAGE = timedelta(hours=1)
_LEAP = timedelta(hours=1)
_OWNER_LOOKS_AFTER = timedelta(minutes=50)
_ROUND = timedelta(minutes=30)
_ENROLLED_AGAIN_EVERY = timedelta(hours=17)
_LONGEST_WATCH = timedelta(minutes=30)
_WATCHED_EVERY = timedelta(seconds=5)
_PATIENCE_SECONDS = 0.3
_READ_ONLY_SECONDS = 1.0
_SILENT_AT = (Moment.CONNECT, Moment.LOGIN, Moment.MAIL, Moment.RCPT, Moment.DATA, Moment.DOT)
_LEFT_BEHIND = """
SELECT (SELECT count(*) FROM sequences_enrollment
        WHERE id = ANY(%(due)s::bigint[]) AND wake_at <= %(at)s) +
       (SELECT count(*) FROM emails_mailbox WHERE lease_token = ANY(%(tokens)s::uuid[])
            AND NOT (leased_until <= %(now)s AND lane_at > %(now)s)) +
       (SELECT count(*) FROM emails_emailmessage WHERE status = 'sending' AND lease_token = ANY(%(tokens)s::uuid[]))
       AS number
"""
_HELD = """
SELECT ARRAY(SELECT id FROM sequences_enrollment WHERE wake_at <= %(at)s ORDER BY wake_at LIMIT 1000) AS due,
       ARRAY(SELECT lease_token FROM emails_mailbox WHERE leased_until > %(at)s) AS tokens
"""
_IN_HAND = "SELECT message_id FROM emails_emailmessage WHERE status = 'sending'"


class FaultInjector:
    """Puts the strikes on the world's agenda, and the rounds of the people who look after things."""

    def __init__(self, world: TrialWorld) -> None:
        self._world = world
        self._truth = world.truth
        self._looked_after: set[int] = set()
        self._newcomers: list[list[Person]] = []

    def plan(self, strikes: list[Strike]) -> None:
        arrivals = sum(strike.fault is Fault.NEWCOMERS for strike in strikes)
        newcomers = self._world.population.newcomers
        self._newcomers = [newcomers[start::arrivals] for start in range(arrivals)]
        for strike in strikes:
            self._world.plan(strike.at, lambda now, strike=strike: self._strike(strike, now))  # type: ignore[misc]
        self._world.plan(self._world.clock() + _ROUND, self._go_round)
        self._world.plan(self._world.clock() + _ENROLLED_AGAIN_EVERY, self._enroll_again)

    def _strike(self, strike: Strike, now: datetime) -> None:
        dice = random.Random(strike.chance)
        points = list(POINTS)
        world = self._world
        match strike.fault:
            case Fault.KILL:
                point, nth = dice.choice(points), dice.choice((1, 1, 1, 2, 5))
                world.pending_fault = lambda work: self._kill(work, point, nth)
            case Fault.FREEZE:
                point = dice.choice(FREEZABLE)
                world.pending_fault = lambda work: self._freeze(work, point)
            case Fault.TWO_ENGINES:
                world.pending_fault = lambda work: trial_workers.run_side_by_side(work, 2)
            case Fault.CONNECTION:
                point, nth = dice.choice(points), dice.choice((1, 1, 2))
                world.pending_fault = lambda work: self._cut_off(work, point, nth)
            case Fault.DATABASE_ERRORS:
                point, sqlstate = dice.choice(REFUSABLE), dice.choice(SQLSTATES)
                world.pending_fault = lambda work: self._refuse(work, point, sqlstate)
            case Fault.READ_ONLY:
                point = dice.choice(READ_ONLY_AT)
                world.pending_fault = lambda work: self._turn_read_only(work, point)
            case Fault.SLOW_DOT:
                world.pending_fault = self._meet_slow_dot
            case Fault.CLOCK_LEAP:
                after, leap = dice.randrange(60), dice.choice((_LEAP, -_LEAP))
                world.pending_fault = lambda _: world.work(leaping_clock(world.clock, after, leap))
            case Fault.NEWCOMERS:
                self._let_in(self._newcomers.pop(), now)
            case Fault.OUTAGE:
                outage = world.server.go_down()
                world.plan(now + _OUTAGE, lambda _: world.server.come_back(outage))
            case Fault.LOGIN:
                world.server.lock_out(self._pick_mailbox(dice).address)
            case Fault.SILENCE:
                moment = dice.choice(_SILENT_AT)
                world.pending_fault = lambda work: self._meet_silence(work, moment)
            case Fault.CERTIFICATE:
                address = self._pick_mailbox(dice).address
                world.server.let_expire(address)
                world.plan(now + _OUTAGE, lambda _: world.server.renew(address))
            case Fault.INBOX_DOWN:
                self._close_inboxes(dice, now)
            case Fault.RENUMBER:
                world.inboxes[self._pick_mailbox(dice).address].renumber()
            case Fault.ARCHIVE:
                self._archive(dice, now)
            case Fault.REMOVED_STEPS:
                self._remove_step(dice, now)
            case Fault.SLOW_SERVERS:
                self._truth.episodes.append(send_beside_slow_servers(world.clock))
            case Fault.SLOW_INBOXES:
                self._truth.episodes.append(read_beside_slow_inboxes(world.clock, world.inboxes))
            case Fault.SLOW_HOOKS:
                self._truth.episodes.append(post_beside_slow_receivers(world.clock))
            case Fault.PAUSES if dice.random() < 0.5:
                world.run_beside(world.work, lambda: self._pause(dice, now))
            case Fault.PAUSES:
                self._pause(dice, now)

    def _kill(self, work: Callable[[], object], point: str, nth: int) -> None:
        if trial_workers.run_killed(work, point, nth).is_killed:
            self._watch(point)

    def _cut_off(self, work: Callable[[], object], point: str, nth: int) -> None:
        trial_workers.run_cut_off(work, point, nth)
        self._watch(f"{point}, connection lost")

    def _refuse(self, work: Callable[[], object], point: str, sqlstate: str) -> None:
        trial_workers.run_refused(work, point, 1, sqlstate)

    def _meet_silence(self, work: Callable[[], object], moment: Moment) -> None:
        with self._world.server.silent(moment), impatient(_PATIENCE_SECONDS):
            work()

    def _turn_read_only(self, work: Callable[[], object], point: str) -> None:
        trial_workers.run_read_only(work, point, _READ_ONLY_SECONDS)
        self._watch(f"{point}, read-only")

    def _meet_slow_dot(self, work: Callable[[], object]) -> None:
        with self._world.server.slow(Moment.DOT, 2 * _PATIENCE_SECONDS), impatient(_PATIENCE_SECONDS, but_for_dot=True):
            work()

    def _let_in(self, people: list[Person], now: datetime) -> None:
        """Two colleagues import and enroll the same people while the engine works."""
        world = self._world
        world.run_beside(world.work, *[lambda: import_and_enroll(world.population, people, now)] * 2)

    def _freeze(self, work: Callable[[], object], point: str) -> None:
        ending = trial_workers.run_frozen(work, point)
        self._world.record_arrivals()
        if ending.is_stopped:
            stopped_at = self._world.clock()
            in_hand = frozenset(row["message_id"] for row in fetch_all(_IN_HAND, {}))
            self._world.plan(stopped_at + _FROZEN, lambda _: self._thaw(ending.pid, in_hand, stopped_at))

    def _thaw(self, pid: int, in_hand: frozenset[str], stopped_at: datetime) -> None:
        """It goes on with what it had in hand, and then with whatever is due by now."""
        self._world.record_arrivals()
        trial_workers.thaw(pid)
        self._world.record_arrivals(in_flight=in_hand, since=stopped_at)

    def _watch(self, point: str) -> None:
        """See how long what the dead worker held, or left due, stays untouched."""
        at = self._world.clock()
        crash = Crash(at, point)
        self._truth.crashes.append(crash)
        held = fetch_all(_HELD, {"at": at})[0]

        def look(now: datetime) -> None:
            left = fetch_all(_LEFT_BEHIND, {**held, "at": at, "now": now})[0]["number"]
            if left and now - at < _LONGEST_WATCH:
                self._world.plan(now + _WATCHED_EVERY, look)
                return
            self._world.watched -= 1
            if not left:
                crash.resumed_after = (now - at).total_seconds()

        self._world.watched += 1
        # the first check comes after the turn of the next worker, which follows at once
        self._world.plan(at + _WATCHED_EVERY, look)

    def _pick_mailbox(self, dice: random.Random) -> Mailbox:
        return self._world.population.mailboxes[dice.choice(sorted(self._world.population.mailboxes))]

    def _close_inboxes(self, dice: random.Random, now: datetime) -> None:
        world = self._world
        closed = [world.inboxes[address] for address in sorted(world.population.mailboxes) if dice.random() < 0.2]
        for inbox in closed:
            inbox.is_down = True

        def reopen(_: datetime) -> None:
            for inbox in closed:
                inbox.is_down = False

        world.plan(now + 2 * _OUTAGE, reopen)

    def _pause(self, dice: random.Random, now: datetime) -> None:
        """A user pauses something and resumes it later."""
        match dice.randrange(4):
            case 0:
                if switches.pause_executor(actor=ACTOR, now=now, reason="trial"):
                    self._hold("executor", frozenset(self._truth.people), now + _OUTAGE / 2, self._resume_executor)
            case 1:
                sequence = dice.choice(list(self._world.population.sequences.values()))
                if sequence.status == SequenceStatus.ACTIVE:
                    switches.pause_sequence(sequence, actor=ACTOR, now=now, reason="trial")
                    place = (sequence.workspace.slug, sequence.name)
                    people = self._people(lambda p: (p.workspace, p.sequence) == place)
                    self._hold("sequence", people, now + _OUTAGE, lambda at: self._resume_sequence(sequence, at))
            case 2:
                mailbox = Mailbox.objects.get(pk=self._pick_mailbox(dice).pk)
                if switches.pause_mailbox(mailbox, actor=ACTOR, now=now, reason="trial"):
                    people = self._people(lambda p: p.mailbox == mailbox.address)
                    self._hold(
                        "mailbox",
                        people,
                        now + 2 * _OUTAGE,
                        lambda at: switches.resume_mailbox(mailbox, actor=ACTOR, now=at),
                    )
            case _:
                active = Enrollment.objects.filter(status=EnrollmentStatus.ACTIVE.value).order_by("pk")
                chosen = {e.contact.email: e.pk for e in active.select_related("contact")[dice.randrange(20) :: 50]}
                report = controls.pause_enrollments(list(chosen.values()), actor=ACTOR, now=now, reason="trial")
                people = frozenset(email for email, pk in chosen.items() if pk in report.changed)
                ids = list(report.changed)
                self._hold(
                    "enrollment",
                    people,
                    now + timedelta(hours=20),
                    lambda at: controls.resume_enrollments(ids, actor=ACTOR, now=at),
                )

    def _archive(self, dice: random.Random, now: datetime) -> None:
        """For good: nothing may be sent to its contacts from now on."""
        population, truth = self._world.population, self._truth
        left = sorted(place for place in population.sequences if place[1] == FLEETING and place not in truth.archived)
        if left:
            place = dice.choice(left)
            switches.archive_sequence(population.sequences[place], actor=ACTOR, now=now, reason="trial")
            truth.archived.add(place)
            people = self._people(lambda p: (p.workspace, p.sequence) == place)
            truth.holds.append(PauseSpan("archived sequence", people, truth.next_order(), now))

    def _remove_step(self, dice: random.Random, now: datetime) -> None:
        """Enrollments that have not sent it go on to the next step."""
        sequences, truth = self._world.population.sequences, self._truth
        left = sorted(place for place in sequences if place[1] in REMOVABLE and place not in truth.removed)
        if left:
            place = dice.choice(left)
            mark, draft = REMOVABLE[place[1]], load_draft(sequences[place])
            steps = tuple(step for step in draft.steps if f"[[{mark}]]" not in step.body)
            edit_sequence(sequences[place], replace(draft, steps=steps), EditOptions(), actor=ACTOR, now=now)
            truth.removed[place] = mark, truth.next_order()

    def _people(self, fits: Callable[..., bool]) -> frozenset[str]:
        return frozenset(address for address, person in self._truth.people.items() if fits(person))

    def _hold(
        self, what: str, addresses: frozenset[str], until: datetime, release: Callable[[datetime], object]
    ) -> None:
        hold = PauseSpan(what, addresses, self._truth.next_order(), self._world.clock())
        self._truth.holds.append(hold)

        def end(now: datetime) -> None:
            hold.end_order, hold.end_at = self._truth.next_order(), now
            release(now)

        self._world.plan(until, end)

    def _resume_executor(self, now: datetime) -> None:
        switches.resume_executor(actor=ACTOR, now=now)

    def _resume_sequence(self, sequence: Sequence, now: datetime) -> None:
        if (sequence.workspace.slug, sequence.name) not in self._truth.archived:
            switches.resume_sequence(sequence, actor=ACTOR, now=now)

    # --- the people who look after things

    def _go_round(self, now: datetime) -> None:
        self._finish_tasks(now)
        self._look_at_mailboxes(now)
        self._resolve_unknown_outcomes(now)
        self._world.plan(now + _ROUND, self._go_round)

    def _enroll_again(self, now: datetime) -> None:
        enroll_again(self._truth, self._world.population, now)
        self._world.plan(now + _ENROLLED_AGAIN_EVERY, self._enroll_again)

    def _finish_tasks(self, now: datetime) -> None:
        """What is two hours old is done."""
        due = Task.objects.filter(status=TaskStatus.OPEN.value, created_at__lte=now - timedelta(hours=2))
        tasks.complete_tasks(list(due.order_by("pk").values_list("pk", flat=True)), actor=ACTOR, now=now, outcome="ok")

    def _look_at_mailboxes(self, now: datetime) -> None:
        stopped = Mailbox.objects.exclude(status=MailboxStatus.ACTIVE.value).exclude(status_actor=ACTOR)
        for mailbox in stopped.exclude(pk__in=self._looked_after):
            self._looked_after.add(mailbox.pk)
            self._world.plan(now + _OWNER_LOOKS_AFTER, lambda at, mailbox=mailbox: self._repair(mailbox, at))  # type: ignore[misc]

    def _repair(self, mailbox: Mailbox, now: datetime) -> None:
        self._looked_after.discard(mailbox.pk)
        self._world.server.unlock(mailbox.address)
        mailbox.refresh_from_db()
        if mailbox.status_actor != ACTOR:
            switches.resume_mailbox(mailbox, actor="owner", now=now)

    def _resolve_unknown_outcomes(self, now: datetime) -> None:
        """A person looks into the Sent folder and says for each message what is true."""
        arrived = {receipt.message_id for receipt in self._truth.receipts}
        uncertain = EmailMessage.objects.filter(
            status=MessageStatus.UNKNOWN.value, handed_over_at__lte=now - timedelta(hours=2)
        )
        for message in uncertain:
            answer: Literal["sent", "resend"] = "sent" if message.message_id in arrived else "resend"
            # what did not arrive and has no sequence to go on with stays as it is
            with suppress(switches.NotPossibleError):
                switches.resolve_message(message, answer, actor="owner", now=now)
