"""Refuses an environment in which the product would do damage: checked once at the start of every process that works.

The checks need connections of their own, since a connection pooler shows itself between two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

from common.clocks import describe_offset, is_wrong, measure_offset

OLDEST_POSTGRESQL = 15
# As two clients of a pooler that mixes up their prepared statements: a name that is taken, or one that is not there.
_MIXED_UP = (
    psycopg.errors.DuplicatePreparedStatement,
    psycopg.errors.InvalidSqlStatementName,
)


class UnsuitableError(RuntimeError):
    """Why the product must not run here: one line with the remedy."""


def check_environment() -> None:
    """Check the database behind DATABASE_URL and this host's clock. Raises `UnsuitableError` and `psycopg.Error`."""
    connection.ensure_connection()
    check_version(connection.connection.info.server_version)
    _check_prepared_statements()
    offset = measure_offset(lambda: datetime.now(UTC))
    if offset is not None and is_wrong(offset):
        raise UnsuitableError(f"The clock of this host is {describe_offset(offset)}: set it and keep it in step (NTP)")


def check_version(version: int) -> None:
    """`version` as libpq numbers it, such as 150004 for 15.4. Raises `UnsuitableError`."""
    major = version // 10_000
    if major < OLDEST_POSTGRESQL:
        raise UnsuitableError(
            f"PostgreSQL {major} is too old: this needs {OLDEST_POSTGRESQL} or newer (see DATABASE_URL)"
        )


def _check_prepared_statements() -> None:
    """Prepare, commit and execute twice on two connections in turn. Raises `UnsuitableError`.

    Each connection numbers its statements from the start, so that the two use the same names for different ones.
    """
    with _own_connection() as first, _own_connection() as second:
        try:
            for _ in range(3):
                for number, client in enumerate((first, second), start=1):
                    # autocommit: a transaction each
                    row = client.execute(f"SELECT {number}".encode(), prepare=True).fetchone()
                    if row != (number,):
                        raise _pooler_refused()
        except _MIXED_UP:
            raise _pooler_refused() from None


@contextmanager
def _own_connection() -> Iterator[psycopg.Connection[Any]]:
    params = {key: value for key, value in connection.get_connection_params().items() if key != "cursor_factory"}
    with psycopg.connect(**params, autocommit=True) as own:
        yield own


def _pooler_refused() -> UnsuitableError:
    return UnsuitableError(
        "DATABASE_URL leads to a connection pooler that loses prepared statements between transactions: "
        "use PgBouncer 1.21 or newer with max_prepared_statements, or pool_mode=session"
    )
