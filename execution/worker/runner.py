"""The executor as a running process, for the command and the job alike. Holds threads, timers and the clock, no state.

Threads of one process, by stage:

- `_decide`: runs ticks until none is due, then waits for the next due time, a notification or the poll.
- three pools (`execution.worker.pools`): each thread serves one lane, inbox or webhook at a time. `_time_lanes`,
  `_time_inboxes` and `_queue_webhooks` wake them when something is due.
- `_watch_inboxes`: watches some inboxes by IMAP IDLE. `_import_contacts`: carries out stored imports of contacts.
- `_auto_enroll`: runs the auto-enrollment rules that are due, and keeps forecasts. `check_domains`: asks DNS.
- `_listen`: PostgreSQL's NOTIFY wakes deciding and sending.
- `_maintain`: heartbeat, what time alone brings about (`execution.worker.upkeep`), retention.
- `_notify_users`: alerts and notices of replies, which wait for a mail server of the operator.
- `renewing`: extends the leases, in a thread that does nothing else.

A thread that creates work for another one wakes it.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime

from django.db import connection

from common.clocks import is_right
from common.database_errors import DATABASE_ERRORS, is_temporary
from common.db import release_connection
from common.dispatcher import Dispatcher
from emails.inbound import poll_due_inboxes, resolve_unknown_by_evidence
from emails.inbound.idle import Watcher
from emails.inbound.inbox_jobs import prepare_inboxes
from emails.sending.delivery import Clock, HeldLeases, deliver_lane
from emails.sending.lanes import next_lane_at
from emails.sending.under_way import UNDER_WAY
from execution import heartbeat
from execution.control.auto_enroll import run_next_rule
from execution.engine.tick import next_wake_at, run_tick
from execution.insight.alerts import reconcile_alerts
from execution.insight.forecast_accuracy import keep_next_forecast
from execution.insight.reply_notices import notify_owners
from execution.maintenance.retention import purge_round
from execution.maintenance.stop_variants import stop_harmful_variants
from execution.webhooks_out.round import deliver_webhooks, queue_webhooks
from execution.worker.domains import check_all_domains, check_domains
from execution.worker.garbage import freeze_loaded_objects
from execution.worker.gate import Gate
from execution.worker.imports import carry_out_imports, import_all
from execution.worker.listener import Listener
from execution.worker.options import Options, Stage
from execution.worker.outage import Outage
from execution.worker.pools import make_inbox_pool, make_lane_pool, make_webhook_pool
from execution.worker.renewal import renewing
from execution.worker.turns import LoopTurns
from execution.worker.upkeep import keep_up

log = logging.getLogger(__name__)

_MAINTENANCE_SECONDS = 5.0
_ALERTS_EVERY_ROUNDS = 3
_RETENTION_EVERY_ROUNDS = 12
_VARIANTS_EVERY_ROUNDS = 60
_AFTER_ERROR_SECONDS = 2.0
_WATCH_SECONDS = 10.0
_WEBHOOK_SECONDS = 3.0
_LISTEN_SECONDS = 1.0
_STOP_SECONDS = 8.0
_BREAK_OFF_SECONDS = 3.0
_SHORTEST_WAIT_SECONDS = 0.05
_BUSY_SECONDS = 0.2


class Runner:
    """Start with `run`, end with `stop` from any thread, or with `ask_to_stop` from a signal handler."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.id = uuid.uuid4()
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.gate = Gate(self.id, self.name, options.kind, clock)
        self.leases = HeldLeases()
        self.outage = Outage()
        self.decided = 0
        self.delivered = 0
        self._stop = threading.Event()
        self._is_asked_to_stop = False
        self._decide_wake = threading.Event()
        self._lanes_changed = threading.Event()
        self._inbox_wake = threading.Event()
        self._last_processed_at: datetime | None = None
        self._turns = LoopTurns(clock)
        self._lanes = make_lane_pool(
            clock,
            self.name,
            self.leases,
            options.lane_threads,
            is_stopping=self._stop.is_set,
            on_served=self._note_served,
            on_error=self._handle_error,
            workspace_id=options.workspace_id,
        )
        self._inboxes = make_inbox_pool(
            clock, workspace_id=options.workspace_id, on_facts=self._note_facts, on_error=self._handle_error
        )
        self._webhooks = make_webhook_pool(clock, on_error=self._handle_error)

    @property
    def _pools(self) -> dict[str, Dispatcher]:
        """Those of this stage, by the name of their loop."""
        stage = self.options.stage
        pools = {}
        if stage in {Stage.ALL, Stage.DELIVER}:
            pools["deliver"] = self._lanes
        if stage in {Stage.ALL, Stage.INBOUND}:
            pools["read inboxes"] = self._inboxes
        if stage is Stage.ALL:
            pools["post webhooks"] = self._webhooks
        return pools

    def stop(self) -> None:
        self._stop.set()
        self._decide_wake.set()
        for pool in self._pools.values():
            pool.stop()
        self._lanes_changed.set()
        self._inbox_wake.set()

    def ask_to_stop(self) -> None:
        """For signal handlers: they run in the middle of anything, so they must not touch a lock that it may hold."""
        self._is_asked_to_stop = True

    def run(self, until: datetime | None = None) -> None:
        """Work until stopped, or until the clock passes `until`; leaves within ten seconds.

        Once stopped it waits for outstanding answers of servers; past `until` their threads go on without it.
        """
        freeze_loaded_objects()
        self.gate.start()
        threads = [threading.Thread(target=self._guard, args=(loop,), daemon=True) for loop in self._loops()]
        with renewing(self.leases, self.clock):
            self._run_threads(threads, until)
        with suppress(*DATABASE_ERRORS):
            heartbeat.stop(self.id, self.clock(), self.decided, self.delivered, self._last_processed_at)
        connection.close()

    def _run_threads(self, threads: list[threading.Thread], until: datetime | None) -> None:
        for thread in threads:
            thread.start()
        while not self._stop.is_set():
            if self._is_asked_to_stop or (until is not None and self.clock() >= until):
                self.stop()
            self._stop.wait(0.2)
        has_come_to_end = until is not None and not self._is_asked_to_stop
        if not has_come_to_end:
            UNDER_WAY.break_off_after(_BREAK_OFF_SECONDS)
        deadline = time.monotonic() + _STOP_SECONDS
        for pool in self._pools.values():
            pool.join(deadline - time.monotonic())
        for thread in threads:
            thread.join(timeout=max(deadline - time.monotonic(), 0))
        if not has_come_to_end or self._is_asked_to_stop:
            UNDER_WAY.finish(self.options.stop_wait_seconds)

    def wake_lanes(self) -> None:
        """Let one idle thread take a lane, where this stage delivers; the one that does wakes the next."""
        if "deliver" in self._pools:
            self._lanes.wake()
            self._lanes_changed.set()

    def _loops(self) -> list[Callable[[], None]]:
        stage = self.options.stage
        loops = [self._maintain, self._listen, self._notify_users]
        if stage in {Stage.ALL, Stage.DECIDE}:
            loops.append(self._decide)
        if stage in {Stage.ALL, Stage.DELIVER}:
            loops += [self._time_lanes, lambda: check_domains(self.clock, self._stop, self._turns)]
        if stage is Stage.ALL:
            loops += [self._queue_webhooks, self._import_contacts, self._auto_enroll]
        if stage in {Stage.ALL, Stage.INBOUND}:
            loops.append(self._time_inboxes)
            if self.options.watched_inboxes:
                loops.append(self._watch_inboxes)
        return loops

    def _guard(self, loop: Callable[[], None]) -> None:
        """Keep a loop alive: after a lost database or an error in the program it starts again."""
        try:
            while not self._stop.is_set():
                try:
                    self.outage.check_end()
                    loop()
                except Exception as error:
                    self._handle_error(error)
        finally:
            connection.close()

    def _handle_error(self, error: Exception) -> None:
        """Of a loop or of a pool's thread, which goes on after a pause."""
        if is_temporary(error):
            connection.close()
            self.outage.report(error)
        else:
            log.error("an error in the program stopped a loop of the executor, starting it again", exc_info=error)
        connection.close()
        self._stop.wait(_AFTER_ERROR_SECONDS)

    def _decide(self) -> None:
        options = self.options
        while not self._stop.is_set():
            self._decide_wake.clear()
            if not is_right(self.clock):
                self._turns.wait(self._decide_wake, _AFTER_ERROR_SECONDS, "decide")
                continue
            limit = options.batch_size
            if options.limit is not None:
                limit = min(limit, options.limit - self.decided)
            self._turns.note("decide")
            tick = run_tick(self.clock(), limit, options.policy, options.workspace_id)
            if tick.claimed:
                self.decided += tick.claimed
                self._last_processed_at = self.clock()
                self.wake_lanes()
            if options.limit is not None and self.decided >= options.limit:
                self.stop()
            elif not tick.is_full:
                seconds = self._seconds_until(next_wake_at(self.options.workspace_id))
                release_connection()
                self._turns.wait(self._decide_wake, seconds, "decide")

    def _note_served(self, sent_count: int) -> None:
        if sent_count:
            self.delivered += sent_count
            self._last_processed_at = self.clock()
            self._decide_wake.set()
        self._lanes_changed.set()

    def _note_facts(self, count: int) -> None:
        if count:
            self._decide_wake.set()
            self.wake_lanes()

    def _time_lanes(self) -> None:
        """Wake a lane thread when the next lane may send, so that not each of them queries for it."""
        while not self._stop.is_set():
            self._lanes_changed.clear()
            seconds = self._seconds_until(next_lane_at(self.options.workspace_id))
            release_connection()
            if seconds <= _SHORTEST_WAIT_SECONDS:
                seconds = _BUSY_SECONDS
            if not self._turns.wait(self._lanes_changed, seconds, "time lanes"):
                self._lanes.wake()

    def _seconds_until(self, at: datetime | None) -> float:
        """At most the poll interval, which finds what no notification announced."""
        if at is None:
            return self.options.poll_seconds
        seconds = (at - self.clock()).total_seconds()
        return min(max(seconds, _SHORTEST_WAIT_SECONDS), self.options.poll_seconds)

    def _listen(self) -> None:
        with Listener() as listener:
            while not self._stop.is_set():
                self._turns.note("listen")
                if listener.wait(_LISTEN_SECONDS):
                    self._decide_wake.set()
                    self.wake_lanes()

    def _maintain(self) -> None:
        rounds = 0
        while not self._stop.is_set():
            if self.gate.beat(self.decided, self.delivered, self._last_processed_at, self._turns.read(self._pools)):
                self._decide_wake.set()
                self.wake_lanes()
            now = self.clock()
            if keep_up(now):
                self._decide_wake.set()
            if rounds % _RETENTION_EVERY_ROUNDS == 1:
                purge_round(now)
            if rounds % _VARIANTS_EVERY_ROUNDS == 2:
                stop_harmful_variants(now)
            rounds += 1
            release_connection()
            self._stop.wait(_MAINTENANCE_SECONDS)

    def _notify_users(self) -> None:
        rounds = 0
        while not self._stop.is_set():
            self._turns.note("notify")
            if rounds % _ALERTS_EVERY_ROUNDS == 0:
                reconcile_alerts(self.clock())
            if self.options.stage in {Stage.ALL, Stage.INBOUND}:
                notify_owners(self.clock())
            rounds += 1
            release_connection()
            self._stop.wait(_MAINTENANCE_SECONDS)

    def _import_contacts(self) -> None:
        carry_out_imports(self.clock, self.options.workspace_id, self._stop, self._turns, self._decide_wake.set)

    def _auto_enroll(self) -> None:
        while not self._stop.is_set():
            self._turns.note("auto-enroll")
            enrolled = run_next_rule(self.clock(), self.options.workspace_id) if is_right(self.clock) else None
            if enrolled:
                self._decide_wake.set()
            release_connection()
            if enrolled is None and not (is_right(self.clock) and keep_next_forecast(self.clock())):
                self._stop.wait(_MAINTENANCE_SECONDS)

    def _queue_webhooks(self) -> None:
        while not self._stop.is_set():
            self._turns.note("queue webhooks")
            new = queue_webhooks(self.clock())
            self._webhooks.wake()
            release_connection()
            self._stop.wait(_BUSY_SECONDS if new else _WEBHOOK_SECONDS)

    def _time_inboxes(self) -> None:
        while not self._stop.is_set():
            self._inbox_wake.clear()
            self._turns.note("time inboxes")
            prepare_inboxes(self.clock())
            self._inboxes.wake()
            release_connection()
            self._inbox_wake.wait(_MAINTENANCE_SECONDS)

    def _watch_inboxes(self) -> None:
        options = self.options
        watcher = Watcher(self.clock, options.watched_inboxes, self._inbox_wake.set, options.workspace_id)
        try:
            while not self._stop.is_set():
                self._turns.note("watch inboxes")
                watcher.take_on()
                release_connection()
                self._stop.wait(_WATCH_SECONDS)
        finally:
            watcher.stop(_STOP_SECONDS / 2)


