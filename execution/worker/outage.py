"""What the log says while the database is away: one line when it goes, one when it is back. It mends nothing itself."""

from __future__ import annotations

import logging
import threading

from django.db import connection

log = logging.getLogger(__name__)


class Outage:
    """Shared by the threads of a process, so that each outage is told once and not by every thread at every try."""

    def __init__(self, temporary: tuple[type[Exception], ...]) -> None:
        self._temporary = temporary
        self._lock = threading.Lock()
        self._is_on = False

    def tell(self, error: Exception) -> None:
        """Log what a thread has met, unless it is an outage that is told already."""
        try:
            connection.ensure_connection()
        except self._temporary:
            with self._lock:
                if not self._is_on:
                    log.warning("the database is not there, trying until it is: %s", first_line(error))
                self._is_on = True
            return
        log.warning("the database failed, trying again: %s", first_line(error))

    def check_end(self) -> None:
        """Raise as the database does while it is away, and say once that it is back."""
        if not self._is_on:
            return
        connection.ensure_connection()
        with self._lock:
            if self._is_on:
                log.info("the database is there again")
            self._is_on = False


def first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
