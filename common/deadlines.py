"""Time limits that cover a whole exchange with a foreign server, not a single read. Knows no protocol."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Deadline:
    """When an exchange must be over, whatever the server does. Measured on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def remaining(self, at_most: float) -> float:
        """Seconds that the next socket operation may take. TimeoutError when none are left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server took too long in total")
        return min(left, at_most)


@contextmanager
def hang_up_after(seconds: float, find_socket: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut the socket down when the block takes longer, so that whatever waits for it ends with an error.

    For libraries whose timeout is that of one read: a server that sends a byte now and then would never reach it.
    """
    timer = threading.Timer(max(seconds, 0), _hang_up, [find_socket])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(find_socket: Callable[[], socket.socket | None]) -> None:
    sock = find_socket()
    if sock is not None:
        with suppress(OSError):
            # of the plain socket: shutting TLS down would free the session while it is being read
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
