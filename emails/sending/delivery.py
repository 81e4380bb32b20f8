"""The one door out: serve a mailbox's lane. Last look and mark (A), hand over, record (B); no transaction in between.

The caller gives the clock and as many threads as it likes; the lease makes sure that each lane has one of them.
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
from datetime import datetime

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction

from common.db import lend_connection
from emails.models import Mailbox
from emails.pacing.breaker import Breaker
from emails.rendering.compose import Composed, Uncomposed, compose
from emails.sending.final_check import chunk_limit, claim_chunk
from emails.sending.lanes import Lease, LeaseLostError, release_lane, take_lane
from emails.sending.recheck import recheck
from emails.sending.results import LANE_ERRORS, Result, record_lane_failure, record_results
from emails.transport import open_transport
from emails.transport.send_result import Refused, SendResult, Transport, Unknown

log = logging.getLogger(__name__)

_DATABASE_GONE = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError)
_RECORD_SECONDS = 300
_RECORD_PAUSE_SECONDS = 0.5
# A chunk is what the lane hands over in a second if it is as fast as the one before; what then takes longer goes back.
_IN_DOUBT_SECONDS = 1.0
_CHUNK_SECONDS = 1.0
# How old the look may be on which a message leaves. With a distant server each dialogue takes longer: each has its own.
_LOOK_SECONDS = 0.01

Clock = Callable[[], datetime]


class HeldLeases:
    """The leases that this process holds, for whoever renews them."""

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


def deliver_lane(
    clock: Clock,
    worker: str,
    leases: HeldLeases,
    *,
    workspace_id: int | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
    on_taken: Callable[[], None] = lambda: None,
) -> int | None:
    """Serve the lane that has been ready longest until it has nothing to send now.

    Returns how many messages were handed over, whatever became of them; None when no lane is ready. `on_taken` is
    called once the lane is leased.
    """
    lease = take_lane(clock(), worker, workspace_id)
    if lease is None:
        return None
    leases.add(lease.token)
    on_taken()
    try:
        return _serve(lease, clock, is_stopping)
    except LeaseLostError as error:
        log.warning("%s", error)
        return 0
    except _DATABASE_GONE:
        raise
    except Exception as error:
        # not the other lanes' fault: this one is tried again later and later, and alerts
        log.exception("serving mailbox %d met a bug", lease.mailbox_id)
        with transaction.atomic():
            record_lane_failure(lease, f"a bug was met: {type(error).__name__}: {error}", clock(), random.random())
        return 0
    finally:
        leases.discard(lease.token)
        with suppress(*_DATABASE_GONE):
            # an unreleased lease runs out by itself
            release_lane(lease)


def _serve(lease: Lease, clock: Clock, is_stopping: Callable[[], bool]) -> int:
    mailbox = Mailbox.objects.get(pk=lease.mailbox_id)
    largest = chunk_limit(mailbox.gap_seconds, mailbox.jitter_seconds)
    handed_over, size = 0, 1
    with ExitStack() as doors:
        transports = [doors.enter_context(open_transport(mailbox)) for _ in range(max(mailbox.connections, 1))]
        while not is_stopping():
            with transaction.atomic():
                chunk = claim_chunk(lease, clock(), size)
            if not chunk.message_ids:
                break
            started = time.monotonic()
            results = _send_all(lease, chunk.message_ids, transports, clock)
            seconds = time.monotonic() - started
            breaker = _record(lease, results, chunk.breaker, clock)
            handed_over += sum(result.answer is not None for result in results)
            if any(isinstance(r.answer, Refused) and r.answer.error_class in LANE_ERRORS for r in results):
                break
            if breaker.failures:
                break
            is_more = chunk.again_at is not None and chunk.again_at <= clock()
            if not is_more and all(result.answer is not None for result in results):
                break
            size = min(max(int(_IN_DOUBT_SECONDS * len(results) / max(seconds, 0.001)), 1), largest)
    return handed_over


def _record(lease: Lease, results: Sequence[Result], breaker: Breaker, clock: Clock) -> Breaker:
    """Write what the server said, patiently: it is known only here, and lost it would leave the messages in doubt."""
    deadline = time.monotonic() + _RECORD_SECONDS
    while True:
        try:
            with transaction.atomic():
                return record_results(lease, results, breaker, clock(), random.random())
        except _DATABASE_GONE as error:
            if time.monotonic() > deadline:
                raise
            log.warning("the results of mailbox %d wait for the database: %s", lease.mailbox_id, error)
            connection.close()
            time.sleep(_RECORD_PAUSE_SECONDS)


def _send_all(lease: Lease, message_ids: Sequence[int], transports: Sequence[Transport], clock: Clock) -> list[Result]:
    looked_at = time.monotonic()
    try:
        composed = compose(message_ids, clock())
    except _DATABASE_GONE as error:
        # nothing has left, and that is known: they go back into the queue
        log.warning("a chunk could not be rendered for want of the database: %s", error)
        return [Result(message_id, None, clock()) for message_id in message_ids]
    results = [_unrendered(item, clock) for item in composed if isinstance(item, Uncomposed)]
    ready = [item for item in composed if isinstance(item, Composed)]
    if len(transports) == 1 or len(ready) == 1:
        return results + _send_by(lease, transports[0], ready, clock, looked_at)
    shares = [ready[index :: len(transports)] for index in range(len(transports))]
    with ThreadPoolExecutor(len(transports)) as pool:
        for share in pool.map(
            lambda transport, part: _send_share(lease, transport, part, clock, looked_at), transports, shares
        ):
            results += share
    return results


def _send_share(
    lease: Lease, transport: Transport, ready: Sequence[Composed], clock: Clock, looked_at: float
) -> list[Result]:
    try:
        return _send_by(lease, transport, ready, clock, looked_at)
    finally:
        connection.close()


def _send_by(
    lease: Lease, transport: Transport, ready: Sequence[Composed], clock: Clock, looked_at: float
) -> list[Result]:
    """One after the other. When the lane itself fails, or a second has passed since the last look, the rest goes back.

    `looked_at`: the monotonic moment of the look. Nothing leaves on a look that is older than `_LOOK_SECONDS`.
    """
    results: list[Result] = []
    ends_at = looked_at + _CHUNK_SECONDS
    undisturbed = {item.message_pk for item in ready}
    is_over = False
    for number, item in enumerate(ready):
        at = time.monotonic()
        is_over = is_over or bool(results and at > ends_at)
        if not is_over and at - looked_at >= _LOOK_SECONDS:
            undisturbed, looked_at = _look_again(lease, ready[number:], clock()), at
        if is_over or item.message_pk not in undisturbed:
            results.append(Result(item.message_pk, None, clock(), item))
            continue
        answer, trace = _send_one(transport, item)
        results.append(Result(item.message_pk, answer, clock(), item, trace))
        is_over = isinstance(answer, Refused) and answer.error_class in LANE_ERRORS
    return results


def _look_again(lease: Lease, items: Sequence[Composed], now: datetime) -> set[int]:
    try:
        return recheck(lease.token, [item.message_pk for item in items], now)
    except _DATABASE_GONE:
        connection.close()
        return set()


def _send_one(transport: Transport, item: Composed) -> tuple[SendResult, str]:
    lend_connection()
    try:
        return transport.send(item.envelope), ""
    except Exception as error:
        # A bug after which nobody knows whether the message left must not send it twice.
        log.exception("handing over message %d met a bug", item.message_pk)
        return Unknown(f"a bug was met while handing over: {type(error).__name__}: {error}"), traceback.format_exc()


def _unrendered(item: Uncomposed, clock: Clock) -> Result:
    return Result(item.message_pk, item.refused, clock(), trace=item.trace)
