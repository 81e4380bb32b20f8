"""The index of messages by workspace keeps them in order, in place of the one that does not. Nothing is locked for long."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_OLD = 'emails_emailmessage_workspace_id_3f0e6ecd'


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('emails', '0013_fewer_indexes'),
        ('sequences', '0009_trouble'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='emailmessage',
            index=models.Index(fields=['workspace', 'id'], name='message_newest'),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX CONCURRENTLY IF EXISTS {_OLD}',
                    f'CREATE INDEX CONCURRENTLY IF NOT EXISTS {_OLD} ON emails_emailmessage (workspace_id)',
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='emailmessage',
                    name='workspace',
                    field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace'),
                ),
            ],
        ),
    ]
