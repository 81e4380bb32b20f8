"""The thread pools of an executor: lanes, inboxes and webhooks, each by the rules of `common.fair_share`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from common.db import generic_plans, release_connection
from common.dispatcher import Dispatcher
from common.fair_share import FairShare
from emails.inbound.inbox_claims import Asked
from emails.inbound.inbox_jobs import SLOW_SECONDS as SLOW_INBOX_SECONDS
from emails.inbound.inbox_jobs import take_inbox_job
from emails.sending.delivery import SLOW_SECONDS as SLOW_LANE_SECONDS
from emails.sending.delivery import Clock, HeldLeases, claim_lane
from execution.webhooks_out.delivering import SLOW_SECONDS as SLOW_WEBHOOK_SECONDS
from execution.webhooks_out.delivering import claim_delivery

# One per process: a job of the cluster goes on with what the one before has learned, and still waits for.
_SHARES: dict[tuple[str, int], FairShare] = {}

INBOX_THREADS = 8
WEBHOOK_THREADS = 8

OnError = Callable[[Exception], None]


def make_lane_pool(
    clock: Clock,
    worker: str,
    leases: HeldLeases,
    threads: int,
    *,
    is_stopping: Callable[[], bool],
    on_served: Callable[[int], None],
    on_error: OnError,
    workspace_id: int | None,
) -> Dispatcher:
    """`on_served` gets the number of messages that a lane sent or tried, after each turn."""
    return Dispatcher(
        "lane",
        _share("lane", threads, SLOW_LANE_SECONDS),
        lambda shares: claim_lane(
            clock,
            worker,
            leases,
            shares,
            workspace_id=workspace_id,
            is_stopping=is_stopping,
            on_served=on_served,
        ),
        on_error=on_error,
        rest=release_connection,
        around=_lane_thread,
    )


def make_inbox_pool(
    clock: Clock,
    *,
    mailbox_ids: list[int] | None = None,
    workspace_id: int | None = None,
    on_facts: Callable[[int], None],
    on_error: OnError,
) -> Dispatcher:
    """`on_facts` gets the number of new events, or of messages proven to be sent, of each inbox."""
    return Dispatcher(
        "inbox",
        _share("inbox", INBOX_THREADS, SLOW_INBOX_SECONDS),
        lambda shares: take_inbox_job(Asked(clock(), mailbox_ids, workspace_id, only_due=True), shares, on_facts),
        on_error=on_error,
        rest=lambda: connection.close(),
        around=_closing,
    )


def make_webhook_pool(clock: Clock, *, on_error: OnError) -> Dispatcher:
    return Dispatcher(
        "webhooks",
        _share("webhooks", WEBHOOK_THREADS, SLOW_WEBHOOK_SECONDS),
        lambda shares: claim_delivery(clock(), shares),
        on_error=on_error,
        rest=lambda: connection.close(),
        around=_closing,
    )


def _share(pool: str, threads: int, slow_seconds: float) -> FairShare:
    return _SHARES.setdefault((pool, threads), FairShare(threads, slow_seconds))


@contextmanager
def _lane_thread() -> Iterator[None]:
    with generic_plans(), _closing():
        yield


@contextmanager
def _closing() -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()
