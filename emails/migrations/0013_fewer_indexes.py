"""Indexes that begin like another one go: each is written by every step of a message. Nothing is locked for long."""

import django.db.models.deletion
from django.db import migrations, models


def _drop(table, name, column):
    return migrations.RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({column})",
    )


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('emails', '0012_provider_id'),
        ('sequences', '0007_retention'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                _drop('emails_emailevent', 'emails_emailevent_contact_id_306ce5a4', 'contact_id'),
                _drop('emails_emailevent', 'emails_emailevent_enrollment_id_7a326049', 'enrollment_id'),
                _drop('emails_emailmessage', 'emails_emailmessage_enrollment_id_1a19abf2', 'enrollment_id'),
                _drop('emails_emailmessage', 'emails_emailmessage_message_id_15b8b3ed_like', 'message_id varchar_pattern_ops'),
                migrations.RunSQL(
                    'ALTER TABLE emails_emailmessage RENAME CONSTRAINT emails_emailmessage_message_id_key TO message_id_once',
                    'ALTER TABLE emails_emailmessage RENAME CONSTRAINT message_id_once TO emails_emailmessage_message_id_key',
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='emailevent',
                    name='contact',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='sequences.contact'),
                ),
                migrations.AlterField(
                    model_name='emailevent',
                    name='enrollment',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='sequences.enrollment'),
                ),
                migrations.AlterField(
                    model_name='emailmessage',
                    name='enrollment',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='sequences.enrollment'),
                ),
                migrations.AlterField(
                    model_name='emailmessage',
                    name='message_id',
                    field=models.CharField(help_text='RFC 5322 Message-ID, fixed when queued.', max_length=255),
                ),
                migrations.AddConstraint(
                    model_name='emailmessage',
                    constraint=models.UniqueConstraint(fields=('message_id',), name='message_id_once'),
                ),
            ],
        ),
    ]
