"""What the whole database holds, to show that a call changed nothing."""

from __future__ import annotations

from django.db import connection


def read_tables() -> dict[str, str]:
    """A digest of every table."""
    with connection.cursor() as cursor:
        digests = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t")
            digests[table] = cursor.fetchone()[0]
    return digests
