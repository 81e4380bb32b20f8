from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # the index of a big table is made while it is used
    atomic = False

    dependencies = [
        ('sequences', '0006_due_order'),
    ]

    operations = [
        migrations.AddField(
            model_name='workspace',
            name='retained_at',
            field=models.DateTimeField(editable=False, help_text='Who ended before has been let go of by retention.', null=True),
        ),
        migrations.AlterField(
            model_name='workspace',
            name='retention_days',
            field=models.PositiveIntegerField(default=730, help_text='Days after which the log, texts and raw payloads of those who have ended go; the ledger stays.'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('completed_at__isnull', False)), fields=['workspace', 'completed_at'], name='enrollment_ended'),
        ),
    ]
