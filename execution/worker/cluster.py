"""django-q2's cluster as a family of processes that lives and ends as one. Changes nothing in django-q2 itself.

    first process ── sentinel ─┬─ workers (run the jobs)
                               ├─ monitor (stores results)
                               └─ pusher  (takes jobs from the broker)

- A child that was killed may have held a lock of `multiprocessing` that no other process can ever take again. So no
  death is repaired: it ends the whole cluster with an error, and what started the cluster starts it again.
- The first process alone takes SIGTERM and SIGINT; its children ignore them, and end when it cuts the lifeline.
- Without the first process the children end by themselves.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Event, Value, connection
from types import FrameType
from typing import Any

from django.conf import settings
from django_q.cluster import Sentinel, get_mp_context
from django_q.conf import Conf
from django_q.monitor import monitor
from django_q.pusher import pusher
from django_q.worker import worker

from emails.sending.under_way import UNDER_WAY
from execution.worker import stop_requests, watchdog
from execution.worker.lifeline import Lifeline

log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CHECK_SECONDS = 0.1
# Beyond the wait for outstanding answers: what an engine and the cluster need to end.
_ENGINE_SECONDS = 9.0
_CLUSTER_SECONDS = 12.0
_BREAK_OFF_SECONDS = 3.0
_HAS_LOST_CHILD = 70  # EX_SOFTWARE of sysexits.h
_ROLES = {worker: "worker", monitor: "monitor", pusher: "pusher"}


class ClusterFailedError(RuntimeError):
    """The cluster ended without having been asked to. The message is one line."""


def run_cluster(*, once: bool = False) -> None:
    """Run until SIGTERM or SIGINT, or until all is started with `once`. Raises `ClusterFailedError`.

    No process of the cluster is left when it returns or raises. Call in the main thread, without a database connection.
    """
    lifeline, has_started = Lifeline(), Event()
    asked: list[int] = []
    failures: list[str] = []
    ended = threading.Event()
    with _taking_signals(asked):
        sentinel = _fork_sentinel(lifeline, has_started)
        lifeline.keep_first_end()
        watching = threading.Thread(target=watchdog.watch, args=(ended, failures.append), daemon=True)
        watching.start()
        while not asked and not failures and not (once and has_started.is_set()):
            sentinel.join(_CHECK_SECONDS)
            if sentinel.exitcode is not None and not asked:
                failures.append(_explain(sentinel.exitcode))
        ended.set()
        log.info("the cluster stops")
        lifeline.cut()
        if not lifeline.wait_for_children(settings.STOP_WAIT_SECONDS + _CLUSTER_SECONDS):
            lifeline.kill_children()
            failures.append("processes of the cluster did not end in time and were killed")
        sentinel.join()
    if failures:
        raise ClusterFailedError(failures[0])


def _explain(exitcode: int) -> str:
    if exitcode == _HAS_LOST_CHILD:
        return "a process of the cluster was lost, as the log says"
    how = f"was killed by signal {-exitcode}" if exitcode < 0 else f"ended with status {exitcode}"
    return f"the sentinel of the cluster {how}"


@contextmanager
def _taking_signals(asked: list[int]) -> Iterator[None]:
    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fork_sentinel(lifeline: Lifeline, has_started: Any) -> Any:
    process = get_mp_context().Process(
        target=_run_sentinel, name=f"Process-{uuid.uuid4().hex}", args=(lifeline, has_started, uuid.uuid4())
    )
    # a signal to the group must not meet a child that does not ignore it yet
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    return process


def _run_sentinel(lifeline: Lifeline, has_started: Any, cluster_id: uuid.UUID) -> None:
    lifeline.join()
    GuardedSentinel(lifeline, has_started, cluster_id)


class GuardedSentinel(Sentinel):
    """Ends at once, with all others, when one of its children was killed or does not end a job in time."""

    def __init__(self, lifeline: Lifeline, has_started: Any, cluster_id: uuid.UUID) -> None:
        self._lifeline = lifeline
        super().__init__(_StopEvent(lifeline, self._find_children), has_started, cluster_id)

    def start(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        super().start()

    def spawn_process(self, target: Callable[..., None], *args: Any) -> Any:
        process = get_mp_context().Process(
            target=_run_child, args=(self._lifeline, target, *args), name=f"Process-{uuid.uuid4().hex}"
        )
        process.daemon = True
        process.role = _ROLES[target]
        if target is worker:
            process.daemon = Conf.DAEMONIZE_WORKERS
            process.timer = args[2]
            self.pool.append(process)
        process.start()
        return process

    def spawn_worker(self) -> None:
        self.spawn_process(worker, self.task_queue, self.result_queue, Value("f", -1), self.timeout)

    def reincarnate(self, process: Any) -> None:
        """Replace one that ended by itself: a recycled worker, a pusher that lost the database."""
        _check_end(process)
        super().reincarnate(process)

    def _find_children(self) -> list[Any]:
        return [process for process in (*self.pool, self.monitor, self.pusher) if process is not None]


def _check_end(process: Any) -> None:
    if process.exitcode is None:
        log.critical("a job of the cluster's worker %d does not end: ending the cluster", process.pid)
    elif process.exitcode < 0:
        log.critical(
            "the cluster's %s %d was killed by signal %d: ending the cluster",
            process.role, process.pid, -process.exitcode,
        )  # fmt: skip
    else:
        return
    os._exit(_HAS_LOST_CHILD)


class _StopEvent:
    """What the sentinel takes for its stop event: set when the lifeline is cut. Each wait looks after the children."""

    def __init__(self, lifeline: Lifeline, find_children: Callable[[], list[Any]]) -> None:
        self._lifeline = lifeline
        self._find_children = find_children

    def is_set(self) -> bool:
        return self._lifeline.is_cut()

    def wait(self, seconds: float) -> bool:
        children = {process.sentinel: process for process in self._find_children()}
        connection.wait([self._lifeline.fileno(), *children], seconds)
        if self._lifeline.is_cut():
            # whatever it waits for now, it does not outlive its time, nor its children it
            signal.alarm(int(settings.STOP_WAIT_SECONDS + _CLUSTER_SECONDS))
            return True
        for process in children.values():
            if process.exitcode is not None:
                _check_end(process)
        return False


def _run_child(lifeline: Lifeline, target: Callable[..., None], *args: Any) -> None:
    lifeline.join()
    threading.Thread(target=_end_with_cluster, args=(lifeline, os.getppid()), daemon=True).start()
    target(*args)
    # sends outlive the job that began them: a recycled worker ends after they have
    UNDER_WAY.wait(settings.STOP_WAIT_SECONDS)


def _end_with_cluster(lifeline: Lifeline, sentinel_pid: int) -> None:
    """Once the lifeline is cut: ask the job to end, then leave the rest to the sentinel, or end without it."""
    lifeline.is_cut(None)
    stop_requests.request_stop()
    started_at = time.monotonic()
    ends_at = started_at + settings.STOP_WAIT_SECONDS + _ENGINE_SECONDS
    while time.monotonic() < ends_at and (stop_requests.is_busy() or UNDER_WAY.count() or os.getppid() == sentinel_pid):
        time.sleep(_CHECK_SECONDS)
        if time.monotonic() > started_at + _BREAK_OFF_SECONDS:
            UNDER_WAY.break_off()
    os._exit(_HAS_LOST_CHILD)
