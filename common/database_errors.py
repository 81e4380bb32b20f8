"""Which errors of PostgreSQL pass by themselves, by SQLSTATE: no row causes them, so the same work is tried again."""

from __future__ import annotations

import psycopg
from django.db import Error, InterfaceError, OperationalError

# Whatever the driver or Django raises for a database.
DATABASE_ERRORS = (psycopg.Error, Error)
# Classes and states (https://www.postgresql.org/docs/current/errcodes-appendix.html):
_TEMPORARY_STATES = (
    "08",  # connection exception
    "0A000",  # a statement prepared before a migration changed its columns; it passes on the next connection
    "25006",  # read-only: a standby, or a server that is being moved
    "25P03",  # idle in transaction for too long
    "25P04",  # transaction for too long
    "26000",  # a prepared statement that a pooler or a new server does not know
    "40",  # deadlock, serialization failure
    "53",  # too many connections, disk full, out of memory
    "55P03",  # lock not available
    "57",  # canceled, shutdown, idle session ended
    "58",  # system error
    "XX",  # internal error
)


def find_sqlstate(error: BaseException) -> str:
    """The SQLSTATE of the error or of what Django wrapped; empty when the server gave none."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


def is_temporary(error: BaseException) -> bool:
    """Whether the work may be tried again as it is. A lost connection has no SQLSTATE and is one of these."""
    if not isinstance(error, DATABASE_ERRORS):
        return False
    if state := find_sqlstate(error):
        return state.startswith(_TEMPORARY_STATES)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | OperationalError | InterfaceError)
