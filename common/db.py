"""Set-based SQL on Django's own connection: prepared, binary, inside whatever transaction is open.

Django's cursor interpolates parameters on the client; batches of arrays are faster as server-side binary parameters.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from psycopg.rows import dict_row

from common.arrays import pack_arrays, register_arrays
from common.timelines import check_timeline

Row = dict[str, Any]
_thread_options = threading.local()


def _execute(sql: str, params: Mapping[str, Any]) -> psycopg.Cursor[Row]:
    connection.ensure_connection()
    cursor = psycopg.Cursor(_with_dumpers(connection.connection), row_factory=dict_row)
    cursor.execute(sql.encode(), pack_arrays(sql, params), prepare=True, binary=True)
    return cursor


def _with_dumpers(driver: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The connection, with the dumpers of packed arrays registered once: a pool returns it again and again."""
    if not hasattr(driver, "knows_arrays"):
        register_arrays(driver.adapters)
        driver.knows_arrays = True  # type: ignore[attr-defined]
    return driver


def fetch_all(sql: str, params: Mapping[str, Any]) -> list[Row]:
    """Run one statement and return its rows as dictionaries. Raises `psycopg.Error`."""
    with _execute(sql, params) as cursor:
        return cursor.fetchall()


def execute(sql: str, params: Mapping[str, Any]) -> int:
    """Run one statement and return how many rows it changed. Raises `psycopg.Error`."""
    with _execute(sql, params) as cursor:
        return cursor.rowcount


class Pending:
    """A statement in a pipeline. `changed` is known after the block of `pipelined` it belongs to."""

    def __init__(self, cursor: psycopg.Cursor[Row]) -> None:
        self._cursor = cursor

    @property
    def changed(self) -> int:
        return self._cursor.rowcount


def execute_pending(sql: str, params: Mapping[str, Any]) -> Pending:
    """Like `execute`, inside a block of `pipelined`."""
    return Pending(_execute(sql, params))


# Twice the time that a session may be idle, since it may wait for one that is.
_BOUND_TRANSACTION = """
SELECT set_config('transaction_timeout',
    (2000 * extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval))::bigint::text, true)
"""
_HAS_TRANSACTION_TIMEOUT = 170000


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the statements of this transaction in a pipeline, without waiting for the result of each.

    Saves a round trip for each, and the next one is packed while the server works. No result can be read inside. An
    error is raised by a later statement or at the end of the block, the first error first.

    Before PostgreSQL 17 they are sent one by one: there no timeout ends a session whose process stops inside.
    """
    connection.ensure_connection()
    driver = connection.connection
    if driver.info.server_version < _HAS_TRANSACTION_TIMEOUT:
        yield
        return
    with driver.pipeline():
        _execute(_BOUND_TRANSACTION, {})
        yield


@contextmanager
def generic_plans() -> Iterator[None]:
    """In this thread, connections made from now on plan each statement once instead of five times for its values first,
    and join tables in the order in which it names them: trying all orders is most of the time that planning takes.

    For statements whose plan does not depend on their values, such as a lane's: no LIMIT may be a parameter. Without
    effect where a pool shares the connections.
    """
    _thread_options.plans_once = True
    try:
        yield
    finally:
        _thread_options.plans_once = False


# A process that stops in the middle of a transaction would keep its locks. A timeout set for the database or the role
# takes precedence.
_BOUND_IDLENESS = """
SELECT set_config('idle_in_transaction_session_timeout', '30s', false)
WHERE current_setting('idle_in_transaction_session_timeout') = '0'
"""


def _admit(connection: Any, **_: object) -> None:
    driver = connection.connection
    # a pool returns the same connection again and again
    if not hasattr(driver, "is_bound"):
        driver.execute(_BOUND_IDLENESS)
        try:
            check_timeline(driver)
        except psycopg.Error as error:
            connection.close()
            raise OperationalError(str(error)) from error
        driver.is_bound = True


def _set_generic_plans(connection: Any, **_: object) -> None:
    if getattr(_thread_options, "plans_once", False) and not connection.settings_dict["OPTIONS"].get("pool"):
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan; SET join_collapse_limit = 1")


connection_created.connect(_admit, dispatch_uid="common.db.admit")
connection_created.connect(_set_generic_plans, dispatch_uid="common.db.plan_once")


def release_connection() -> None:
    """Return the connection to its pool. Call outside transactions, before waiting for anything but the database.

    Without a pool the connection stays open, since a new one would only cost time.
    """
    if connection.settings_dict["OPTIONS"].get("pool"):
        connection.close()
