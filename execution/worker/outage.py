"""Logs outages of the database: one line when it starts, one when it ends. Does not reconnect by itself."""

from __future__ import annotations

import logging
import threading
import time

from django.db import connection

from common.database_errors import DATABASE_ERRORS

_REPEAT_SECONDS = 60.0

log = logging.getLogger(__name__)


class Outage:
    """Shared by the threads of a process, so that each outage is logged once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = False
        self._last_report = ("", 0.0)

    def report(self, error: Exception) -> None:
        """Log the error of a thread, unless it belongs to an outage that is logged already."""
        try:
            connection.ensure_connection()
        except DATABASE_ERRORS:
            with self._lock:
                if not self._is_on:
                    log.warning("the database is not available, trying again until it is: %s", first_line(error))
                self._is_on = True
            return
        # several threads meet the same state of the server, such as read-only, again and again
        line, now = first_line(error), time.monotonic()
        with self._lock:
            is_known = self._last_report[0] == line and now - self._last_report[1] < _REPEAT_SECONDS
            if not is_known:
                self._last_report = line, now
        if not is_known:
            log.warning("the database failed, trying again: %s", line)

    def check_end(self) -> None:
        """Raise the database's error while the outage lasts; log once when it is over."""
        if not self._is_on:
            return
        connection.ensure_connection()
        with self._lock:
            if self._is_on:
                log.info("the database is available again")
            self._is_on = False


def first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
