"""Long transactions of users, such as imports, beside the short ones of the engine and of replies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import DatabaseError, connection

_TIMES = 5

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def retry_deadlocks(work: Callable[[], Result]) -> Result:
    """Run a whole transaction, and again when PostgreSQL has ended it to break a deadlock (40P01): nothing was kept.

    `work` begins from the start each time. Inside a transaction of the caller it is run once: only the whole can be
    retried.
    """
    for _ in range(_TIMES - 1):
        try:
            return work()
        except (DatabaseError, psycopg.Error) as error:
            if connection.in_atomic_block or not _is_deadlock(error):
                raise
            log.info("a deadlock has ended the transaction, trying again")
    return work()


def _is_deadlock(error: Exception) -> bool:
    return isinstance(error, psycopg.errors.DeadlockDetected) or isinstance(
        error.__cause__, psycopg.errors.DeadlockDetected
    )
