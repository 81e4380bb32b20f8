"""Exchanges with other servers that a user waits for: few at once, so that the threads of a web server stay free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_AT_ONCE = 2
TRY_AGAIN_SECONDS = 5
_LOCK = threading.Lock()
_UNDER_WAY: set[int] = set()


class BusyError(RuntimeError):
    """As many as are allowed in this process are under way. Nothing was asked of the server."""

    def __init__(self) -> None:
        super().__init__("other mailboxes are being tested at this moment: try again in a few seconds")


@contextmanager
def user_exchange(workspace_id: int) -> Iterator[None]:
    """Around one exchange, of which a workspace has one at a time. Raises `BusyError` instead of waiting.

    So the servers of one workspace that hang leave room for those of another.
    """
    with _LOCK:
        if workspace_id in _UNDER_WAY or len(_UNDER_WAY) == MOST_AT_ONCE:
            raise BusyError
        _UNDER_WAY.add(workspace_id)
    try:
        yield
    finally:
        with _LOCK:
            _UNDER_WAY.discard(workspace_id)