def run_until_idle(options: Options, clock: Clock, stages: Collection[Stage] = ()) -> tuple[int, int]:
    """Decide and deliver until nothing is due now. Returns (decided, sent).

    `stages`: these in place of the options' own.
    """
    leases = HeldLeases()
    with renewing(leases, clock):
        return _work_until_idle(options, clock, leases, frozenset(stages or {options.stage}))


def _work_until_idle(options: Options, clock: Clock, leases: HeldLeases, stages: frozenset[Stage]) -> tuple[int, int]:
    decided = delivered = 0
    worker = f"{socket.gethostname()}:{os.getpid()}"
    if Stage.ALL in stages:
        import_all(clock, options.workspace_id)
        while run_next_rule(clock(), options.workspace_id) is not None:
            pass
    keep_up(clock())
    if stages & {Stage.ALL, Stage.INBOUND}:
        poll_due_inboxes(clock(), workspace_id=options.workspace_id)
        resolve_unknown_by_evidence(clock())
        notify_owners(clock())
    while True:
        check_all_domains(clock, stages)
        before = decided
        has_served = False
        while stages & {Stage.ALL, Stage.DECIDE} and (options.limit is None or decided < options.limit):
            limit = options.batch_size if options.limit is None else min(options.batch_size, options.limit - decided)
            tick = run_tick(clock(), limit, options.policy, options.workspace_id)
            decided += tick.claimed
            if not tick.is_full:
                break
        while stages & {Stage.ALL, Stage.DELIVER}:
            sent_count = deliver_lane(clock, worker, leases, workspace_id=options.workspace_id)
            if sent_count is None:
                break
            delivered += sent_count
            # a lane that sent nothing may have withheld a message, which makes its enrollment due
            has_served = True
        if decided == before and not has_served:
            while Stage.ALL in stages and deliver_webhooks(clock()):
                pass
            return decided, delivered
