"""Sends the messages of a mailbox's lane. The only module through which emails of sequences leave.

One thread serves one lane, under its lease, until it has nothing to send now or others need the thread. For each chunk:

1. Transaction A (`emails.sending.final_check`): check everything under locks, mark the chunk as `sending`, commit.
2. No transaction: render from fresh data, recheck what the dialogue before delayed, send.
3. Transaction B (`emails.sending.results`): record the results under the lease's token, wake the enrollments, commit.

The caller gives the clock and any number of threads. Must not decide what a result means for an enrollment.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import connection, transaction

from common.clocks import is_right
from common.database_errors import DATABASE_ERRORS, is_temporary
from common.db import release_connection
from common.fair_share import UNLIMITED, Shares, Turn, Work
from emails.models import Mailbox
from emails.pacing.breaker import Breaker
from emails.rendering.compose import Composed, Uncomposed, compose
from emails.sending.final_check import chunk_limit, claim_chunk
from emails.sending.lanes import Lease, LeaseLostError, another_lane_waits, release_lane, take_lane
from emails.sending.late_results import record_late_results
from emails.sending.recheck import recheck
from emails.sending.results import LANE_ERRORS, Result, record_lane_failure, record_results
from emails.sending.under_way import UNDER_WAY
from emails.transport import open_transport
from emails.transport.send_result import BrokenOffError, Refused, SendResult, Transport, Unknown

log = logging.getLogger(__name__)

# An answer that is known is worth any wait: without it the outcome is unknown for good.
_RECORD_SECONDS = 3600
_RECORD_PAUSE_SECONDS = 0.5
_RECORD_LONGEST_PAUSE_SECONDS = 5.0
# A chunk is what the lane can send in a second at the speed of the one before; the rest goes back into the queue.
_UNCONFIRMED_SECONDS = 1.0
_CHUNK_SECONDS = 1.0
# How old the last check of a message may be when it is sent. With a distant server each message is checked again.
_CHECK_SECONDS = 0.01
# A turn, or a chunk of it, that takes longer is slow.
SLOW_SECONDS = 5.0
# After so long a lane gives its thread to one that waits; one that was slow does so after each chunk.
_TURN_SECONDS = 5.0

Clock = Callable[[], datetime]
_T = TypeVar("_T")


class HeldLeases:
    """The leases that this process holds, for the thread that renews them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: set[uuid.UUID] = set()

    def add(self, token: uuid.UUID) -> None:
        with self._lock:
            self._tokens.add(token)

    def discard(self, token: uuid.UUID) -> None:
        with self._lock:
            self._tokens.discard(token)

    def tokens(self) -> list[uuid.UUID]:
        with self._lock:
            return list(self._tokens)


@dataclass(frozen=True, slots=True)
class LaneJob:
    """A leased lane, for one thread of a `Dispatcher`. `on_served` gets the number of messages sent or tried."""

    lease: Lease
    leases: HeldLeases
    clock: Clock
    is_stopping: Callable[[], bool]
    on_served: Callable[[int], None]
    workspace_id: int | None = None

    @property
    def work(self) -> Work:
        return Work(self.lease.mailbox_id, self.lease.host, self.lease.workspace_id)

    def run(self, turn: Turn) -> None:
        self.on_served(_serve_leased(self, turn))

    def give_back(self) -> None:
        self.leases.discard(self.lease.token)
        release_lane(self.lease)


def claim_lane(
    clock: Clock,
    worker: str,
    leases: HeldLeases,
    shares: Shares,
    *,
    workspace_id: int | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
    on_served: Callable[[int], None] = lambda count: None,
) -> LaneJob | None:
    """Lease the lane that may start now by `shares`; None when there is none."""
    lease = take_lane(clock(), worker, workspace_id, shares) if is_right(clock) else None
    if lease is None:
        return None
    leases.add(lease.token)
    return LaneJob(lease, leases, clock, is_stopping, on_served, workspace_id)


