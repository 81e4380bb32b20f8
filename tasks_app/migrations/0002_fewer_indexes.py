"""The index of the enrollment goes: the constraint on the run of a step begins with it."""

import django.db.models.deletion
from django.db import migrations, models

_NAME = 'tasks_app_task_enrollment_id_a69ecb77'


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('sequences', '0006_due_order'),
        ('tasks_app', '0001_initial'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX CONCURRENTLY IF EXISTS {_NAME}',
                    f'CREATE INDEX CONCURRENTLY IF NOT EXISTS {_NAME} ON tasks_app_task (enrollment_id)',
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='task',
                    name='enrollment',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='sequences.enrollment'),
                ),
            ],
        ),
    ]
