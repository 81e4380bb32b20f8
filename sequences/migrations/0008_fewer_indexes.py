"""Indexes that begin like another one go: each is written by every move of an enrollment. Nothing is locked for long."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_LIVE = "WHERE status IN ('active', 'paused', 'quarantined')"


def _drop(name, column):
    return migrations.RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON sequences_enrollment ({column})",
    )


def _swap_live_once(include):
    return [
        "DROP INDEX CONCURRENTLY IF EXISTS enrollment_live_once_next",
        "CREATE UNIQUE INDEX CONCURRENTLY enrollment_live_once_next "
        f"ON sequences_enrollment (sequence_id, contact_id) {include} {_LIVE}",
        "DROP INDEX CONCURRENTLY IF EXISTS enrollment_live_once",
        "ALTER INDEX enrollment_live_once_next RENAME TO enrollment_live_once",
    ]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('emails', '0012_provider_id'),
        ('sequences', '0007_retention'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_swap_live_once('INCLUDE (current_step_id)'), _swap_live_once('')),
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS enrollment_standing",
                    "CREATE INDEX CONCURRENTLY IF NOT EXISTS enrollment_standing "
                    f"ON sequences_enrollment (sequence_id, current_step_id) {_LIVE}",
                ),
                _drop('sequences_enrollment_contact_id_de688734', 'contact_id'),
                _drop('sequences_enrollment_owner_id_e44faab2', 'owner_id'),
                _drop('sequences_enrollment_workspace_id_a763ae94', 'workspace_id'),
            ],
            state_operations=[
                migrations.RemoveConstraint(model_name='enrollment', name='enrollment_live_once'),
                migrations.AddConstraint(
                    model_name='enrollment',
                    constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['active', 'paused', 'quarantined'])), fields=('sequence', 'contact'), include=('current_step',), name='enrollment_live_once'),
                ),
                migrations.RemoveIndex(model_name='enrollment', name='enrollment_standing'),
                migrations.AlterField(
                    model_name='enrollment',
                    name='contact',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='enrollments', to='sequences.contact'),
                ),
                migrations.AlterField(
                    model_name='enrollment',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='enrollments', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='enrollment',
                    name='workspace',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='enrollments', to='sequences.workspace'),
                ),
            ],
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner'], name='enrollment_owner'),
        ),
    ]
