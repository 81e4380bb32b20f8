"""The database itself keeps `updated_at` of tables that many statements write, so that none of them forgets it.

The time is the database server's, of the change and not of the commit: a reader that asks for what changed looks back a
few minutes further than to the newest time that it has seen.
"""

from __future__ import annotations

from django.db.migrations import RunSQL

# Made by each migration that needs it, so that none depends on another app's; it stays when they are undone.
_FUNCTION = """
CREATE OR REPLACE FUNCTION note_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$
"""


def keep_update_times(table: str) -> RunSQL:
    """The operation of a migration that has the table's `updated_at` follow every change of a row."""
    create = f"""CREATE TRIGGER note_update BEFORE UPDATE ON {table}
        FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION note_update()"""
    return RunSQL([_FUNCTION, create], f"DROP TRIGGER IF EXISTS note_update ON {table}")