def deliver_lane(
    clock: Clock,
    worker: str,
    leases: HeldLeases,
    *,
    workspace_id: int | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> int | None:
    """Serve the lane that has been ready longest until it has nothing to send now.

    Returns how many messages were sent or tried, whatever the result; None when no lane is ready.
    """
    job = claim_lane(clock, worker, leases, UNLIMITED, workspace_id=workspace_id, is_stopping=is_stopping)
    return None if job is None else _serve_leased(job, None)


@UNDER_WAY.serving()
def _serve_leased(job: LaneJob, turn: Turn | None) -> int:
    """Serve the lane and release it. Returns how many messages were sent or tried."""
    lease, clock = job.lease, job.clock
    try:
        return _serve(job, turn)
    except LeaseLostError as error:
        log.warning("%s", error)
        return 0
    except Exception as error:
        if is_temporary(error):
            raise
        # other lanes are not affected: this one is tried again with growing pauses, and raises an alert
        log.exception("an error in the program stopped the lane of mailbox %d", lease.mailbox_id)
        with transaction.atomic():
            record_lane_failure(
                lease, f"error in the program: {type(error).__name__}: {error}", clock(), random.random()
            )
        return 0
    finally:
        job.leases.discard(lease.token)
        with suppress(*DATABASE_ERRORS):
            # a lease that is not released expires by itself
            release_lane(lease, clock())


def _serve(job: LaneJob, turn: Turn | None) -> int:
    lease, clock = job.lease, job.clock
    mailbox = Mailbox.objects.get(pk=lease.mailbox_id)
    largest = chunk_limit(mailbox.gap_seconds, mailbox.jitter_seconds)
    tried, size, began = 0, 1, time.monotonic()
    with ExitStack() as stack:
        transports = [stack.enter_context(open_transport(mailbox)) for _ in range(max(mailbox.connections, 1))]
        UNDER_WAY.use(transports)
        while not job.is_stopping():
            with transaction.atomic():
                chunk = claim_chunk(lease, clock(), size)
            if not chunk.message_ids:
                break
            started = time.monotonic()
            results = _send_all(lease, chunk.message_ids, transports, clock)
            seconds = time.monotonic() - started
            breaker = _record(lease, results, chunk.breaker, clock)
            tried += sum(result.answer is not None for result in results)
            if any(isinstance(r.answer, Refused) and r.answer.error_class in LANE_ERRORS for r in results):
                break
            if breaker.failures:
                break
            is_more = chunk.again_at is not None and chunk.again_at <= clock()
            if not is_more and all(result.answer is not None for result in results):
                break
            if turn is not None and _must_yield(job, turn, began):
                break
            size = min(max(int(_UNCONFIRMED_SECONDS * len(results) / max(seconds, 0.001)), 1), largest)
    return tried


def _must_yield(job: LaneJob, turn: Turn, began: float) -> bool:
    now = time.monotonic()
    turn.progress(now)
    return turn.was_slow or (now - began > _TURN_SECONDS and another_lane_waits(job.workspace_id, job.clock()))


def _record(lease: Lease, results: Sequence[Result], breaker: Breaker, clock: Clock) -> Breaker:
    """Record the results, waiting for the database if need be, whatever its error: else the outcome stays unknown.

    Raises `LeaseLostError` when the lane was taken over; what is known is recorded all the same.
    """
    try:
        return _persist(lease, lambda: record_results(lease, results, breaker, clock(), random.random()))
    except LeaseLostError:
        _persist(lease, lambda: record_late_results(lease, results, clock()))
        raise


def _persist(lease: Lease, record: Callable[[], _T]) -> _T:
    deadline, pause, shown = time.monotonic() + _RECORD_SECONDS, _RECORD_PAUSE_SECONDS, ""
    while True:
        try:
            with transaction.atomic():
                return record()
        except DATABASE_ERRORS as error:
            if time.monotonic() > deadline:
                raise
            if str(error) != shown:
                log.warning("the results of mailbox %d wait for the database: %s", lease.mailbox_id, error)
            shown = str(error)
            connection.close()
        time.sleep(pause)
        pause = min(2 * pause, _RECORD_LONGEST_PAUSE_SECONDS)


def _send_all(lease: Lease, message_ids: Sequence[int], transports: Sequence[Transport], clock: Clock) -> list[Result]:
    checked_at = time.monotonic()
    try:
        composed = compose(message_ids, clock())
    except DATABASE_ERRORS as error:
        if not is_temporary(error):
            raise
        connection.close()
        # nothing was sent: they go back into the queue
        log.warning("a chunk was not rendered, the database is not available: %s", error)
        return [Result(message_id, None, clock()) for message_id in message_ids]
    results = [_unrendered(item, clock) for item in composed if isinstance(item, Uncomposed)]
    ready = [item for item in composed if isinstance(item, Composed)]
    if len(transports) == 1 or len(ready) == 1:
        return results + _send_by(lease, transports[0], ready, clock, checked_at)
    shares = [ready[index :: len(transports)] for index in range(len(transports))]
    with ThreadPoolExecutor(len(transports)) as pool:
        for share in pool.map(
            lambda transport, part: _send_share(lease, transport, part, clock, checked_at), transports, shares
        ):
            results += share
    return results


def _send_share(
    lease: Lease, transport: Transport, ready: Sequence[Composed], clock: Clock, checked_at: float
) -> list[Result]:
    try:
        return _send_by(lease, transport, ready, clock, checked_at)
    finally:
        connection.close()


def _send_by(
    lease: Lease, transport: Transport, ready: Sequence[Composed], clock: Clock, checked_at: float
) -> list[Result]:
    """Send one after the other. When the lane fails, or after `_CHUNK_SECONDS`, the rest goes back into the queue.

    `checked_at`: the monotonic time of the last check; one older than `_CHECK_SECONDS` is repeated before sending, for
    as many messages as will leave before it is too old again.
    """
    results: list[Result] = []
    ends_at = checked_at + _CHUNK_SECONDS
    sendable = {item.message_pk for item in ready}
    checked_to, sent_at = len(ready), checked_at
    is_over = is_announced = False
    for number, item in enumerate(ready):
        at = time.monotonic()
        # one that the server has been told of is waited for
        is_over = is_over or (at > ends_at and bool(results) and not is_announced)
        if not is_over and (number >= checked_to or at - checked_at >= _CHECK_SECONDS):
            checked_to = number + 1 + int(_CHECK_SECONDS / max(at - sent_at, 0.0001))
            sendable, checked_at = _recheck(lease, ready[number:checked_to], clock()), at
        sent_at = at
        if is_over or item.message_pk not in sendable:
            results.append(Result(item.message_pk, None, clock(), item))
            continue
        is_announced = number + 1 < len(ready) and at <= ends_at
        answer, trace = _send_one(transport, item, ready[number + 1] if is_announced else None)
        results.append(Result(item.message_pk, answer, clock(), item, trace))
        is_over = answer is None or (isinstance(answer, Refused) and answer.error_class in LANE_ERRORS)
    return results


def _recheck(lease: Lease, items: Sequence[Composed], now: datetime) -> set[int]:
    try:
        return recheck(lease.token, [item.message_pk for item in items], now)
    except DATABASE_ERRORS as error:
        if not is_temporary(error):
            raise
        connection.close()
        return set()


def _send_one(transport: Transport, item: Composed, following: Composed | None) -> tuple[SendResult | None, str]:
    """The result, none when the worker stops before the server could accept it; and the traceback of an error.

    `following` is announced to the server while it thinks about this one, and is checked again before its text leaves.
    """
    release_connection()
    try:
        return transport.send(item.envelope, following.envelope if following else None), ""
    except BrokenOffError:
        return None, ""
    except DATABASE_ERRORS as error:
        # a transport uses the database before it connects only, for access tokens: nothing was sent
        log.warning("message %d was not sent, the database failed: %s", item.message_pk, error)
        connection.close()
        return None, ""
    except Exception as error:
        # it is not known whether the message was sent, and it must not be sent twice
        log.exception("sending message %d met an error in the program", item.message_pk)
        return Unknown(f"error in the program while sending: {type(error).__name__}: {error}"), traceback.format_exc()


def _unrendered(item: Uncomposed, clock: Clock) -> Result:
    return Result(item.message_pk, item.refused, clock(), trace=item.trace, is_outdated=item.is_outdated)
