"""Exchanges with other servers that a user waits for: few at once, so that the threads of a web server stay free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_AT_ONCE = 2
TRY_AGAIN_SECONDS = 5
_FREE = threading.BoundedSemaphore(MOST_AT_ONCE)


class BusyError(RuntimeError):
    """As many as are allowed in this process are under way. Nothing was asked of the server."""

    def __init__(self) -> None:
        super().__init__("other mailboxes are being tested at this moment: try again in a few seconds")


@contextmanager
def user_exchange() -> Iterator[None]:
    """Around one exchange. Raises `BusyError` instead of waiting."""
    if not _FREE.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        _FREE.release()
