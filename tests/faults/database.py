"""Make the database itself fail: triggers that raise the errors of an overloaded PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_FUNCTION = """
CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- a sequence does not roll back: what has failed is counted although its transaction never was
    IF ({when}) AND nextval('faults') <= {times} THEN
        RAISE EXCEPTION 'fault of the test' USING ERRCODE = '{state}';
    END IF;
    RETURN NEW;
END $$
"""


@contextmanager
def failing(table: str, event: str, sqlstate: str, *, when: str = "true", times: int = 1) -> Iterator[None]:
    """The first `times` rows that fit raise this error, in whatever process they are written."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE faults")
        cursor.execute(_FUNCTION.format(when=when, times=times, state=sqlstate))
        cursor.execute(f"CREATE TRIGGER fault BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION fault()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER fault ON {table}")
            cursor.execute("DROP FUNCTION fault")
            cursor.execute("DROP SEQUENCE faults")


def count_faults() -> int:
    """How many rows have failed so far, or were about to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM faults")
        row: tuple[int] = cursor.fetchone()
    return row[0]
