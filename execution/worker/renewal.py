"""Extends the leases that a process holds, for as long as its threads hold them. Takes and releases none."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from common.database_errors import DATABASE_ERRORS
from common.db import release_connection
from emails.sending.delivery import Clock, HeldLeases
from emails.sending.lanes import RENEW_SECONDS, renew_leases
from execution.worker.outage import first_line

log = logging.getLogger(__name__)


@contextmanager
def renewing(leases: HeldLeases, clock: Clock) -> Iterator[None]:
    """Extend the leases from a thread that does nothing else, so that nothing slow can delay it.

    It goes on as long as threads of this process hold leases.
    """
    ended = threading.Event()

    def renew() -> None:
        try:
            while not ended.wait(RENEW_SECONDS) or leases.tokens():
                if ended.is_set():
                    time.sleep(RENEW_SECONDS)
                try:
                    renew_leases(leases.tokens(), clock())
                    release_connection()
                except DATABASE_ERRORS as error:
                    log.warning("the leases could not be renewed, trying again: %s", first_line(error))
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        if not leases.tokens():
            thread.join(timeout=RENEW_SECONDS)
