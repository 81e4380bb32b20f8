"""The timeline of a database server: it grows with each failover, so an old primary that returned has an older one.

A process never works on an older timeline than it has worked on: commits that it made, and acted on, are not there.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg

_READ = """
SELECT s.system_identifier::text,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END
FROM pg_control_system() s
"""
_lock = threading.Lock()
_newest: dict[str, int] = {}


def read_timeline(driver: psycopg.Connection[Any]) -> tuple[str, int]:
    """The system identifier and the timeline of the server behind a connection; 0: it is a standby."""
    row = driver.execute(_READ).fetchone()
    assert row is not None
    return row[0], row[1]


def check_timeline(driver: psycopg.Connection[Any]) -> None:
    """For a new connection. Raises `psycopg.OperationalError` on a timeline that this process has seen the end of."""
    system, timeline = read_timeline(driver)
    with _lock:
        newest = _newest.get(system, 0)
        if 0 < timeline < newest:
            raise psycopg.OperationalError(
                f"this server is an old primary (timeline {timeline}), the database failed over to timeline {newest}"
            )
        _newest[system] = max(newest, timeline)
