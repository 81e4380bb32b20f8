"""The table of django-rest-knox stays empty, since keys are ours: no foreign key, so users can be deleted and tables truncated."""

from django.db import migrations

_DROP_FOREIGN_KEYS = """
DO $$
DECLARE
    found text;
BEGIN
    FOR found IN SELECT conname FROM pg_constraint WHERE conrelid = 'knox_authtoken'::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE knox_authtoken DROP CONSTRAINT %I', found);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    # the first migration of knox waits for our table of keys, so this cannot be part of it
    dependencies = [('execution', '0001_initial'), ('knox', '0009_extend_authtoken_field')]
    operations = [migrations.RunSQL(_DROP_FOREIGN_KEYS, migrations.RunSQL.noop)]
