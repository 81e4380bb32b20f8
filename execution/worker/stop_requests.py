"""How a process that runs jobs is asked to stop: the jobs in hand end early, and those that come later end at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_callbacks: list[Callable[[], None]] = []
_requested = threading.Event()


@contextmanager
def on_stop(callback: Callable[[], None]) -> Iterator[None]:
    """Within it `callback` is called once a stop is requested, from another thread; at once if it was requested."""
    with _lock:
        _callbacks.append(callback)
        is_requested = _requested.is_set()
    try:
        if is_requested:
            callback()
        yield
    finally:
        with _lock:
            _callbacks.remove(callback)


def request_stop() -> None:
    """Ask what runs now and what begins later. Cannot be taken back."""
    with _lock:
        _requested.set()
        callbacks = list(_callbacks)
    for callback in callbacks:
        callback()


def is_busy() -> bool:
    """Whether something that can be asked is still running."""
    with _lock:
        return bool(_callbacks)
